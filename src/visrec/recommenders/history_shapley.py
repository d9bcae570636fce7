"""Shapley values of past items, for models that are no sum over them: how the score grows as they join the history."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import numpy.typing as npt

from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.protocols import Decomposition, Recommender

__all__ = ["history_shapley"]

#: Items that are told apart; the others of a longer history are one player.
_PLAYERS = 24
#: Orders that are drawn, each of them walked both ways.
_ORDERS = 8
#: So few players are walked through in all their orders.
_ALL_ORDERS = 4
#: Scores that are held at once.
_CELLS = 1 << 24

Flags = npt.NDArray[np.bool_]


def history_shapley(
    model: Recommender, history: Histories, items: ItemFeatures, rows: npt.NDArray[np.int64], seed: int = 0
) -> Decomposition:
    """Shapley values of a history's items for the scores of some items, by sampled orders.

    Štrumbelj & Kononenko (2014), Explaining prediction models and individual predictions with feature contributions,
    doi:10.1007/s10115-013-0679-x, algorithm 1, where an absent event is one that did not happen; with antithetic
    pairs of orders (Mitchell, Cooper, Frank & Holmes 2022, arXiv:2104.12199, section 4.1). An order's increments
    telescope, so base and parts add up to the score exactly, however few are drawn; the base is the score of an
    empty history.

    Of a history of more than 24 items those whose absence alone changes the scores most are told apart. The rest
    joins and leaves together, and shares what it adds equally.

    Args:
        model: fitted.
        history: one user's.
        items: features of n_items items.
        rows: int64 (n_rows,), the items asked about.
        seed: of the orders.

    Complexity: histories scored: 16 x min(n, 24), and n for n above 24; n_items scores of each.
    """
    score = _Coalitions(model, history, items, rows)
    there, player = np.unique(history.item_index, return_inverse=True)
    if len(there) > _PLAYERS:
        player = _merged(score, player, len(there))
    n = int(player.max(initial=-1)) + 1
    empty, whole = score(np.stack([np.zeros(history.n_events, np.bool_), np.ones(history.n_events, np.bool_)]))
    values = np.zeros((n, len(rows)))
    if n:
        orders = _orders(n, seed)
        # place[o, p]: when player p joins in order o; after step s those of place <= s are there.
        place = np.argsort(orders, axis=1)
        steps = np.arange(n - 1)
        joined = place[:, None, :] <= steps[None, :, None]
        between = score(joined.reshape(-1, n)[:, player]).reshape(len(orders), n - 1, len(rows))
        ends = (np.broadcast_to(edge, (len(orders), 1, len(rows))) for edge in (empty, whole))
        first, last = ends
        gains = np.diff(np.concatenate([first, between, last], axis=1), axis=1)
        for order, gain in zip(orders, gains, strict=True):
            values[order] += gain / len(orders)
    parts = np.zeros((len(rows), history.n_events))
    last_of_item = history.latest()
    shared = np.bincount(player[last_of_item], minlength=n)
    parts[:, last_of_item] = (values / np.maximum(shared, 1)[:, None])[player[last_of_item]].T
    return Decomposition(empty.astype(np.float32), parts.astype(np.float32), exact=False)


class _Coalitions:
    """The scores of some items for parts of a history."""

    def __init__(
        self, model: Recommender, history: Histories, items: ItemFeatures, rows: npt.NDArray[np.int64]
    ) -> None:
        self._model, self._history, self._items, self._rows = model, history, items, rows

    def __call__(self, there: Flags) -> npt.NDArray[np.float64]:
        """Scores, float64 (n, n_rows), when only the events are `there`, bool (n, n_events)."""
        block = max(1, _CELLS // max(len(self._items), 1))
        found = [self._score(there[start : start + block]) for start in range(0, len(there), block)]
        return np.concatenate(found) if found else np.zeros((0, len(self._rows)))

    def _score(self, there: Flags) -> npt.NDArray[np.float64]:
        whole = self._history
        _, event = np.nonzero(there)
        indptr = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int64)
        users = IdMap(f"{number}" for number in range(len(there)))
        histories = Histories(
            users,
            whole.n_items,
            indptr,
            whole.item_index[event],
            whole.weight[event],
            whole.timestamp[event],
            whole.rating[event],
        )
        return self._model.score(histories, self._items).values[:, self._rows].astype(np.float64)


def _orders(n: int, seed: int) -> npt.NDArray[np.int64]:
    """All orders of n players where they are few, else 8 drawn ones and their reverses; int64 (n_orders, n)."""
    if n <= _ALL_ORDERS:
        return np.array(list(permutations(range(n))), dtype=np.int64)
    generator = np.random.default_rng(seed)
    drawn = np.stack([generator.permutation(n) for _ in range(_ORDERS)])
    return np.concatenate([drawn, drawn[:, ::-1]])


def _merged(score: _Coalitions, player: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.int64]:
    """Fewer players: the items whose absence changes the scores most stay, the others become the last player."""
    without = np.concatenate([np.ones((1, len(player)), np.bool_), player[None] != np.arange(n)[:, None]])
    scores = score(without)
    effect = np.abs(scores[1:] - scores[0]).sum(axis=1)
    kept = np.argsort(-effect, kind="stable")[: _PLAYERS - 1]
    number = np.full(n, _PLAYERS - 1, dtype=np.int64)
    number[kept] = np.arange(len(kept))
    return number[player]
