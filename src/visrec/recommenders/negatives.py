"""Items that a user has not liked, drawn at random: the negatives of pairwise and sampled losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["NegativeSampler"]

#: A draw that hits a liked item is repeated so often; a user who likes nearly everything then keeps a liked item.
_TRIES = 10
#: Up to so many users times items (64 MiB) a table of flags says what is stored: some five times as fast as a search.
_FLAGS = 1 << 26


class NegativeSampler:
    """Draws, for given users, items that are not among their stored ones; without a loop over users.

    Args:
        liked: CSR (n_users, n_items); every stored pair is avoided.
        exponent: an item is drawn in proportion to its count to this power; 0: all alike.
    """

    def __init__(self, liked: csr_matrix, exponent: float = 0.0) -> None:
        self._n_items = liked.shape[1]
        users = np.repeat(np.arange(liked.shape[0], dtype=np.int64), np.diff(liked.indptr))
        pairs = users * self._n_items + liked.indices
        self._flags: npt.NDArray[np.bool_] | None = None
        if liked.shape[0] * self._n_items <= _FLAGS:
            self._flags = np.zeros(liked.shape[0] * self._n_items, dtype=np.bool_)
            self._flags[pairs] = True
        else:
            self._pairs = np.sort(pairs)
        counts = np.bincount(liked.indices, minlength=self._n_items)
        weights = np.power(np.maximum(counts, 1).astype(np.float64), exponent)
        self.probability: npt.NDArray[np.float64] = weights / weights.sum()
        self._cumulative = np.cumsum(self.probability) if exponent else None

    def draw(self, users: npt.NDArray[np.int64], generator: np.random.Generator) -> npt.NDArray[np.int64]:
        """One item for each of int64 `users`, of any shape; int64 of that shape."""
        flat = users.ravel()
        items = self._any(flat.size, generator)
        bad = np.flatnonzero(self._stored(flat, items))
        for _ in range(_TRIES):
            if not bad.size:
                break
            items[bad] = self._any(bad.size, generator)
            bad = bad[self._stored(flat[bad], items[bad])]
        return items.reshape(users.shape)

    def _any(self, n: int, generator: np.random.Generator) -> npt.NDArray[np.int64]:
        if self._cumulative is None:
            return generator.integers(self._n_items, size=n)
        drawn = np.searchsorted(self._cumulative, generator.random(n), side="right")
        return np.minimum(drawn, self._n_items - 1).astype(np.int64)

    def _stored(self, users: npt.NDArray[np.int64], items: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        wanted = users * self._n_items + items
        if self._flags is not None:
            return self._flags[wanted]
        if not self._pairs.size:
            return np.zeros(users.size, dtype=np.bool_)
        place = np.minimum(np.searchsorted(self._pairs, wanted), self._pairs.size - 1)
        return np.asarray(self._pairs[place] == wanted)
