"""Histories made into taste profiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.recency import decayed
from visrec.taste.profile import Interest, TasteProfile
from visrec.taste.settings import TasteSettings
from visrec.taste.space import TasteSpace
from visrec.taste.words import Vocabulary

__all__ = ["TasteBuilder"]

Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]

_SURE_INTEREST, _SURE_PROFILE = 3.0, 5.0
_MAX_AVOIDS = 3


@dataclass(frozen=True)
class _Evidence:
    """Items with their weights, newest last."""

    rows: Rows
    weights: Weights


class TasteBuilder:
    """Builds profiles; made once for a state of the catalogue, then a profile takes about a millisecond.

    A user's liked items are grouped bottom-up (average linkage, Sokal & Michener 1958) by cosine distance in the
    `TasteSpace`, and groups are joined as long as their items are alike on average: nearer than nine in ten
    pairs of the catalogue. So the number of interests comes from the history, by one measure for all users, and
    one event more leaves the other groups as they were. A group of two is an interest only where the two are nearer
    than all but a fifth of the pairs that are alike: many likes hold some pair by chance.

    Args:
        items: features of n_items items; of the blocks with labels words are made.
        vectors: float32 (n_items, dim), the pictures as the space was fitted on them: unit rows, zero rows without one.
        space: fitted on such vectors.
        described: further blocks with labels to make words of, such as what was recognised in the pictures.
    """

    def __init__(
        self, items: ItemFeatures, vectors: Matrix, space: TasteSpace, described: Sequence[FeatureBlock] = ()
    ) -> None:
        self.space = space
        self.vectors = space(vectors)
        self._items = items
        self._features = items.blocks["image"].origin if "image" in items.blocks else ""
        self._pictured = np.any(self.vectors, axis=1)
        self._vocabulary = Vocabulary(len(items), [*items.blocks.values(), *described])

    def build(self, histories: Histories, settings: TasteSettings | None = None) -> list[TasteProfile]:
        """The profile of every history, over the builder's items; of an item's events the latest counts."""
        chosen = settings or TasteSettings()
        faded = decayed(histories, chosen.half_life_days, per_user=True)
        return [self._profile(faded, user, chosen) for user in range(len(faded))]

    def _profile(self, histories: Histories, user: int, settings: TasteSettings) -> TasteProfile:
        liked, disliked = _evidence(histories, user)
        shown, hated = (self._with_picture(evidence, settings.max_items) for evidence in (liked, disliked))
        interests, elsewhere = self._interests(shown, settings.max_interests)
        n_likes = float(shown.weights.sum())
        without = len(liked.rows) - len(shown.rows)
        return TasteProfile(
            user_id=histories.user_ids[user],
            interests=interests,
            elsewhere=elsewhere,
            avoids=self._avoids(hated, interests, liked),
            words=self._vocabulary.words(liked.rows, liked.weights),
            confidence=n_likes / (n_likes + _SURE_PROFILE),
            n_liked=len(liked.rows),
            n_disliked=len(disliked.rows),
            without_picture=without,
            features=self._features,
            note=_note(len(liked.rows), len(disliked.rows), without),
        )

    def _with_picture(self, evidence: _Evidence, newest: int) -> _Evidence:
        kept = np.flatnonzero(self._pictured[evidence.rows])[-newest:]
        return _Evidence(evidence.rows[kept], evidence.weights[kept])

    def _interests(self, liked: _Evidence, most: int) -> tuple[tuple[Interest, ...], float]:
        groups = self._groups(liked)
        chosen = [group for group in groups if len(group) > 2 or self._is_pair(liked.rows[group])]
        chosen = (chosen or groups)[:most]
        interests = tuple(self._interest(number, liked, group) for number, group in enumerate(chosen, start=1))
        return interests, max(0.0, 1.0 - sum(interest.weight for interest in interests)) if interests else 0.0

    def _is_pair(self, rows: Rows) -> bool:
        return len(rows) == 2 and float(self.vectors[rows[0]] @ self.vectors[rows[1]]) >= self.space.pair

    def _avoids(self, disliked: _Evidence, interests: tuple[Interest, ...], liked: _Evidence) -> tuple[Interest, ...]:
        avoids: list[Interest] = []
        for group in self._groups(disliked):
            found = self._interest(len(avoids) + 1, disliked, group, against=liked)
            # Who likes lamps and dislikes one does not avoid lamps.
            if all(float(found.centre @ interest.centre) < self.space.alike for interest in interests):
                avoids.append(found)
        return tuple(avoids[:_MAX_AVOIDS])

    def _groups(self, evidence: _Evidence) -> list[Rows]:
        """Positions in the evidence of the items of each group, the heaviest group first."""
        n = len(evidence.rows)
        if n < 2:
            return [np.arange(n)] if n else []
        from scipy.cluster.hierarchy import fcluster, linkage

        vectors = self.vectors[evidence.rows]
        distance = np.maximum(1.0 - vectors @ vectors.T, 0.0).astype(np.float64)
        tree = linkage(distance[np.triu_indices(n, 1)], "average")
        labels = fcluster(tree, 1.0 - self.space.alike, "distance")
        groups = [np.flatnonzero(labels == label) for label in range(1, int(labels.max()) + 1)]
        return sorted(groups, key=lambda group: (-evidence.weights[group].sum(), -int(group[-1])))

    def _interest(self, number: int, evidence: _Evidence, group: Rows, against: _Evidence | None = None) -> Interest:
        rows, weights = evidence.rows[group], evidence.weights[group]
        share = weights / weights.sum()
        centre = (share @ self.vectors[rows]).astype(np.float32)
        # The medoid is nearest to the others on average; of equals the newest comes first.
        central = self.vectors[rows] @ centre
        order = np.lexsort((-np.arange(len(rows)), -central))
        itself = float(np.square(share).sum())
        within = (float(centre @ centre) - itself) / (1 - itself) if len(rows) > 1 else 1.0
        n_items = float(weights.sum())
        return Interest(
            number=number,
            weight=float(weights.sum() / evidence.weights.sum()),
            item_ids=tuple(self._items.item_ids[row] for row in rows[order].tolist()),
            words=self._vocabulary.words(
                rows, weights, against=None if against is None else (against.rows, against.weights)
            ),
            palette=self._vocabulary.palette(rows, weights),
            spread=float(np.clip(1.0 - within, 0.0, 2.0)),
            confidence=n_items / (n_items + _SURE_INTEREST),
            centre=centre,
        )


def _evidence(histories: Histories, user: int) -> tuple[_Evidence, _Evidence]:
    """What was liked and what was disliked, an item by its latest event."""
    events = slice(int(histories.indptr[user]), int(histories.indptr[user + 1]))
    rows = histories.item_index[events].astype(np.int64)
    last = len(rows) - 1 - np.unique(rows[::-1], return_index=True)[1]
    last.sort()
    weights = histories.weight[events][last].astype(np.float64)
    liked, disliked = np.flatnonzero(weights > 0), np.flatnonzero(weights < 0)
    return _Evidence(rows[last[liked]], weights[liked]), _Evidence(rows[last[disliked]], -weights[disliked])


def _note(n_liked: int, n_disliked: int, without_picture: int) -> str:
    if not n_liked:
        return "nothing liked is known of this user" + (": only what they avoid" if n_disliked else "")
    if without_picture == n_liked:
        return "none of the liked items has an embedded picture"
    if n_liked - without_picture == 1:
        return "only one liked picture is known: this is a first guess"
    return ""
