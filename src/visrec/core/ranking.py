"""Ranked lists: the result that people and programs read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["RankedItem", "Ranking"]


@dataclass(frozen=True)
class RankedItem:
    """One line of a ranking.

    Attributes:
        rank: 1 is best.
        item_id: the item.
        score: higher is better; comparable within one ranking only.
        source: where most of the score comes from: "visual", "collaborative", "text", "category", "popular"…
        parts: source -> its share of the score; the parts add up to the score.
        title: the item's title, "" where the catalogue has none.
    """

    rank: int
    item_id: str
    score: float
    source: str
    parts: dict[str, float]
    title: str = ""

    def to_json(self) -> dict[str, Any]:
        """The item as JSON-able values."""
        line: dict[str, Any] = {
            "rank": self.rank,
            "item_id": self.item_id,
            "score": self.score,
            "source": self.source,
            "parts": self.parts,
        }
        return {**line, "title": self.title} if self.title else line


@dataclass(frozen=True)
class Ranking:
    """Items best first.

    Attributes:
        items: at most k items; fewer where fewer may be recommended.
        user_id: whom it is for, None for a query.
        note: what the reader should know, such as a fallback that was taken; "" where there is nothing.
    """

    items: tuple[RankedItem, ...]
    user_id: str | None = None
    note: str = ""

    def __len__(self) -> int:
        return len(self.items)

    @property
    def item_ids(self) -> list[str]:
        """The item ids, best first."""
        return [item.item_id for item in self.items]

    def to_json(self) -> dict[str, Any]:
        """{"user_id", "items": [{"rank", "item_id", "score", "source", "parts", "title"}], "note"}."""
        body: dict[str, Any] = {} if self.user_id is None else {"user_id": self.user_id}
        body["items"] = [item.to_json() for item in self.items]
        return {**body, "note": self.note} if self.note else body
