"""What users did: the histories that recommenders score from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError
from visrec.core.ids import IdMap

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Histories"]


@dataclass(frozen=True)
class Histories:
    """n_users histories in one compressed layout, each oldest event first.

    User `u` owns the events `indptr[u]:indptr[u + 1]`.

    Attributes:
        user_ids: the users, in row order.
        n_items: how many items `item_index` may point at.
        indptr: int64 (n_users + 1,).
        item_index: int32 (n_events,); rows of the `ItemFeatures` that go with these histories.
        weight: float32 (n_events,); above 0 liked, below 0 disliked, 0 seen and nothing more.
        timestamp: int64 (n_events,); epoch seconds UTC, 0 where unknown.
        rating: float32 (n_events,); what a user gave the item on the shop's own scale, NaN where the event is no
            rating. Given as None, no event is one.
    """

    user_ids: IdMap
    n_items: int
    indptr: npt.NDArray[np.int64]
    item_index: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float32]
    timestamp: npt.NDArray[np.int64]
    rating: npt.NDArray[np.float32] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.rating is None:
            object.__setattr__(self, "rating", np.full(self.item_index.shape, np.nan, dtype=np.float32))
        if self.indptr.shape != (len(self.user_ids) + 1,) or self.indptr[-1] != self.item_index.shape[0]:
            raise InputError(f"Expected indptr ({len(self.user_ids) + 1},) ending at {self.item_index.shape[0]}.")
        if self.item_index.size and not 0 <= int(self.item_index.min()) <= int(self.item_index.max()) < self.n_items:
            raise InputError(f"Expected item rows in 0 … {self.n_items - 1}.")

    def __len__(self) -> int:
        return len(self.user_ids)

    @property
    def n_events(self) -> int:
        """Number of events of all users together."""
        return int(self.item_index.shape[0])

    @property
    def user_index(self) -> npt.NDArray[np.int64]:
        """The user's row of every event; int64 (n_events,)."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.indptr))

    @classmethod
    def from_events(
        cls,
        user_ids: IdMap,
        n_items: int,
        user_index: npt.NDArray[np.int64],
        item_index: npt.NDArray[np.int32],
        weight: npt.NDArray[np.float32],
        timestamp: npt.NDArray[np.int64],
        rating: npt.NDArray[np.float32] | None = None,
    ) -> Histories:
        """Sort events by user, then time (stable), into histories.

        Args:
            user_ids: the n_users users.
            n_items: number of items.
            user_index: int64 (n_events,), rows of `user_ids`.
            item_index: int32 (n_events,).
            weight: float32 (n_events,).
            timestamp: int64 (n_events,).
            rating: float32 (n_events,), NaN where unknown; None: of every event.
        """
        order = np.lexsort((timestamp, user_index))
        counts = np.bincount(user_index, minlength=len(user_ids))
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        rating = None if rating is None else rating[order]
        return cls(user_ids, n_items, indptr, item_index[order], weight[order], timestamp[order], rating)  # type: ignore[arg-type]

    def take(self, rows: npt.NDArray[np.int64]) -> Histories:
        """The histories of some users, in that order."""
        lengths = np.diff(self.indptr)[rows]
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        events = np.repeat(self.indptr[rows] - indptr[:-1], lengths) + np.arange(indptr[-1])
        return Histories(
            self.user_ids.take(rows),
            self.n_items,
            indptr,
            self.item_index[events],
            self.weight[events],
            self.timestamp[events],
            self.rating[events],
        )

    def select(self, mask: npt.NDArray[np.bool_]) -> Histories:
        """The same users with only the events where `mask`, bool (n_events,), is True."""
        kept = np.concatenate([[0], np.cumsum(mask)]).astype(np.int64)
        return Histories(
            self.user_ids,
            self.n_items,
            kept[self.indptr],
            self.item_index[mask],
            self.weight[mask],
            self.timestamp[mask],
            self.rating[mask],
        )

    def latest(self) -> npt.NDArray[np.int64]:
        """Places of the latest event of each pair of user and item, by user, then by item; int64."""
        return self._latest

    @cached_property
    def _latest(self) -> npt.NDArray[np.int64]:
        pair = self.user_index * self.n_items + self.item_index
        # Events of one user are oldest first: of equal pairs the last is the latest.
        _, first_from_behind = np.unique(pair[::-1], return_index=True)
        latest = self.n_events - 1 - first_from_behind
        latest.flags.writeable = False
        return latest

    def matrix(self) -> csr_matrix:
        """Users x items, float32 CSR (n_users, n_items), zeros kept; of a repeated pair the latest event counts."""
        from scipy.sparse import csr_matrix

        latest = self.latest()
        counts = np.bincount(self.user_index[latest], minlength=len(self))
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return csr_matrix((self.weight[latest], self.item_index[latest], indptr), shape=(len(self), self.n_items))

    def liked(self) -> csr_matrix:
        """Users x items, float32 CSR: the positive weights of `matrix`, nothing else."""
        matrix = self.matrix()
        matrix.data = np.maximum(matrix.data, 0.0)
        matrix.eliminate_zeros()
        return matrix
