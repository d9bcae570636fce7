"""How alike two people's tastes are, and which interests they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError
from visrec.taste.profile import Interest, TasteProfile

__all__ = ["SharedInterest", "TasteComparison", "compare"]


@dataclass(frozen=True)
class SharedInterest:
    """An interest of one user that looks like one of the other.

    Attributes:
        first: number of the interest in the first profile.
        second: number of the interest in the second.
        match: 1 where two items of different users are as alike as two of the same; 0 for nothing in common.
    """

    first: int
    second: int
    match: float


@dataclass(frozen=True)
class TasteComparison:
    """Two profiles side by side.

    Attributes:
        first: a user.
        second: another.
        similarity: 0 nothing in common, 1 the same interests.
        shared: pairs of interests that would be one, were they one user's; the best match first, each interest once.
    """

    first: str
    second: str
    similarity: float
    shared: tuple[SharedInterest, ...]

    def to_json(self) -> dict[str, Any]:
        """{"first", "second", "similarity", "shared": [{"first", "second", "match"}]}."""
        shared = [{"first": pair.first, "second": pair.second, "match": pair.match} for pair in self.shared]
        return {"first": self.first, "second": self.second, "similarity": self.similarity, "shared": shared}


def compare(first: TasteProfile, second: TasteProfile, alike: float) -> TasteComparison:
    """Compare two profiles of one `TasteBuilder`.

    With s the mean cosine between an item of one interest and an item of the other, and s₁, s₂ those between two
    items of the same, two interests match by s / √(s₁ s₂), from 0 to 1. The similarity is the mean, over both users
    and weighted by interest, of the best match of each interest on the other side. What lies elsewhere than in
    interests is not compared.

    Args:
        first: a profile.
        second: another.
        alike: the builder's.

    Raises:
        InputError: when the pictures of the two were embedded by different encoders.
    """
    if first.features != second.features:
        raise InputError(
            f"Expected two profiles over the same feature set, got {first.features!r} and {second.features!r}."
        )
    if not first.interests or not second.interests:
        return TasteComparison(first.user_id, second.user_id, 0.0, ())
    between = _centres(first) @ _centres(second).T
    match = np.clip(between / np.sqrt(np.outer(_within(first, alike), _within(second, alike))), 0.0, 1.0)
    best = (
        np.average(match.max(axis=1), weights=_weights(first)),
        np.average(match.max(axis=0), weights=_weights(second)),
    )
    shared = [
        SharedInterest(first.interests[row].number, second.interests[column].number, float(match[row, column]))
        for row, column in zip(*np.nonzero(between >= alike), strict=True)
    ]
    shared.sort(key=lambda pair: (-pair.match, pair.first, pair.second))
    pairs: list[SharedInterest] = []
    for pair in shared:
        if all(pair.first != other.first and pair.second != other.second for other in pairs):
            pairs.append(pair)
    return TasteComparison(first.user_id, second.user_id, float(np.mean(best)), tuple(pairs))


def _centres(profile: TasteProfile) -> npt.NDArray[np.float64]:
    return np.stack([interest.centre for interest in profile.interests]).astype(np.float64)


def _weights(profile: TasteProfile) -> list[float]:
    return [interest.weight for interest in profile.interests]


def _within(profile: TasteProfile, alike: float) -> npt.NDArray[np.float64]:
    """Mean cosine between two items of each interest; of a single item unknown: then as if just alike."""

    def of(interest: Interest) -> float:
        return max(1.0 - interest.spread, alike) if len(interest) > 1 else alike

    return np.array([of(interest) for interest in profile.interests])
