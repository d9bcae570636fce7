"""Lists that were shown, as pairs of a user and an item, each once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from visrec.core.ids import IdMap
from visrec.evaluation.online import Shown
from visrec.workspace.impressions import Impression

__all__ = ["ShownPairs"]


class ShownPairs:
    """Who was shown what, and when first.

    Args:
        impressions: of one experiment, in any order.

    Attributes:
        first: when each pair was shown first, epoch seconds, int64 (n_pairs,).
    """

    def __init__(self, impressions: Sequence[Impression]) -> None:
        impressions = sorted(impressions, key=lambda one: one.timestamp)
        self._users = IdMap(dict.fromkeys(one.user_id for one in impressions))
        flat = [item_id for one in impressions for item_id in one.item_ids]
        self._items = IdMap(dict.fromkeys(flat))
        lengths = [len(one.item_ids) for one in impressions]
        user = np.repeat(self._users.rows([one.user_id for one in impressions]), lengths).astype(np.int64)
        when = np.repeat(np.array([one.timestamp for one in impressions], dtype=np.int64), lengths)
        # Of equal keys the first one is kept, which is the earliest.
        self._keys, earliest = np.unique(user * len(self._items) + self._items.rows(flat), return_index=True)
        self.first = when[earliest]
        self._owner = user[earliest]
        # A user's variant never changes while an experiment runs.
        self._variant_of = {one.user_id: one.variant for one in impressions}
        self._n_lists: dict[str, int] = {}
        for one in impressions:
            self._n_lists[one.variant] = self._n_lists.get(one.variant, 0) + 1

    def rows(self, user_ids: Sequence[str], item_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """The pair of each user and item, int64 (n,); -1 where that user was not shown that item."""
        user, item = self._users.rows(user_ids), self._items.rows(item_ids)
        key = user.astype(np.int64) * len(self._items) + item
        if not len(self._keys):
            return np.full(len(key), -1, dtype=np.int64)
        row = np.minimum(np.searchsorted(self._keys, key), len(self._keys) - 1)
        return np.where((user >= 0) & (item >= 0) & (self._keys[row] == key), row, -1)

    def shown(self, variant: str, taken: npt.NDArray[np.bool_]) -> Shown:
        """What the users of a variant were shown and took; `taken` is bool (n_pairs,)."""
        n_users = len(self._users)
        items = np.bincount(self._owner, minlength=n_users).astype(np.float64)
        hits = np.bincount(self._owner, taken, minlength=n_users).astype(np.float64)
        theirs = np.array([self._variant_of[user] == variant for user in self._users], dtype=np.bool_) & (items > 0)
        return Shown(self._n_lists.get(variant, 0), items[theirs], hits[theirs])
