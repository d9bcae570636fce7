"""The k best columns of each row, the same ones every time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError

__all__ = ["top_k"]


def top_k(scores: npt.NDArray[np.floating], k: int) -> npt.NDArray[np.int64]:
    """Columns with the k highest scores of each row, best first; of equal scores the lower column wins.

    >>> top_k(np.array([[0.5, 0.9, 0.5, 0.5], [-np.inf, 0.1, -np.inf, -np.inf]]), 2).tolist()
    [[1, 0], [1, -1]]

    Args:
        scores: float (n_rows, n_columns), no NaN; -inf marks what must not appear.
        k: 1 or more; may exceed n_columns.

    Returns:
        int64 (n_rows, k); -1 where fewer than k columns are above -inf.

    Raises:
        InputError: when k is below 1.
    """
    if k < 1:
        raise InputError(f"Expected k of 1 or more, got {k}.")
    n_rows, n_columns = scores.shape
    kept = min(k, n_columns)
    result = np.full((n_rows, k), -1, dtype=np.int64)
    if kept == 0 or n_rows == 0:
        return result
    columns = _best(scores, kept)
    values = np.take_along_axis(scores, columns, axis=1)
    # Columns ascend here, so a stable sort leaves the lower one first among equals.
    order = np.argsort(-values, axis=1, kind="stable")
    best_first = np.take_along_axis(columns, order, axis=1)
    best_first[np.take_along_axis(values, order, axis=1) == -np.inf] = -1
    result[:, :kept] = best_first
    return result


def _best(scores: npt.NDArray[np.floating], k: int) -> npt.NDArray[np.int64]:
    """The k winning columns of each row, ascending; int64 (n_rows, k)."""
    n_columns = scores.shape[1]
    columns = np.sort(np.argpartition(scores, n_columns - k, axis=1)[:, n_columns - k :], axis=1)
    values = np.take_along_axis(scores, columns, axis=1)
    last = values.min(axis=1, keepdims=True)
    # argpartition picks any of those that tie for the last places: rows with more of them than places are redone.
    tied = np.flatnonzero((scores == last).sum(axis=1) > (values == last).sum(axis=1))
    if tied.size:
        above, equal = scores[tied] > last[tied], scores[tied] == last[tied]
        places = k - above.sum(axis=1, keepdims=True)
        winners = above | (equal & (np.cumsum(equal, axis=1) <= places))
        columns[tied] = np.nonzero(winners)[1].reshape(tied.size, k)
    return columns
