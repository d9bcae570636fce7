"""What an explanation says, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["AttributeReason", "Evidence", "Explanation", "PastItem"]


@dataclass(frozen=True)
class PastItem:
    """What one item of the history adds to the score.

    Attributes:
        item_id: the item.
        contribution: above 0 raises the score.
        title: "" where the catalogue has none.
        liked: False where the user disliked it, or only saw it.
    """

    item_id: str
    contribution: float
    title: str = ""
    liked: bool = True

    def to_json(self) -> dict[str, Any]:
        """{"item_id", "contribution", "liked"}, and "title" where there is one."""
        line: dict[str, Any] = {"item_id": self.item_id, "contribution": self.contribution, "liked": self.liked}
        return {**line, "title": self.title} if self.title else line


@dataclass(frozen=True)
class AttributeReason:
    """By how much one attribute of the item goes with higher or lower scores of this user.

    Attributes:
        name: such as "colour".
        value: such as "navy".
        contribution: its weight for this user, times how much more of it the item has than the average item.
        shared: which of the strongest past items have it too; item ids.
    """

    name: str
    value: str
    contribution: float
    shared: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """{"name", "value", "contribution", "shared"}."""
        return {
            "name": self.name,
            "value": self.value,
            "contribution": self.contribution,
            "shared": list(self.shared),
        }


@dataclass(frozen=True)
class Evidence:
    """What an explanation stands on.

    Attributes:
        kind: where most of the score comes from: "collaborative", "visual", "text", "category", "appeal", "popular" …
        strength: "good", "little" or "none".
        n_liked: items that the user liked.
        personal: what the history adds to the score, all past items together, in deviations of the user's scores over
            all items.
        attributes_r2: share of the variance of the user's scores that attributes account for, on items left out of
            the regression; None where no attributes are known.
    """

    kind: str
    strength: Literal["good", "little", "none"]
    n_liked: int
    personal: float
    attributes_r2: float | None

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {
            "kind": self.kind,
            "strength": self.strength,
            "n_liked": self.n_liked,
            "personal": self.personal,
            "attributes_r2": self.attributes_r2,
        }


@dataclass(frozen=True)
class Explanation:
    """Why an item has the score that it has for a user.

    Attributes:
        user_id: whom for.
        item_id: the item.
        model: the model that was asked.
        score: what `recommend` shows.
        base: what the score owes to no past item; base and the contributions of `history` add up to the score.
        how: "exact" where the contributions follow from the model's equation, "shapley" where they are sampled.
        history: every past item with a contribution, the largest in size first.
        attributes: what the item has, the largest in size first.
        evidence: what all this stands on.
        sentence: language ("en", "zh") -> one plain sentence.
        title: of the item; "" where the catalogue has none.
    """

    user_id: str
    item_id: str
    model: str
    score: float
    base: float
    how: Literal["exact", "shapley"]
    history: tuple[PastItem, ...]
    attributes: tuple[AttributeReason, ...]
    evidence: Evidence
    sentence: dict[str, str]
    title: str = ""

    def to_json(self) -> dict[str, Any]:
        """The fields by name; "title" where there is one."""
        body: dict[str, Any] = {"user_id": self.user_id, "item_id": self.item_id}
        if self.title:
            body["title"] = self.title
        return {
            **body,
            "model": self.model,
            "score": self.score,
            "base": self.base,
            "how": self.how,
            "history": [past.to_json() for past in self.history],
            "attributes": [attribute.to_json() for attribute in self.attributes],
            "sentence": self.sentence,
            "evidence": self.evidence.to_json(),
        }

    def reasons_json(self, n: int = 3) -> dict[str, Any]:
        """As `to_json`, the n foremost past items and attributes alone: what a list shows beside an item."""
        body = self.to_json()
        kept = {name: body[name] for name in ("base", "how", "history", "attributes", "sentence", "evidence")}
        return {**kept, "history": kept["history"][:n], "attributes": kept["attributes"][:n]}
