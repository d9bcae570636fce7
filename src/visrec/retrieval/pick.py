"""Items chosen one after the other out of a pool of the best: varied, without copies, not too many of a kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from visrec.core.trace import Stopwatch
from visrec.retrieval.likeness import Likeness

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Cap", "Picked", "pick"]


@dataclass(frozen=True)
class Cap:
    """At most so many items of each value of a column.

    Attributes:
        column: its name.
        limit: 1 or more.
        members: CSR (n_items, n_values), 1 where an item has a value.
    """

    column: str
    limit: int
    members: csr_matrix


@dataclass
class Picked:
    """What came of a pool.

    Attributes:
        rows: the chosen items, in the order in which they were chosen.
        duplicates: how many of the pool show the picture of a chosen one.
        capped: how many are of a kind of which enough were chosen.
        ms: stage -> milliseconds.
    """

    rows: list[int] = field(default_factory=list)
    duplicates: int = 0
    capped: int = 0
    ms: dict[str, float] = field(default_factory=lambda: {"duplicates": 0.0, "caps": 0.0, "diversity": 0.0})


def pick(
    pool: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float32],
    k: int,
    *,
    n_first: int = 0,
    likeness: Likeness | None = None,
    diversity: float = 0.0,
    collapse_duplicates: bool = False,
    caps: Sequence[Cap] = (),
) -> Picked:
    """Choose up to k items of a pool.

    Maximal marginal relevance: the next item is the one with the largest

        (1 - diversity) r(i) - diversity max over chosen j of cos(i, j),

    where r is the score brought to 0 … 1 over the pool, and cosines are those of `Likeness.directions`. Of equal ones
    the first in the pool is chosen. A chosen item takes its copies out of the pool, and where it is the last that its
    kind may have, those of its kind. Without diversity this is the pool's order.

    Complexity: k passes over the pool's embeddings.

    Args:
        pool: int64 (n,), rows of items, best first; the first `n_first` are chosen before all others.
        scores: float32 (n,), theirs.
        k: 1 or more.
        n_first: how many come first, whatever their scores, unless a copy of theirs or a full kind keeps them out.
        likeness: of the items; needed for `diversity` and `collapse_duplicates`.
        diversity: 0 to 1.
        collapse_duplicates: whether copies of chosen items are left out.
        caps: how many items each value of a column may have.

    Reference:
        Carbonell & Goldstein (1998), The use of MMR, diversity-based reranking for reordering documents and producing
        summaries, SIGIR. doi:10.1145/290941.291025
    """
    picked, watch = Picked(), Stopwatch()
    left = np.ones(len(pool), dtype=np.bool_)
    variety = _Variety(pool, scores, n_first, likeness if diversity else None, diversity)
    copies = likeness.copies(pool) if likeness is not None and collapse_duplicates else None
    counters = [_Counter(cap, pool) for cap in caps]
    watch.lap()
    while len(picked.rows) < k and left.any():
        waiting = np.flatnonzero(left[:n_first])
        place = int(waiting[0]) if waiting.size else variety.best(left)
        picked.rows.append(int(pool[place]))
        left[place] = False
        variety.add(place)
        picked.ms["diversity"] += watch.lap()
        if copies is not None:
            picked.duplicates += _take_out(left, copies.of(place))
            picked.ms["duplicates"] += watch.lap()
        for counter in counters:
            picked.capped += _take_out(left, counter.add(place))
        picked.ms["caps"] += watch.lap()
    return picked


def _take_out(left: npt.NDArray[np.bool_], gone: npt.NDArray[np.bool_]) -> int:
    """How many of those left go now."""
    n_gone = int((left & gone).sum())
    left &= ~gone
    return n_gone


class _Variety:
    """What each place of the pool is worth beside those that were chosen."""

    def __init__(
        self,
        pool: npt.NDArray[np.int64],
        scores: npt.NDArray[np.float32],
        n_first: int,
        likeness: Likeness | None,
        diversity: float,
    ) -> None:
        free = scores[n_first:].astype(np.float64)
        spread = float(free.max() - free.min()) if free.size else 0.0
        relevance = (scores - free.min()) / spread if spread else np.zeros(len(scores))
        self._relevance = (1 - diversity) * relevance
        self._diversity = diversity
        self._directions = None if likeness is None else likeness.directions(pool)
        self._closest = np.full(len(pool), -1.0)
        self._n_chosen = 0

    def best(self, left: npt.NDArray[np.bool_]) -> int:
        if self._directions is None:
            # The pool is in the order of the scores.
            return int(left.argmax())
        worth = self._relevance - self._diversity * self._closest if self._n_chosen else self._relevance
        return int(np.where(left, worth, -np.inf).argmax())

    def add(self, place: int) -> None:
        self._n_chosen += 1
        if self._directions is not None:
            np.maximum(self._closest, self._directions @ self._directions[place], out=self._closest)


class _Counter:
    """Counts the chosen items of each value of a column."""

    def __init__(self, cap: Cap, pool: npt.NDArray[np.int64]) -> None:
        self._limit = cap.limit
        self._members = cap.members[pool]
        self._count = np.zeros(self._members.shape[1], dtype=np.int64)

    def add(self, place: int) -> npt.NDArray[np.bool_]:
        """Which of the pool have a value that has enough now; bool (n,)."""
        begin, end = self._members.indptr[place], self._members.indptr[place + 1]
        values = self._members.indices[begin:end]
        self._count[values] += 1
        full = (self._count >= self._limit).astype(np.float32)
        return np.asarray(self._members @ full > 0)
