"""Words for a group of items: values of their columns that are more frequent there than in the catalogue."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from visrec.core.features import FeatureBlock
from visrec.taste.profile import Word

__all__ = ["Vocabulary"]

#: The catalogue counts as much as so many items more in the group: one item makes no word.
_PRIOR = 1.0
_LEAST_SHARE = 0.25
_LEAST_LIFT = 1.3
_SAME = 0.5
#: An item has a value from so much on.
_HAS = 0.1
#: A word that was recognised counts less than one that the shop gave.
_TRUST = 0.5
#: The attribute that says how much of a picture has which colour.
_PALETTE = "colours="
_LEAST_COLOUR = 0.04


class Vocabulary:
    """The values of the items' columns, and how frequent each is in the catalogue.

    A value becomes a word of a group when two of its items have it, a quarter of them by weight, and 1.3 times as many
    as in the catalogue; the latter two after the catalogue is counted as one item more. Words are in the order of

        share ln(share / share in the catalogue),

    their part of the divergence between group and catalogue, half of it for what was recognised; at most two of a
    column, and none that says again what an earlier one says: half of the catalogue's items that have one of the two
    have both.

    Args:
        n_items: of the catalogue.
        blocks: features of these items; of those with labels words are made. What is in block "category" an item has or
            has not; in any other it has as much as the number says, from 0 to 1.
    """

    def __init__(self, n_items: int, blocks: Iterable[FeatureBlock]) -> None:
        from scipy.sparse import csr_matrix

        labels: list[str] = []
        trust: list[float] = []
        parts = [np.zeros((n_items, 0), dtype=np.float32)]
        for block in blocks:
            if not block.labels:
                continue
            has = (block.matrix > 0).astype(np.float32) if block.name == "category" else np.clip(block.matrix, 0, 1)
            # What a single item has tells nothing, and recognition knows a thousand words.
            kept = np.flatnonzero((has >= _HAS).sum(axis=0) > 1)
            parts.append(has[:, kept])
            labels += [block.labels[column] for column in kept.tolist()]
            trust += [1.0 if block.name == "category" else _TRUST] * len(kept)
        self._labels = labels
        self._trust = np.array(trust)
        self._has = np.concatenate(parts, axis=1)
        self._catalogue = self._has.mean(axis=0, dtype=np.float64)
        sparse = csr_matrix(self._has)
        both = (sparse.T @ sparse).toarray()
        either = both.diagonal()[:, None] + both.diagonal() - both
        self._same = both >= _SAME * either

    def words(
        self,
        rows: npt.NDArray[np.int64],
        weights: npt.NDArray[np.float64],
        n: int = 4,
        against: tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]] | None = None,
    ) -> tuple[Word, ...]:
        """The n most telling words of a group.

        Args:
            rows: its items, (m,).
            weights: above 0, (m,).
            n: how many words at most.
            against: rows and weights of another group: only what is less frequent there becomes a word.
        """
        if not self._labels or not len(rows):
            return ()
        share = self._share(rows, weights)
        n_items = weights.sum() ** 2 / np.square(weights).sum()
        damped = (share * n_items + self._catalogue * _PRIOR) / (n_items + _PRIOR)
        lift = damped / np.maximum(self._catalogue, 1e-12)
        frequent = (damped >= _LEAST_SHARE) & (lift >= _LEAST_LIFT)
        frequent &= (self._has[rows] >= _HAS).sum(axis=0) >= min(2, len(rows))
        telling = np.where(frequent, self._trust * damped * np.log(np.maximum(lift, 1.0)), 0.0)
        if against is not None and len(against[0]):
            telling[share <= self._share(*against) * _LEAST_LIFT] = 0.0
        return self._choose(np.argsort(-telling, kind="stable")[: int((telling > 0).sum())], share, n)

    def palette(self, rows: npt.NDArray[np.int64], weights: npt.NDArray[np.float64], n: int = 5) -> tuple[Word, ...]:
        """The n colours that most of the group's pictures is of, where they were recognised (column "colours")."""
        columns = [place for place, label in enumerate(self._labels) if label.startswith(_PALETTE)]
        if not columns or not len(rows):
            return ()
        share = self._share(rows, weights)
        order = sorted(columns, key=lambda place: -share[place])[:n]
        return tuple(self._word(place, share) for place in order if share[place] >= _LEAST_COLOUR)

    def _word(self, place: int, share: npt.NDArray[np.float64]) -> Word:
        column, value = self._labels[place].split("=", 1)
        return Word(column, value, float(share[place]), float(self._catalogue[place]))

    def _share(self, rows: npt.NDArray[np.int64], weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        found: npt.NDArray[np.float64] = (weights / weights.sum()) @ self._has[rows]
        return found

    def _choose(self, order: npt.NDArray[np.int64], share: npt.NDArray[np.float64], n: int) -> tuple[Word, ...]:
        kept: list[int] = []
        words: list[Word] = []
        for position in order.tolist():
            column, value = self._labels[position].split("=", 1)
            said = self._same[position, kept].any() or any(word.value == value for word in words)
            if not said and sum(word.column == column for word in words) < 2:
                kept.append(position)
                words.append(self._word(position, share))
            if len(words) == n:
                break
        return tuple(words)
