"""Ranked lists: the result that people and programs read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from visrec.core.trace import Stage

__all__ = ["RankedItem", "Ranking"]


@dataclass(frozen=True)
class RankedItem:
    """One line of a ranking.

    Attributes:
        rank: 1 is best.
        item_id: the item.
        score: higher is better; comparable within one ranking only.
        source: where most of the score comes from: "visual", "collaborative", "text", "category", "popular", "rule"…
        parts: source -> its share of the score; the parts add up to the score.
        title: the item's title, "" where the catalogue has none.
        rules: names of the shop's rules that lifted, lowered or pinned it. What a rule adds to the score is its part
            "rule"; a pinned item keeps its score, whatever its rank.
    """

    rank: int
    item_id: str
    score: float
    source: str
    parts: dict[str, float]
    title: str = ""
    rules: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The item as JSON-able values."""
        line: dict[str, Any] = {
            "rank": self.rank,
            "item_id": self.item_id,
            "score": self.score,
            "source": self.source,
            "parts": self.parts,
        }
        if self.title:
            line["title"] = self.title
        return {**line, "rules": list(self.rules)} if self.rules else line


@dataclass(frozen=True)
class Ranking:
    """Items best first.

    Attributes:
        items: at most k items; fewer where fewer may be recommended.
        user_id: whom it is for, None for a query.
        note: what the reader should know, such as a fallback that was taken; "" where there is nothing.
        trace: what each stage kept and removed, where that was asked for.
    """

    items: tuple[RankedItem, ...]
    user_id: str | None = None
    note: str = ""
    trace: tuple[Stage, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    @property
    def item_ids(self) -> list[str]:
        """The item ids, best first."""
        return [item.item_id for item in self.items]

    def to_json(self) -> dict[str, Any]:
        """{"user_id", "items": [{"rank", "item_id", "score", "source", "parts", "title", "rules"}], "note", "trace"}.

        What is empty is left out, but for the items.
        """
        body: dict[str, Any] = {} if self.user_id is None else {"user_id": self.user_id}
        body["items"] = [item.to_json() for item in self.items]
        if self.note:
            body["note"] = self.note
        return {**body, "trace": [stage.to_json() for stage in self.trace]} if self.trace else body
