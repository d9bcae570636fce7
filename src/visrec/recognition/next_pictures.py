"""Which pictures to label next: those that a classifier is least sure of, and that are unlike each other.

References:
    Scheffer et al. (2001), Active Hidden Markov Models for Information Extraction: margin sampling.
    Zhdanov (2019), Diverse mini-batch Active Learning, arXiv:1901.05954: of the least sure, a spread-out part.
    Sener & Savarese (2018), Active Learning for Convolutional Neural Networks: A Core-Set Approach,
    arXiv:1708.00489: the farthest from all chosen ones comes next.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["least_sure"]

#: So many times the wanted number are looked at, the least sure ones; 10 is Zhdanov's.
_TIMES = 10


def least_sure(
    probability: npt.NDArray[np.float32], rows: npt.NDArray[np.float32], k: int, labelled: npt.NDArray[np.float32]
) -> npt.NDArray[np.int64]:
    """Choose pictures to label: how unsure one is, times how far it is from all that are labelled or chosen.

    Args:
        probability: float32 (n, n_values) of the pictures to choose from.
        rows: float32 (n, dim), their embeddings.
        k: how many to choose, at most.
        labelled: float32 (m, dim), embeddings of pictures that have a label.

    Returns:
        int64 (min(k, n),), places of the chosen, most wanted first.
    """
    best = np.sort(probability, axis=1)
    unsure = 1.0 - (best[:, -1] - best[:, -2])
    pool = np.argsort(-unsure, kind="stable")[: _TIMES * k]
    apart = np.full(len(pool), np.inf)
    if len(labelled):
        apart = _distance(rows[pool], labelled).min(axis=1)
    chosen: list[int] = []
    open_ = np.ones(len(pool), dtype=np.bool_)
    for _ in range(min(k, len(pool))):
        # Before anything is labelled all are equally far.
        wanted = unsure[pool] * np.where(np.isfinite(apart), apart, 1.0)
        place = int(np.where(open_, wanted, -1.0).argmax())
        chosen.append(int(pool[place]))
        open_[place] = False
        apart = np.minimum(apart, _distance(rows[pool], rows[pool[place]][None])[:, 0])
    return np.array(chosen, dtype=np.int64)


def _distance(rows: npt.NDArray[np.float32], others: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Euclidean distances, float64 (n, m)."""
    squared = (rows**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2.0 * (rows @ others.T)
    return np.sqrt(np.maximum(squared, 0.0)).astype(np.float64)
