"""Metrics beyond accuracy: how much of the catalogue is shown, how evenly, how unexpected, how varied, how popular.

As in `metrics`, `top` is int (n_users, k): item rows, best first, -1 where nothing was recommended. None of
these has a best value: a random list is novel, varied and covers everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from visrec.core.features import FeatureBlock
from visrec.core.histories import Histories

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["coverage", "directions", "gini", "gini_without_each", "intra_list_diversity", "liked_popularity"]
__all__ += ["most_popular", "n_users_of_items", "novelty", "popularity_lift", "popularity_share", "recommended_once"]

Top = npt.NDArray[np.integer]
PerUser = npt.NDArray[np.float64]

#: Summed embeddings of this many values (4 MiB of float32, which caches hold) are made at once.
_BLOCK_VALUES = 1 << 20


def n_users_of_items(histories: Histories) -> npt.NDArray[np.int64]:
    """How many users have each item in their history, at any weight; int64 (n_items,)."""
    return np.bincount(histories.matrix().indices, minlength=histories.n_items)


def most_popular(n_users_of_item: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.bool_]:
    """The n items that most users know; bool (n_items,).

    Of equally popular ones the lower row counts; an item that nobody knows never counts.
    """
    popular = np.zeros(n_users_of_item.shape[0], dtype=np.bool_)
    popular[np.argsort(-n_users_of_item, kind="stable")[:n]] = True
    return popular & (n_users_of_item > 0)


def coverage(top: Top, candidates: npt.NDArray[np.bool_]) -> float:
    """Share of the candidates, bool (n_items,), that are recommended to at least one user; 0 to 1.

    >>> coverage(np.array([[0, 1], [1, -1]]), np.array([True, True, True, True, False]))
    0.5
    """
    return float(np.unique(top[top >= 0]).size / max(int(candidates.sum()), 1))


def recommended_once(top: Top) -> npt.NDArray[np.int64]:
    """How many items each user alone was recommended; int64 (n_users,). Coverage's interval rests on it.

    >>> recommended_once(np.array([[0, 1], [1, -1], [2, 3]])).tolist()
    [1, 0, 2]
    """
    counts = np.bincount(top[top >= 0], minlength=1)
    # Place -1 reads some count and is masked.
    return np.asarray(((counts[top] == 1) & (top >= 0)).sum(axis=1), dtype=np.int64)


def gini(top: Top, candidates: npt.NDArray[np.bool_]) -> float:
    """Gini coefficient of exposure: how unevenly recommendations fall on the candidates.

    G = sum over i of (2 i - n - 1) x(i) / (n sum of x), where x(1) <= ... <= x(n) are how often each of the n
    candidates is recommended. 0: all equally often; (n - 1) / n: one item alone.

    >>> gini(np.array([[0, 1], [2, 3]]), np.ones(4, dtype=bool)), gini(np.array([[0], [0]]), np.ones(4, dtype=bool))
    (0.0, 0.75)

    Args:
        top: int (n_users, k), all of them candidates, or -1.
        candidates: bool (n_items,), the items that may be recommended.

    Returns:
        0 to below 1; NaN where nothing was recommended at all.

    Reference:
        Fleder & Hosanagar (2009), Blockbuster culture's next rise or fall: the impact of recommender systems on sales
        diversity. doi:10.1287/mnsc.1080.0974
    """
    exposure = np.sort(_exposure(top, candidates))
    n, total = exposure.size, int(exposure.sum())
    return float((2 * np.arange(1, n + 1) - n - 1) @ exposure / (n * total)) if total else float("nan")


def gini_without_each(top: Top, candidates: npt.NDArray[np.bool_]) -> PerUser:
    """`gini` of all lists but one, for each one left out; float64 (n_users,), NaN where nothing else is recommended.

    Taking a list away lowers the count of each of its items by one. Lowering the first of those with an equal count
    keeps the counts sorted, so that each place's factor in the sum is known without sorting again.
    """
    exposure = np.sort(_exposure(top, candidates))
    n, total = exposure.size, int(exposure.sum())
    weighted = (2 * np.arange(1, n + 1) - n - 1) @ exposure
    counts = np.sort(np.where(top >= 0, np.bincount(top[top >= 0], minlength=1)[top], 0), axis=1)
    place = np.broadcast_to(np.arange(counts.shape[1]), counts.shape)
    # How many of the list's items with the same count come before: runs of equal counts begin where it changes.
    begins = np.diff(counts, axis=1, prepend=-1) != 0
    before = place - np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    lowered = np.searchsorted(exposure, counts) + 1 + before
    loss = np.where(counts > 0, 2 * lowered - n - 1, 0).sum(axis=1)
    left = total - (top >= 0).sum(axis=1)
    return np.where(left > 0, (weighted - loss) / np.maximum(n * left, 1), np.nan)


def _exposure(top: Top, candidates: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """How often each candidate is recommended; int64 (n_candidates,)."""
    return np.bincount(top[top >= 0], minlength=candidates.size)[candidates]


def _mean_over_places(values: npt.NDArray[np.float64], top: Top) -> PerUser:
    """Mean of values, float64 (n_items,), over each user's recommended items; NaN where there are none."""
    filled = top >= 0
    total = np.where(filled, values[top], 0.0).sum(axis=1)
    counts = filled.sum(axis=1)
    return np.asarray(np.where(counts > 0, total / np.maximum(counts, 1), np.nan), dtype=np.float64)


def novelty(top: Top, n_users_of_item: npt.NDArray[np.int64], n_users: int) -> PerUser:
    """Mean self-information of the recommended items, in bits.

    I(item) = -log2((u + 1) / (n_users + 1)), where u of n_users training users have the item in their history:
    0 bits for what everybody knows, log2(n_users + 1) for what nobody does.

    >>> novelty(np.array([[0, 1], [2, -1], [-1, -1]]), np.array([7, 3, 0]), 7).tolist()
    [0.5, 3.0, nan]

    Args:
        top: int (n_users_evaluated, k).
        n_users_of_item: int64 (n_items,), training users that know each item.
        n_users: number of training users.

    Returns:
        float64 (n_users_evaluated,), 0 or more; NaN where nothing was recommended.

    Reference:
        Zhou et al. (2010), Solving the apparent diversity-accuracy dilemma of recommender systems.
        doi:10.1073/pnas.1000488107 (there without smoothing)
    """
    return _mean_over_places(np.log2(n_users + 1) - np.log2(n_users_of_item + 1), top)


def popularity_share(top: Top, popular: npt.NDArray[np.bool_]) -> PerUser:
    """Share of a user's recommended items that are among the `popular` ones, bool (n_items,); see `most_popular`.

    >>> popularity_share(np.array([[0, 1], [0, -1], [-1, -1]]), np.array([True, False])).tolist()
    [0.5, 1.0, nan]

    Returns:
        float64 (n_users,), 0 to 1; NaN where nothing was recommended.
    """
    return _mean_over_places(popular.astype(np.float64), top)


def liked_popularity(liked: csr_matrix, n_users_of_item: npt.NDArray[np.int64]) -> PerUser:
    """Mean of log2(u + 1) over the items that a user liked, u the training users that have the item.

    Args:
        liked: CSR (n_users, n_items), stored where the user liked the item; every like counts the same.
        n_users_of_item: int64 (n_items,).

    Returns:
        float64 (n_users,), 0 or more; NaN for a user who liked nothing.
    """
    n_liked = np.diff(liked.indptr)
    rows = np.repeat(np.arange(liked.shape[0]), n_liked)
    total = np.bincount(rows, weights=np.log2(n_users_of_item + 1)[liked.indices], minlength=liked.shape[0])
    return np.where(n_liked > 0, total / np.maximum(n_liked, 1), np.nan)


def popularity_lift(top: Top, liked: PerUser, n_users_of_item: npt.NDArray[np.int64]) -> PerUser:
    """How much more popular the list is than what the user liked before, in doublings.

    Lift = mean of log2(u + 1) over the list - the same over the liked items of the history, where u training users
    have the item. 0: as popular as the user's own taste; 1: known to twice as many (in the geometric mean); below
    0: more obscure.

    >>> popularity_lift(np.array([[0, 1], [1, -1]]), np.array([2.0, np.nan]), np.array([7, 3])).tolist()
    [0.5, nan]

    Args:
        top: int (n_users, k).
        liked: float64 (n_users,), see `liked_popularity`.
        n_users_of_item: int64 (n_items,), training users that have each item.

    Returns:
        float64 (n_users,); NaN where nothing was recommended or liked.

    Reference:
        Abdollahpouri et al. (2019), The unfairness of popularity bias in recommendation, section 4: the lift of each
        user, there as a ratio of means, here of logarithms, so that a few hits do not decide it. arXiv:1907.13286
    """
    return _mean_over_places(np.log2(n_users_of_item + 1), top) - liked


def directions(block: FeatureBlock) -> npt.NDArray[np.float32]:
    """Where each item's embedding points from the mean of all; float32 (n_items, dim).

    Rows have length 1, or 0 for an item without the feature or (to rounding) exactly at the mean, which
    points nowhere. Centring takes out what all pictures of a catalogue share, which otherwise leaves every
    cosine near 1.
    """
    present = block.present
    if not present.any():
        return np.zeros(block.matrix.shape, dtype=np.float32)
    mean = block.matrix.mean(axis=0, dtype=np.float64, where=present[:, None]).astype(np.float32)
    centred: npt.NDArray[np.float32] = block.matrix - mean
    length = np.linalg.norm(centred, axis=1)
    rounding = 1e-6 * np.linalg.norm(block.matrix, axis=1)
    centred /= np.maximum(length, np.finfo(np.float32).tiny)[:, None]
    centred[~present | (length <= rounding)] = 0.0
    return centred


def intra_list_diversity(top: Top, unit: npt.NDArray[np.float32]) -> PerUser:
    """Mean of 1 - cosine over all pairs of a user's recommended items.

    With m vectors of length 1, the cosines of all ordered pairs sum to |sum of the vectors|² - m, so no pair
    is ever formed.

    >>> unit = np.array([[1, 0], [0, 1], [-1, 0], [0, 0]], dtype=np.float32)
    >>> intra_list_diversity(np.array([[0, 1, 3], [0, 2, -1], [0, 3, -1]]), unit).tolist()
    [1.0, 2.0, nan]

    Args:
        top: int (n_users, k).
        unit: float32 (n_items, dim), rows of length 1, or 0 for items to be left out; see `directions`.

    Returns:
        float64 (n_users,), from 0 (all alike) to 2; NaN where fewer than two items can be compared.

    Reference:
        Ziegler et al. (2005), Improving recommendation lists through topic diversification.
        doi:10.1145/1060745.1060754
    """
    from scipy.sparse import csr_matrix

    comparable = np.asarray(unit.any(axis=1))
    counted = (top >= 0) & comparable[top]
    m = counted.sum(axis=1)
    indptr = np.concatenate([[0], np.cumsum(m)])
    chosen = csr_matrix((np.ones(indptr[-1], np.float32), top[counted], indptr), shape=(top.shape[0], unit.shape[0]))
    square = np.empty(top.shape[0])
    block = max(1, _BLOCK_VALUES // max(unit.shape[1], 1))
    for start in range(0, top.shape[0], block):
        total = chosen[start : start + block] @ unit
        square[start : start + block] = np.einsum("ud,ud->u", total, total, dtype=np.float64)
    cosine = (square - m) / np.maximum(m * (m - 1), 1)
    return np.asarray(np.where(m > 1, np.clip(1 - cosine, 0.0, 2.0), np.nan), dtype=np.float64)
