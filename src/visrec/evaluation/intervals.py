"""Confidence intervals over users: how far a figure would move with other users of the same kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError

__all__ = [
    "Interval",
    "bootstrap",
    "bootstrap_columns",
    "jackknife_interval",
    "paired_difference",
    "percentile_interval",
    "user_draws",
]

PerUser = npt.NDArray[np.float64]

#: Draws of this many users (8 MiB of int64) are held at once.
_BLOCK_DRAWS = 1 << 20
_PERCENTILES = (2.5, 97.5)
#: The 97.5th percentile of the standard normal distribution.
_NORMAL = 1.959963984540054


@dataclass(frozen=True)
class Interval:
    """A mean over users and its 95% interval; all three NaN where no user has the figure.

    Attributes:
        mean: the figure itself.
        low: 2.5th percentile.
        high: 97.5th percentile.
    """

    mean: float
    low: float
    high: float

    def texts(self, decimals: int) -> tuple[str, str]:
        """The mean and the interval for people; "n/a" and "" where there are none.

        >>> Interval(0.25, 0.2, 0.3).texts(2), Interval(0.0, -0.1, 0.1).texts(1)
        (('0.25', '0.20–0.30'), ('0.0', '-0.1 to 0.1'))
        """
        if np.isnan(self.mean):
            return "n/a", ""
        mean, low, high = (f"{value:z.{decimals}f}" for value in (self.mean, self.low, self.high))
        return mean, f"{low}{' to ' if self.low < 0 else '–'}{high}"

    def to_json(self) -> dict[str, float | None]:
        """{"mean", "low", "high"}, with None for NaN, which JSON does not have."""
        return {name: None if np.isnan(value) else value for name, value in vars(self).items()}


def bootstrap_columns(values: PerUser, *, n_resamples: int = 1000, seed: int = 42) -> list[Interval]:
    """Percentile bootstrap of the column means, over rows (users).

    All columns share their resamples, and so do all calls with as many users and the same seed: a comparison
    of two intervals is a comparison on the same users.

    Args:
        values: float64 (n_users, n_columns); a NaN leaves that user out of that column.
        n_resamples: how many times n_users users are drawn with replacement.
        seed: seed of the draws.

    Returns:
        One interval a column.

    Raises:
        InputError: without users or resamples.

    Reference:
        Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
    """
    if values.ndim != 2 or values.shape[0] < 1 or n_resamples < 1:
        raise InputError(f"Expected values (n_users, n_columns) and resamples, got {values.shape} and {n_resamples}.")
    known = ~np.isnan(values)
    # Sums and counts in one product: known users are drawn a random number of times.
    terms = np.concatenate([np.where(known, values, 0.0), known], axis=1)
    sums = np.concatenate([draws @ terms for draws in user_draws(values.shape[0], n_resamples, seed)])
    means = _ratio(sums)
    mean = _ratio(terms.sum(axis=0, keepdims=True))[0]
    return [percentile_interval(mean[column], means[:, column]) for column in range(values.shape[1])]


def user_draws(n_users: int, n_resamples: int, seed: int) -> Iterator[npt.NDArray[np.float64]]:
    """How often each user is drawn in each of n_resamples; float64 blocks (up to n_resamples, n_users).

    Equal arguments give equal draws, so that figures of the same users are compared on the same resamples.
    """
    generator = np.random.default_rng(seed)
    block = max(1, _BLOCK_DRAWS // n_users)
    for start in range(0, n_resamples, block):
        n = min(block, n_resamples - start)
        drawn = generator.integers(0, n_users, size=(n, n_users))
        drawn += np.arange(n)[:, None] * n_users
        yield np.bincount(drawn.ravel(), minlength=n * n_users).reshape(n, n_users).astype(np.float64)


def _ratio(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Left half of the columns over the right half (counts), NaN where the count is 0."""
    total, count = np.split(sums, 2, axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def percentile_interval(mean: float, means: npt.NDArray[np.float64]) -> Interval:
    """A figure with the percentiles of its resamples, float64 (n_resamples,); NaN resamples are left out."""
    defined = means[~np.isnan(means)]
    if defined.size == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    low, high = np.percentile(defined, _PERCENTILES)
    return Interval(float(mean), float(low), float(high))


def bootstrap(values: PerUser, *, n_resamples: int = 1000, seed: int = 42) -> Interval:
    """Mean of one figure a user, float64 (n_users,), with its interval; see `bootstrap_columns`.

    >>> bootstrap(np.array([0.5, 0.5, 0.5]))
    Interval(mean=0.5, low=0.5, high=0.5)
    """
    return bootstrap_columns(np.asarray(values, dtype=np.float64)[:, None], n_resamples=n_resamples, seed=seed)[0]


def paired_difference(first: PerUser, second: PerUser, *, n_resamples: int = 1000, seed: int = 42) -> Interval:
    """Mean of first - second over the same users, with its interval.

    An interval without 0 says that the first is better (above) or worse (below) by more than the choice of
    users explains. Two single intervals may overlap where this one is clear, since it takes out how hard each
    user is.

    Args:
        first: float64 (n_users,), one figure a user.
        second: float64 (n_users,), the same users in the same order.
        n_resamples: see `bootstrap_columns`.
        seed: seed of the draws.

    Raises:
        InputError: when the two differ in length.
    """
    if first.shape != second.shape:
        raise InputError(f"Expected figures of the same users, got {first.shape} and {second.shape}.")
    return bootstrap(first - second, n_resamples=n_resamples, seed=seed)


def jackknife_interval(value: float, without: PerUser) -> Interval:
    """Interval of a figure of 0 to 1 that is no mean over users: delete-one jackknife, normal approximation.

    The variance is (n - 1) / n * sum over u of (v_u - mean v)², where v_u is the figure without user u. The bootstrap
    does not serve for such figures: resampling draws some users twice and others never, always shows fewer items, and
    so puts the interval of coverage below the figure.

    Args:
        value: the figure itself.
        without: float64 (n_users,), v; NaN leaves a user out.

    Reference:
        Efron & Tibshirani (1993), An Introduction to the Bootstrap, eq. 11.5; for coverage Heltshe & Forrester (1983),
        Estimating species richness using the jackknife procedure. doi:10.2307/2530802
    """
    known = without[~np.isnan(without)]
    if np.isnan(value) or known.size == 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    margin = _NORMAL * float((known.size - 1) * np.var(known)) ** 0.5
    return Interval(value, max(value - margin, 0.0), min(value + margin, 1.0))
