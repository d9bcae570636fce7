"""A taste profile: what a user likes to look at, in a few interests, each with its items, words and sureness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Interest", "TasteProfile", "Word"]

_NOTHING = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True)
class Word:
    """A value of a column that is more frequent among some items than in the catalogue.

    Attributes:
        column: such as "colour".
        value: such as "navy".
        share: of the items, by weight; 0 to 1.
        catalogue: share of the catalogue's items; 0 to 1.
    """

    column: str
    value: str
    share: float
    catalogue: float

    @property
    def lift(self) -> float:
        """How many times more frequent than in the catalogue."""
        return self.share / max(self.catalogue, 1e-9)

    def __str__(self) -> str:
        return f"{self.column} {self.value}" if self.value in ("true", "false") else self.value

    def to_json(self) -> dict[str, Any]:
        """{"column", "value", "share", "catalogue"}."""
        return {"column": self.column, "value": self.value, "share": self.share, "catalogue": self.catalogue}


@dataclass(frozen=True)
class Interest:
    """Items of a history that look alike.

    Attributes:
        number: 1 weighs most.
        weight: share of all that was liked (or disliked), an old event counting less; 0 to 1.
        item_ids: its items, most typical first: the medoid is the first.
        words: what its items have in common, the most telling first.
        palette: the colours that most of their pictures is of, with their shares; () where none were recognised.
        spread: mean cosine distance between two of its items: 0 all the same, about 1 as different as any two
            of the catalogue; 0 for a single item.
        confidence: n / (n + 3) for the sum n of its items' weights (a like of today is 1, a view 0.3): 0.5 for three.
        centre: weighted mean of its items in the taste space; float32 (dim,). Not part of equality.
    """

    number: int
    weight: float
    item_ids: tuple[str, ...]
    words: tuple[Word, ...]
    spread: float
    confidence: float
    palette: tuple[Word, ...] = ()
    centre: npt.NDArray[np.float32] = field(default_factory=lambda: _NOTHING, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.item_ids)

    def typical(self, n: int = 6) -> tuple[str, ...]:
        """The n most typical items, the medoid first."""
        return self.item_ids[:n]

    def to_json(self) -> dict[str, Any]:
        """The interest as JSON-able values."""
        return {
            "number": self.number,
            "weight": self.weight,
            "confidence": self.confidence,
            "spread": self.spread,
            "words": _as_json(self.words),
            "palette": _as_json(self.palette),
            "item_ids": list(self.item_ids),
        }


@dataclass(frozen=True)
class TasteProfile:
    """What a user likes to look at.

    Attributes:
        user_id: whose.
        interests: groups of liked items that look alike, heaviest first; where nothing that was liked looks like
            anything else, the heaviest single items.
        elsewhere: share of what was liked that belongs to none of the interests; with their weights it sums to 1.
        avoids: groups of disliked items that look like no interest, heaviest first.
        words: what all liked items have in common.
        confidence: n / (n + 5) for the sum n of the weights of the liked items with a picture: 0.5 for five likes.
        n_liked: liked items, with or without a picture.
        n_disliked: disliked items.
        without_picture: liked items that have no embedded picture, and so no place in an interest.
        left_out: liked items that were taken out of the profile by hand.
        features: the feature set that pictures were compared in.
        note: what the reader should know; "" where there is nothing.
    """

    user_id: str
    interests: tuple[Interest, ...] = ()
    elsewhere: float = 0.0
    avoids: tuple[Interest, ...] = ()
    words: tuple[Word, ...] = ()
    confidence: float = 0.0
    n_liked: int = 0
    n_disliked: int = 0
    without_picture: int = 0
    left_out: int = 0
    features: str = ""
    note: str = ""

    @property
    def item_ids(self) -> list[str]:
        """The items of all interests."""
        return [item_id for interest in self.interests for item_id in interest.item_ids]

    def to_json(self) -> dict[str, Any]:
        """The profile as JSON-able values; "note" only where there is one."""
        body: dict[str, Any] = {
            "user_id": self.user_id,
            "confidence": self.confidence,
            "n_liked": self.n_liked,
            "n_disliked": self.n_disliked,
            "without_picture": self.without_picture,
            "left_out": self.left_out,
            "words": _as_json(self.words),
            "interests": _as_json(self.interests),
            "elsewhere": self.elsewhere,
            "avoids": _as_json(self.avoids),
            "features": self.features,
        }
        return {**body, "note": self.note} if self.note else body


def _as_json(parts: Sequence[Word] | Sequence[Interest]) -> list[dict[str, Any]]:
    return [part.to_json() for part in parts]
