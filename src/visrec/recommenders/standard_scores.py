"""Scores of different models on one scale: mean 0 and deviation 1 a user, compressed, part by part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from visrec.core.features import BLOCK_SOURCES, ItemFeatures

__all__ = ["Standard", "standardise", "standard_parts", "total_of"]

Matrix = npt.NDArray[np.float32]

_SOURCE_BLOCKS: Mapping[str, str] = MappingProxyType({source: block for block, source in BLOCK_SOURCES.items()})
_ZERO = np.float32(0.0)


@dataclass(frozen=True)
class Standard:
    """Scores on the common scale, and how they came there: (score - mean where known) x factor.

    Attributes:
        parts: source -> float32 (n_users, n_items).
        known: bool (n_users, n_items); what the mean was taken over, and taken from.
        factor: float32 (n_users, n_items); one over the deviation, and what the logarithm leaves of a score.
    """

    parts: dict[str, Matrix]
    known: npt.NDArray[np.bool_]
    factor: Matrix


def standard_parts(parts: Mapping[str, Matrix], items: ItemFeatures) -> dict[str, Matrix]:
    """The parts of `standardise`."""
    return standardise(parts, items).parts


def standardise(parts: Mapping[str, Matrix], items: ItemFeatures) -> Standard:
    """A model's parts, of which the sum is sign(z) log(1 + |z|), with z its scores of mean 0 and deviation 1 a user.

    Mean and deviation are taken over what the model knows: items with a "collaborative" part where there is one,
    for a content model those with the feature, else those with a score. An unknown item is measured from 0 with the
    same deviation, so that nothing known stays 0. Equal scores are 0. Counts ("popular" alone) enter as log(1 + n).
    The logarithm keeps one source's few extreme scores from deciding the list alone.

    Args:
        parts: source -> float32 (n_users, n_items), as a model gives them.
        items: the n_items items.

    Returns:
        The same sources, and what they were scaled by.
    """
    if set(parts) == {"popular"}:
        parts = {"popular": np.log1p(np.maximum(parts["popular"], _ZERO))}
    known = _known(parts, items)
    total = total_of(parts.values())
    count = np.maximum(known.sum(axis=1, keepdims=True), 1).astype(np.float32)
    mean = _mean(total, known, count)
    deviation = np.sqrt(np.square(np.where(known, total - mean, _ZERO)).sum(axis=1, keepdims=True) / count)
    # Equal scores, and cosines that cancel out, differ by rounding, not to be blown up to a deviation of 1.
    varied = deviation > np.maximum(np.abs(mean) * np.float32(1e-5), np.float32(1e-7))
    scale = np.divide(np.float32(1.0), deviation, out=np.zeros_like(deviation), where=varied)
    standard = {
        source: (part - np.where(known, _mean(part, known, count), _ZERO)) * scale for source, part in parts.items()
    }
    size = np.abs(total_of(standard.values()))
    shrink = np.divide(np.log1p(size), size, out=np.ones_like(size), where=size > 0)
    return Standard({source: part * shrink for source, part in standard.items()}, known, scale * shrink)


def total_of(parts: Iterable[Matrix]) -> Matrix:
    """The sum of arrays of one shape, as a new array."""
    first, *rest = parts
    total = first.copy()
    for part in rest:
        total += part
    return total


def _known(parts: Mapping[str, Matrix], items: ItemFeatures) -> npt.NDArray[np.bool_]:
    """What mean and deviation are taken over; bool (n_users, n_items)."""
    source, part = next(iter(parts.items()))
    block = items.blocks.get(_SOURCE_BLOCKS.get(source, ""))
    if len(parts) == 1 and block is not None:
        return np.broadcast_to(block.present, part.shape)
    scored = total_of(parts.values()) != 0
    if "collaborative" not in parts:
        return np.asarray(scored)
    known = parts["collaborative"] != 0
    return np.asarray(known | (scored & ~known.any(axis=1, keepdims=True)))


def _mean(part: Matrix, known: npt.NDArray[np.bool_], count: Matrix) -> Matrix:
    mean: Matrix = np.where(known, part, _ZERO).sum(axis=1, keepdims=True) / count
    return mean
