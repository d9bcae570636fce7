"""Leakage check: pictures that stand on both sides of a split that hides items.

An item "never seen" is no test of anything when training holds its picture under another id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError
from visrec.core.features import FeatureBlock, ItemFeatures

__all__ = ["Leakage", "find_leakage", "near_duplicates"]

#: Cosine of raw embeddings from which two pictures count as one.
_THRESHOLD = 0.999
#: One block holds at most this many values (16 MiB of float32).
_BLOCK_VALUES = 1 << 22
#: Dimensions of a first comparison, and rows that they are found from.
_N_DIRECTIONS, _N_SAMPLED = 64, 512
#: So many pairs are named.
_N_NAMED = 100

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Leakage:
    """Near-identical pictures across a split.

    Attributes:
        threshold: cosine of the raw embeddings from which two pictures count as one.
        n_pairs: number of (hidden item, training item) pairs at or above it.
        n_hidden_items: number of hidden items in such a pair.
        n_checked: number of hidden items with a picture.
        pairs: at most 100 of them: hidden item's id, training item's id, cosine; most alike first.
    """

    threshold: float
    n_pairs: int
    n_hidden_items: int
    n_checked: int
    pairs: tuple[tuple[str, str, float], ...]

    def to_json(self) -> dict[str, Any]:
        """{"threshold", "n_pairs", "n_hidden_items", "n_checked", "pairs": [{"hidden", "known", "cosine"}]}."""
        return {
            "threshold": self.threshold,
            "n_pairs": self.n_pairs,
            "n_hidden_items": self.n_hidden_items,
            "n_checked": self.n_checked,
            "pairs": [{"hidden": hidden, "known": known, "cosine": cosine} for hidden, known, cosine in self.pairs],
        }

    def __str__(self) -> str:
        """One sentence for people."""
        alike = f"near-identical (cosine {self.threshold:g} or more) to one in training"
        checked = f"the {self.n_checked:,} hidden pictures that are ranked"
        if not self.n_pairs:
            return f"Leakage: none of {checked} is {alike}."
        hidden, known, _ = self.pairs[0]
        verb = "is" if self.n_hidden_items == 1 else "are"
        return (
            f"Leakage: {self.n_hidden_items:,} of {checked} {verb} {alike}, {self.n_pairs:,} "
            f"pair{'' if self.n_pairs == 1 else 's'} in all, such as the items {hidden} and {known}."
        )


def find_leakage(
    items: ItemFeatures, hidden: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_], *, threshold: float = _THRESHOLD
) -> Leakage | None:
    """Look for the pictures of hidden items among those of training items.

    Args:
        items: n_items items.
        hidden: bool (n_items,), the items to look for.
        known: bool (n_items,), the items of training.
        threshold: see `near_duplicates`.

    Returns:
        What was found; None where nothing is hidden, or there are no picture embeddings.

    Raises:
        InputError: on a threshold out of range.
    """
    images = items.blocks.get("image")
    if images is None or not hidden.any():
        return None
    rows = np.flatnonzero(hidden)
    pairs, cosines = near_duplicates(images, rows, np.flatnonzero(known), threshold=threshold)
    # Rounded, so that what differs by rounding alone stays in the order of rows on every machine.
    order = np.argsort(-cosines.round(5), kind="stable")[:_N_NAMED]
    named = [
        (items.item_ids[a], items.item_ids[b], float(cosine))
        for (a, b), cosine in zip(pairs[order].tolist(), cosines[order], strict=True)
    ]
    n_hidden = int(np.unique(pairs[:, 0]).size)
    return Leakage(threshold, len(pairs), n_hidden, int(images.present[rows].sum()), tuple(named))


def near_duplicates(
    block: FeatureBlock, first: Rows, second: Rows, *, threshold: float = _THRESHOLD
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Pairs of items, one of each set of rows, whose raw embeddings point the same way.

    Raw, that is not centred: whether two pictures are one must not depend on the others. A projection brings no two
    vectors further apart, so that only pairs are compared in full that are near in 64 dimensions: O(64 n m), in
    blocks of one matrix product; memory a block, the vectors and the pairs.

    >>> block = FeatureBlock("image", np.array([[1, 0], [0, 1], [2, 0]], np.float32), np.ones(3, bool), "made")
    >>> near_duplicates(block, np.array([0, 1]), np.array([2]))[0].tolist()
    [[0, 2]]

    Args:
        block: embeddings as the encoder gave them; items without one are in no pair.
        first: int64 (n,), rows of the block.
        second: int64 (m,), rows of the block.
        threshold: lowest cosine, above 0 and at most 1.

    Returns:
        int64 (n_pairs, 2) rows, in the order of `first`, then of `second`; and their cosines, float32 (n_pairs,),
        at most 1.

    Raises:
        InputError: on a threshold out of range.
    """
    if not 0 < threshold <= 1:
        raise InputError(f"Expected a cosine above 0 and at most 1 as threshold, got {threshold}.")
    first, second = first[block.present[first]], second[block.present[second]]
    ours, others = _unit(block.matrix[first]), _unit(block.matrix[second])
    basis = _main_directions(others)
    shadows, other_shadows = ours @ basis, others @ basis
    # |a - b|² = |a|² + |b|² - 2 a·b, which is 2 - 2 cosine in full; rounding is allowed for.
    near = np.square(other_shadows).sum(axis=1) - (2 - 2 * threshold + 1e-5)
    height = max(1, _BLOCK_VALUES // max(second.size, 1))
    pairs, cosines = [np.zeros((0, 2), dtype=np.int64)], [np.zeros(0, dtype=np.float32)]
    for start in range(0, first.size, height):
        shadow = shadows[start : start + height]
        a, b = np.nonzero(2 * (shadow @ other_shadows.T) >= np.square(shadow).sum(axis=1)[:, None] + near)
        cosine = _cosines(ours, others, a + start, b)
        # Rounding leaves the cosine of equal pictures a little below or above 1.
        kept = cosine >= threshold - 1e-6
        pairs.append(np.stack([first[a[kept] + start], second[b[kept]]], axis=1))
        cosines.append(np.minimum(cosine[kept], np.float32(1)))
    return np.concatenate(pairs), np.concatenate(cosines)


def _main_directions(unit: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Orthonormal directions, float32 (dim, up to 64), along which a sample of the rows differs most."""
    sample = unit[:: max(1, len(unit) // _N_SAMPLED)]
    if not len(sample):
        return np.zeros((unit.shape[1], 0), dtype=np.float32)
    return np.ascontiguousarray(np.linalg.svd(sample - sample.mean(axis=0), full_matrices=False)[2][:_N_DIRECTIONS].T)


def _cosines(
    ours: npt.NDArray[np.float32],
    others: npt.NDArray[np.float32],
    a: npt.NDArray[np.int64],
    b: npt.NDArray[np.int64],
) -> npt.NDArray[np.float32]:
    """Products of rows a of `ours` and b of `others`, float32 (n_pairs,), in blocks."""
    found = np.empty(a.size, dtype=np.float32)
    height = max(1, _BLOCK_VALUES // ours.shape[1])
    for start in range(0, a.size, height):
        part = slice(start, start + height)
        found[part] = np.einsum("pd,pd->p", ours[a[part]], others[b[part]])
    return found


def _unit(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Rows of length 1; rows of zeros stay zero."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
