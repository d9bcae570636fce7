"""Whether one model is better than another by more than the choice of users explains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError
from visrec.evaluation.intervals import Interval, bootstrap_columns

__all__ = ["Comparison", "Significance", "compare_with", "holm", "sign_flip_test"]

PerUser = npt.NDArray[np.float64]

_N_FLIPS = 9_999
#: Signs of this many users (8 MiB of float64) are held at once.
_BLOCK_SIGNS = 1 << 20


@dataclass(frozen=True)
class Comparison:
    """One model against the reference, over the same users.

    Attributes:
        model: the model.
        difference: mean of model - reference, with its 95% bootstrap interval.
        p: two-sided p-value of the paired test.
        p_adjusted: p after Holm's correction for all models that were compared.
    """

    model: str
    difference: Interval
    p: float
    p_adjusted: float


@dataclass(frozen=True)
class Significance:
    """Every model of an evaluation against one of them.

    Attributes:
        metric: what was compared.
        reference: the model that the others were compared with.
        alpha: level; the chance of any false finding among all comparisons is at most this.
        comparisons: one a model, the highest difference first.
    """

    metric: str
    reference: str
    alpha: float
    comparisons: tuple[Comparison, ...]

    @property
    def above(self) -> list[str]:
        """Models significantly better than the reference."""
        return [line.model for line in self.comparisons if self._is_clear(line) and line.difference.mean > 0]

    @property
    def below(self) -> list[str]:
        """Models significantly worse than the reference."""
        return [line.model for line in self.comparisons if self._is_clear(line) and line.difference.mean < 0]

    @property
    def undecided(self) -> list[str]:
        """Models neither better nor worse by more than the choice of users explains."""
        return [line.model for line in self.comparisons if not self._is_clear(line)]

    def _is_clear(self, line: Comparison) -> bool:
        return line.p_adjusted <= self.alpha

    def to_json(self) -> dict[str, Any]:
        """{"metric", "reference", "alpha", "test", "comparisons": [{"model", "difference", "p", "p_adjusted"}]}."""
        return {
            "metric": self.metric,
            "reference": self.reference,
            "alpha": self.alpha,
            "test": "paired sign-flip over users, two-sided, Holm",
            "comparisons": [{**vars(line), "difference": line.difference.to_json()} for line in self.comparisons],
        }

    def __str__(self) -> str:
        """One sentence for people; it calls the reference the best when no other mean is higher."""
        tests = f"({self.metric}; paired sign-flip tests, Holm, level {self.alpha:.0%})"
        is_best = not any(line.difference.mean > 0 for line in self.comparisons)
        if is_best and not self.undecided:
            return f"Significantly below the best, {self.reference}: every other model {tests}."
        if is_best:
            return f"Not significantly below the best, {self.reference}: {', '.join(self.undecided)} {tests}."
        words = {"above": self.above, "no clear difference": self.undecided, "below": self.below}
        found = "; ".join(f"{word}: {', '.join(names)}" for word, names in words.items() if names)
        return f"Against {self.reference}: {found} {tests}."


def sign_flip_test(differences: PerUser, *, n_flips: int = _N_FLIPS, seed: int = 42) -> PerUser:
    """Two-sided p-values of the hypothesis that paired differences are symmetric around 0.

    If neither model is better, each user's difference could as well have had the other sign: the p-value is the
    share of random sign choices, the observed one included, whose mean is at least as far from 0. Each test uses
    the same sign choices.

    >>> sign_flip_test(np.stack([np.zeros(20), np.ones(20)], axis=1)).round(3).tolist()
    [1.0, 0.0]

    Args:
        differences: float64 (n_users, n_tests); NaN leaves a user out of a test.
        n_flips: random sign choices; the smallest possible p-value is 1 / (n_flips + 1).
        seed: seed of the choices.

    Returns:
        float64 (n_tests,), above 0 and at most 1; 1 where all differences are 0 or left out.

    Raises:
        InputError: without flips or without users.

    Reference:
        Smucker, Allan & Carterette (2007), A comparison of statistical significance tests for information
        retrieval evaluation. doi:10.1145/1321440.1321528
    """
    if n_flips < 1 or differences.ndim != 2 or differences.shape[0] < 1:
        raise InputError(f"Expected sign flips and differences (n_users, n_tests), got {n_flips}, {differences.shape}.")
    known = np.nan_to_num(differences)
    total = known.sum(axis=0)
    # Sums that are equal but for rounding count as equal.
    limit = np.abs(total) - 1e-12 * np.abs(known).sum(axis=0)
    n_far = np.ones(known.shape[1])
    for flipped in _flips(known.shape[0], n_flips, seed):
        n_far += (np.abs(total - 2.0 * (flipped @ known)) >= limit).sum(axis=0)
    return n_far / (n_flips + 1)


def _flips(n_users: int, n_flips: int, seed: int) -> Iterator[npt.NDArray[np.float64]]:
    """Which users' signs are turned, 1 or 0; float64 blocks (up to n_flips, n_users), the same however many at once."""
    generator = np.random.default_rng(seed)
    n_bytes = -(-n_users // 8)
    block = max(1, _BLOCK_SIGNS // n_users)
    for start in range(0, n_flips, block):
        n = min(block, n_flips - start)
        # Whole flips of whole bytes: the stream of random bytes does not depend on the block.
        drawn = generator.integers(0, 256, size=(n, -(-n_bytes // 4) * 4), dtype=np.uint8)
        yield np.unpackbits(drawn, axis=1, count=n_users).astype(np.float64)


def holm(p: PerUser) -> PerUser:
    """P-values adjusted so that the chance of any false finding among all stays below the level.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]

    Args:
        p: float64 (n_tests,).

    Returns:
        float64 (n_tests,), at most 1, in the order of `p`.

    Reference:
        Holm (1979), A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6.
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def compare_with(
    reference: str, per_user: Mapping[str, PerUser], *, metric: str = "", alpha: float = 0.05, seed: int = 42
) -> Significance:
    """Test every other model against one, on the same users and the same sign choices.

    Against the best of the same table, the differences are those of a winner picked by this very data: read a
    p-value close to the level with care.

    Args:
        reference: a model of `per_user`.
        per_user: model -> one metric, float64 (n_users,).
        metric: the metric's name.
        alpha: level, above 0 and below 1.
        seed: of the sign choices and the intervals.

    Raises:
        InputError: when there is no such model, on a level out of range, and without users.
    """
    if reference not in per_user:
        raise InputError(f"Expected a reference out of {', '.join(per_user)}, got {reference!r}.")
    if not 0 < alpha < 1:
        raise InputError(f"Expected a level above 0 and below 1, got {alpha}.")
    others = [name for name in per_user if name != reference]
    if not others:
        return Significance(metric, reference, alpha, ())
    differences = np.stack([per_user[name] - per_user[reference] for name in others], axis=1)
    p = sign_flip_test(differences, seed=seed)
    found = zip(others, bootstrap_columns(differences, seed=seed), p.tolist(), holm(p).tolist(), strict=True)
    compared = [Comparison(*line) for line in found]
    compared.sort(key=lambda line: (-np.nan_to_num(line.difference.mean), line.model))
    return Significance(metric, reference, alpha, tuple(compared))
