"""The reasons of some items, put together from what a model scored and what its scores are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.protocols import Decomposition, Recommender, Scores
from visrec.explanation.explanation import AttributeReason, Evidence, Explanation, PastItem
from visrec.explanation.sentence import sentences

if TYPE_CHECKING:
    from visrec.explanation.attributes import AttributeSurrogate

__all__ = ["Asked", "Reasons"]

#: Past items whose attributes are looked at for what is shared, and attributes that are told of.
_PAST, _ATTRIBUTES = 5, 8
#: Past items that a sentence chooses from, of those that speak for an item and of those against it.
_NAMED = 10
#: A history that adds less than this, in deviations of the user's scores, says little.
_LITTLE = 0.25


@dataclass(frozen=True)
class Asked:
    """A user's history, and the model's answer to it.

    Attributes:
        model: the model, or the fallback where nothing liked is known.
        history: of one user, without what they took out of their taste profile.
        items: the features that the model learned from.
        scores: of all items, as the model gave them.
    """

    model: Recommender
    history: Histories
    items: ItemFeatures
    scores: Scores

    @property
    def user_id(self) -> str:
        """The user."""
        return self.history.user_ids[0]


class Reasons:
    """Explanations of some items, put together from what models found."""

    def __init__(
        self,
        asked: Asked,
        rows: npt.NDArray[np.int64],
        found: Decomposition,
        titles: Mapping[int, str],
        surrogate: AttributeSurrogate | None,
    ) -> None:
        self._asked, self._rows, self._found, self._titles = asked, rows, found, titles
        self._n_liked, scores = int(asked.history.liked().nnz), asked.scores
        values = scores.values[0]
        self._values, self._spread = values[rows], float(values.std())
        shares = np.stack([part[0, rows] for part in scores.parts.values()], axis=1)
        self._kinds = [list(scores.parts)[column] for column in shares.argmax(axis=1).tolist()]
        self._surrogate = surrogate
        weights = surrogate.fit(values) if surrogate is not None and self._n_liked else None
        self._r2 = None if weights is None else round(weights.r2, 4)
        self._pulls = None if weights is None or surrogate is None else surrogate.contributions(weights, rows)
        # One entry an item: of a repeated one only the latest event has a contribution.
        latest = asked.history.latest()
        self._past, self._weights = asked.history.item_index[latest], asked.history.weight[latest]
        self._parts = found.parts[:, latest]

    def all(self, n_past: int | None) -> list[Explanation]:
        """One of each item; `n_past` as in `Explanations.reasons`."""
        return [self._one(place, n_past) for place in range(len(self._rows))]

    def _one(self, place: int, n_past: int | None) -> Explanation:
        history, past_rows = self._history(place, n_past)
        attributes = self._attributes(place, past_rows)
        evidence = self._evidence(place)
        row = int(self._rows[place])
        return Explanation(
            user_id=self._asked.user_id,
            item_id=self._asked.items.item_ids[row],
            model=self._asked.model.id,
            score=float(self._values[place]),
            base=float(self._found.base[place]),
            how="exact" if self._found.exact else "shapley",
            history=history,
            attributes=attributes,
            evidence=evidence,
            sentence=sentences(self._asked.items.item_ids[row], evidence, history, attributes),
            title=self._titles.get(row, ""),
        )

    def _history(self, place: int, n_past: int | None) -> tuple[tuple[PastItem, ...], list[int]]:
        """Past items by the size of their contributions, and the rows of those that speak most for the item."""
        parts = self._parts[place]
        order = np.argsort(-np.abs(parts), kind="stable")
        order = order[parts[order] != 0]
        speaking = self._past[order[parts[order] > 0]][:_PAST].tolist()
        if n_past is not None:
            # What the sentence may name, on either side, stays.
            signs = parts[order] > 0
            kept = np.cumsum(signs) * signs + np.cumsum(~signs) * ~signs <= _NAMED
            kept[:n_past] = True
            order = order[kept]
        rows, weights = self._past[order].tolist(), self._weights[order].tolist()
        ids, titles = self._asked.items.item_ids, self._titles
        items = tuple(
            PastItem(ids[row], value, titles.get(row, ""), weight > 0)
            for row, value, weight in zip(rows, parts[order].tolist(), weights, strict=True)
        )
        return items, speaking

    def _attributes(self, place: int, past: Sequence[int]) -> tuple[AttributeReason, ...]:
        if self._pulls is None or self._surrogate is None:
            return ()
        pulls = self._pulls[place]
        chosen = [int(c) for c in np.argsort(-np.abs(pulls), kind="stable")[:_ATTRIBUTES] if pulls[c] != 0]
        ids = self._asked.items.item_ids
        reasons = []
        for column in chosen:
            name, _, value = self._surrogate.labels[column].partition("=")
            shared = tuple(ids[row] for row in past if self._surrogate.values[row, column] > 0)
            reasons.append(AttributeReason(name, value, float(pulls[column]), shared))
        return tuple(reasons)

    def _evidence(self, place: int) -> Evidence:
        total = float(self._parts[place].sum())
        personal = total / self._spread if self._spread > 0 else 0.0
        spoken = bool(self._parts[place].any())
        strength = "none" if not spoken or not self._n_liked else "little" if personal < _LITTLE else "good"
        return Evidence(self._kinds[place], strength, self._n_liked, round(personal, 4), self._r2)  # type: ignore[arg-type]
