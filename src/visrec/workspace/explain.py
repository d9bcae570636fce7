"""Why a workspace recommends what it recommends: past items, attributes and a sentence for a user's items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from visrec.catalogue.catalogue import Catalogue
from visrec.core.errors import NotFoundError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.protocols import Decomposition, Recommender, Scores
from visrec.explanation.explanation import AttributeReason, Evidence, Explanation, PastItem
from visrec.explanation.sentence import sentences
from visrec.workspace.assemble import current_histories
from visrec.workspace.attributes import ItemAttributes
from visrec.workspace.checks import check_user_ids
from visrec.workspace.models import ModelStore
from visrec.workspace.settings import SettingsFile
from visrec.workspace.taste import Tastes

if TYPE_CHECKING:
    from visrec.explanation.attributes import AttributeSurrogate

__all__ = ["Asked", "Explanations"]

#: Attributes that no reason is told by: nobody likes things for their height by width, and `colours`, by their shares,
#: say what `colour` says and more.
_NOT_TOLD_BY = ("aspect", "symmetry", "parts", "colour")
#: Past items whose attributes are looked at for what is shared, and attributes that are told of.
_PAST, _ATTRIBUTES = 5, 8
#: A history that adds less than this, in deviations of the user's scores, says little.
_LITTLE = 0.25


@dataclass(frozen=True)
class Asked:
    """A user's history, the model that answers, and what it scores from.

    Attributes:
        history: of one user, without what they took out of their taste profile.
        items: the features that the model learned from.
        model: the model, or the fallback where nothing liked is known.
        n_liked: liked items.
    """

    history: Histories
    items: ItemFeatures
    model: Recommender
    n_liked: int


class Explanations:
    """Reasons for recommendations, from the histories and models as they are now.

    Args:
        root: the workspace's folder, for messages.
        catalogue: its items and interactions.
        settings: how interactions count, and the model in use.
        models: the trained models.
        features: gives the items' features by the names of feature sets.
        tastes: what users took out of their profiles does not count.
        attributes: what was recognised in the pictures.
        titles: gives row -> title.
    """

    def __init__(
        self,
        root: Path,
        catalogue: Catalogue,
        settings: SettingsFile,
        models: ModelStore,
        features: Callable[[str, str], ItemFeatures],
        tastes: Tastes,
        attributes: ItemAttributes,
        titles: Callable[[], Mapping[int, str]],
    ) -> None:
        self._root = root
        self._catalogue = catalogue
        self._settings = settings
        self._models = models
        self._features = features
        self._tastes = tastes
        self._attributes = attributes
        self._titles = titles
        self._surrogate: tuple[object, AttributeSurrogate] | None = None

    def explain(self, user_id: str, item_id: str, model: str | None = None) -> Explanation:
        """Why an item has its score for a user; see `reasons`."""
        return self.reasons(user_id, [item_id], model)[0]

    def reasons(self, user_id: str, item_ids: Sequence[str], model: str | None = None) -> list[Explanation]:
        """Why each item of a list has its score for a user.

        Of a user of whom nothing liked is known the fallback's list is explained, as `recommend` gives it.

        Args:
            user_id: whom for; may be unknown.
            item_ids: the list, in any order.
            model: a trained model; None: the one in use.

        Raises:
            InputError: when the user's id can be nobody's.
            NotFoundError: for an unknown item.
            NotFittedError: before `train`.
        """
        from visrec.recommenders.decompose import decompose

        asked = self.asked(user_id, model)
        rows = self.rows(asked.items.item_ids, item_ids)
        if not rows.size:
            return []
        scores = asked.model.score(asked.history, asked.items)
        found = decompose(asked.model, asked.history, asked.items, rows)
        return _Answer(asked, user_id, rows, scores, found, self._titles(), self._of_attributes()).all()

    def asked(self, user_id: str, model: str | None = None) -> Asked:
        """The history of a user and the model that answers for it; raises as `reasons`."""
        check_user_ids([user_id])
        trained = self._models.load(model or self._settings.current.model)
        items = self._features(trained.image_features, trained.text_features)
        users, rules = IdMap([user_id]), self._settings.current.rules
        history = current_histories(self._catalogue, items.item_ids, rules, users)
        history = self._tastes.edited(history, items.item_ids)
        n_liked = int(history.liked().nnz)
        answering = trained.recommender if n_liked else self._models.load("popular").recommender
        return Asked(history, items, answering, n_liked)

    def rows(self, known: IdMap, item_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Rows of items; int64.

        Raises:
            NotFoundError: for an unknown one.
        """
        rows = known.rows(list(item_ids))
        if rows.size and rows.min() < 0:
            raise NotFoundError(f"There is no item {item_ids[int(rows.argmin())]!r} in {self._root}.")
        return rows

    def _of_attributes(self) -> AttributeSurrogate | None:
        """What is shared by all users of the regression on attributes, made anew when they change."""
        from visrec.explanation.attributes import AttributeSurrogate

        seen = self._attributes.columns()
        if not seen:
            return None
        # Read once: another thread may replace it meanwhile.
        last = self._surrogate
        if last is None or last[0] is not seen:
            told = [name for name in self._attributes.names() if name not in _NOT_TOLD_BY]
            last = self._surrogate = (seen, AttributeSurrogate(self._attributes.block(told)))
        return last[1]


class _Answer:
    """Explanations of some items, put together from what models found."""

    def __init__(
        self,
        asked: Asked,
        user_id: str,
        rows: npt.NDArray[np.int64],
        scores: Scores,
        found: Decomposition,
        titles: Mapping[int, str],
        surrogate: AttributeSurrogate | None,
    ) -> None:
        self._asked, self._user_id, self._rows, self._found, self._titles = asked, user_id, rows, found, titles
        values = scores.values[0]
        self._values, self._spread = values[rows], float(values.std())
        shares = np.stack([part[0, rows] for part in scores.parts.values()], axis=1)
        self._kinds = [list(scores.parts)[column] for column in shares.argmax(axis=1).tolist()]
        self._surrogate = surrogate
        weights = surrogate.fit(values) if surrogate is not None and asked.n_liked else None
        self._r2 = None if weights is None else round(weights.r2, 4)
        self._pulls = None if weights is None or surrogate is None else surrogate.contributions(weights, rows)
        # One entry an item: of a repeated one only the latest event has a contribution.
        latest = asked.history.latest()
        self._past, self._weights = asked.history.item_index[latest], asked.history.weight[latest]
        self._parts = found.parts[:, latest]

    def all(self) -> list[Explanation]:
        return [self._one(place) for place in range(len(self._rows))]

    def _one(self, place: int) -> Explanation:
        history, past_rows = self._history(place)
        attributes = self._attributes(place, past_rows)
        evidence = self._evidence(place)
        row = int(self._rows[place])
        return Explanation(
            user_id=self._user_id,
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

    def _history(self, place: int) -> tuple[tuple[PastItem, ...], list[int]]:
        """Past items by the size of their contributions, and the rows of those that speak most for the item."""
        parts = self._parts[place]
        order = np.argsort(-np.abs(parts), kind="stable")
        order = order[parts[order] != 0]
        rows, weights = self._past[order].tolist(), self._weights[order].tolist()
        ids, titles = self._asked.items.item_ids, self._titles
        items = tuple(
            PastItem(ids[row], value, titles.get(row, ""), weight > 0)
            for row, value, weight in zip(rows, parts[order].tolist(), weights, strict=True)
        )
        return items, self._past[order[parts[order] > 0]][:_PAST].tolist()

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
        strength = "none" if not spoken or not self._asked.n_liked else "little" if personal < _LITTLE else "good"
        return Evidence(self._kinds[place], strength, self._asked.n_liked, round(personal, 4), self._r2)  # type: ignore[arg-type]
