"""Rates of an online experiment: how often people took what they were shown, and whether variants differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError
from visrec.evaluation.intervals import Interval
from visrec.evaluation.significance import holm

__all__ = ["ExperimentResult", "Shown", "VariantResult", "compare_variants", "rate_columns"]

#: The 97.5th percentile of the standard normal distribution.
_NORMAL = 1.959963984540054
_LEVEL = 0.05
#: Below, intervals that rest on the normal distribution are no good.
_FEW_USERS = 30
#: A split that is as unlike the wanted one as this has a fault somewhere (Fabijan et al. 2019).
_UNLIKELY_SPLIT = 5e-4


@dataclass(frozen=True)
class Shown:
    """What the users of one variant were shown, and what they took of it.

    Attributes:
        n_lists: how many lists they got.
        items: items shown to each user, each item once, float64 (n_users,), at least 1.
        taken: those of them that the user liked, bought, … afterwards, float64 (n_users,).
    """

    n_lists: int
    items: npt.NDArray[np.float64]
    taken: npt.NDArray[np.float64]


@dataclass(frozen=True)
class VariantResult:
    """One variant's figures; of those but the first, also what they are beside the first's.

    Attributes:
        name: of the variant.
        n_users: users who got a list.
        n_lists: lists that they got.
        n_items: items shown, each once a user.
        n_taken: those that were taken afterwards.
        rate: n_taken / n_items, with its interval over users.
        users: share of the users who took anything.
        difference: rate less that of the first variant; None for the first.
        p: two-sided p-value of that difference; None for the first.
        p_adjusted: p after Holm's correction for all variants.
    """

    name: str
    n_users: int
    n_lists: int
    n_items: int
    n_taken: int
    rate: Interval
    users: Interval
    difference: Interval | None = None
    p: float | None = None
    p_adjusted: float | None = None

    def sentence(self, first: str) -> str:
        """What the difference from the first variant says."""
        if self.difference is None or self.p_adjusted is None or np.isnan(self.p_adjusted):
            return f"{self.name}: nothing to compare with {first} by yet."
        found = self.difference
        if self.p_adjusted > _LEVEL:
            word = f"no clear difference from {first}"
        else:
            word = f"{'above' if found.mean > 0 else 'below'} {first}"
        by = f"{100 * found.mean:+.2f} points, 95% interval {100 * found.low:+.2f} to {100 * found.high:+.2f}"
        return f"{self.name}: {word} ({by}; p = {self.p_adjusted:.2g})."

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON-able values, intervals as {"mean", "low", "high"}."""
        return {
            name: value.to_json() if isinstance(value, Interval) else _number(value)
            for name, value in vars(self).items()
        }


@dataclass(frozen=True)
class ExperimentResult:
    """All variants, the first of which is the one that the others are compared with.

    Attributes:
        variants: in their order.
        split_p: how likely a split of users as uneven as this is, if nothing is wrong.
        notes: what keeps the figures from being trusted; empty where nothing does.
    """

    variants: tuple[VariantResult, ...]
    split_p: float
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """{"variants", "split_p", "notes"}."""
        variants = [variant.to_json() for variant in self.variants]
        return {"variants": variants, "split_p": _number(self.split_p), "notes": list(self.notes)}


def compare_variants(shown: Mapping[str, Shown], weights: Sequence[float]) -> ExperimentResult:
    """Rates of each variant with 95% intervals, and the differences from the first.

    Users differ in how much they are shown, and what one user does hangs together: rates are ratios of sums over users,
    with the variance of the delta method.

    Args:
        shown: variant -> what its users were shown; the first is the one to compare with.
        weights: how many of the users each should get, in relation to the others; above 0.

    Raises:
        InputError: without a variant, or with other weights than variants.

    Reference:
        Deng, Knoblich & Lu (2018), Applying the Delta Method in Metric Analytics. KDD. doi:10.1145/3219819.3219919;
        shares of users: Wilson (1927), Probable inference; splits: Fabijan et al. (2019), Diagnosing Sample Ratio
        Mismatch in Online Controlled Experiments. KDD. doi:10.1145/3292500.3330722
    """
    if not shown or len(weights) != len(shown):
        raise InputError(f"Expected variants with a weight each, got {len(shown)} and {len(weights)} weights.")
    estimates = [_ratio(part.taken, part.items) for part in shown.values()]
    (base, base_variance), *others = estimates
    differences = [_interval(rate - base, variance + base_variance) for rate, variance in others]
    p = np.array([_two_sided(rate - base, variance + base_variance) for rate, variance in others])
    tested = ~np.isnan(p)
    adjusted = np.full(len(p), np.nan)
    adjusted[tested] = holm(p[tested])
    compared = [(None, None, None), *zip(differences, p.tolist(), adjusted.tolist(), strict=True)]
    variants = tuple(
        VariantResult(
            name,
            len(part.items),
            part.n_lists,
            int(part.items.sum()),
            int(part.taken.sum()),
            _within_unit(_interval(*estimate)),
            _share(int((part.taken > 0).sum()), len(part.items)),
            *beside,
        )
        for (name, part), estimate, beside in zip(shown.items(), estimates, compared, strict=True)
    )
    split_p = _split(np.array([len(part.items) for part in shown.values()]), np.array(weights, dtype=np.float64))
    return ExperimentResult(variants, split_p, _notes(variants, split_p))


def rate_columns(result: ExperimentResult) -> list[list[str]]:
    """The figures of all variants as cells of a table for people, the headings first."""
    head = ["variant", "users", "lists", "items shown", "taken", "rate", "95%", "users who took", "95%"]
    rows = [head]
    for one in result.variants:
        counts = [f"{count:,}" for count in (one.n_users, one.n_lists, one.n_items, one.n_taken)]
        rows.append([one.name, *counts, *_percent(one.rate), *_percent(one.users)])
    return rows


def _percent(found: Interval) -> tuple[str, str]:
    if np.isnan(found.mean):
        return "n/a", ""
    span = "" if np.isnan(found.low) else f"{100 * found.low:.2f}–{100 * found.high:.2f}"
    return f"{100 * found.mean:.2f}%", span


def _ratio(taken: npt.NDArray[np.float64], items: npt.NDArray[np.float64]) -> tuple[float, float]:
    """sum(taken) / sum(items) and its variance; NaN where nothing tells of it."""
    n = len(items)
    if n == 0:
        return float("nan"), float("nan")
    rate = float(taken.sum() / items.sum())
    if n == 1 or not taken.any():
        # Without anything taken the variance between users would be 0, which it is not.
        return rate, float("nan")
    # The ratio moves as the mean of taken - rate * items does, over the mean of items.
    return rate, float(np.var(taken - rate * items, ddof=1) / (n * items.mean() ** 2))


def _interval(mean: float, variance: float) -> Interval:
    half = _NORMAL * float(np.sqrt(variance))
    return Interval(mean, mean - half, mean + half)


def _within_unit(found: Interval) -> Interval:
    """The interval of a rate, which is never below 0 or above 1."""
    return Interval(found.mean, max(found.low, 0.0), min(found.high, 1.0)) if not np.isnan(found.low) else found


def _two_sided(difference: float, variance: float) -> float:
    """P-value of the hypothesis that there is no difference; NaN where that cannot be said."""
    from scipy.stats import norm

    if np.isnan(difference) or np.isnan(variance):
        return float("nan")
    if variance == 0:
        return 1.0 if difference == 0 else 0.0
    return float(2 * norm.sf(abs(difference) / np.sqrt(variance)))


def _share(n_some: int, n: int) -> Interval:
    """n_some of n, with Wilson's interval."""
    from scipy.stats import binomtest

    if n == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    found = binomtest(n_some, n).proportion_ci(method="wilson")
    return Interval(n_some / n, float(found.low), float(found.high))


def _split(counts: npt.NDArray[np.int64], weights: npt.NDArray[np.float64]) -> float:
    from scipy.stats import chisquare

    if len(counts) < 2 or not counts.sum():
        return 1.0
    return float(chisquare(counts, counts.sum() * weights / weights.sum()).pvalue)


def _notes(variants: Sequence[VariantResult], split_p: float) -> tuple[str, ...]:
    notes = []
    few = [f"{variant.name} ({variant.n_users})" for variant in variants if variant.n_users < _FEW_USERS]
    if few:
        notes.append(f"Too few users to tell anything, fewer than {_FEW_USERS}: {', '.join(few)}.")
    idle = [variant.name for variant in variants if variant.n_users and not variant.n_taken]
    if idle:
        notes.append(f"Nothing was taken yet of what was shown by: {', '.join(idle)}. Such a rate has no interval.")
    if split_p < _UNLIKELY_SPLIT:
        counts = ", ".join(f"{variant.name} {variant.n_users:,}" for variant in variants)
        notes.append(
            f"The users are not split as they should be ({counts}; p = {split_p:.1g}): some get lists more "
            "rarely, or are not counted. Find out why before reading the rates."
        )
    return tuple(notes)


def _number(value: Any) -> Any:
    """None for NaN, which JSON does not have."""
    return None if isinstance(value, float) and np.isnan(value) else value
