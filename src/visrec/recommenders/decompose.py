"""Scores taken apart over the events of a history: by the model's own equation where it has one, else by sampling."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.protocols import Decomposable, Decomposition, Recommender, Scores
from visrec.recommenders.history_shapley import history_shapley

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["decompose", "impersonal", "one_event_each", "places_of"]


def decompose(
    model: Recommender, history: Histories, items: ItemFeatures, rows: npt.NDArray[np.int64]
) -> Decomposition:
    """What each event of one user's history adds to the scores of some items; for any fitted model.

    Args:
        model: fitted; one that is no `Decomposable` is asked for its scores of parts of the history.
        history: one user's.
        items: features of n_items items.
        rows: int64 (n_rows,), the items asked about.
    """
    if _decomposable(type(model)):
        return cast(Decomposable, model).contributions(history, items, rows)
    return history_shapley(model, history, items, rows)


@cache
def _decomposable(model: type) -> bool:
    """Checked once a class: asking a Protocol takes longer than some contributions."""
    return issubclass(model, Decomposable)


def impersonal(scores: Scores, history: Histories, rows: npt.NDArray[np.int64]) -> Decomposition:
    """The decomposition of a model that looks at nobody's history."""
    parts = np.zeros((len(rows), history.n_events), dtype=np.float32)
    return Decomposition(np.ascontiguousarray(scores.values[0, rows]), parts)


def places_of(history: Histories, counts: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Places of the events that speak: the latest of each item, of those where `counts`, bool (n_events,)."""
    latest = history.latest()
    return latest[counts[latest]]


def one_event_each(history: Histories, events: npt.NDArray[np.int64]) -> csr_matrix:
    """Each of these events as a history of its own; float32 CSR (len(events), n_items)."""
    from scipy.sparse import csr_matrix

    shape = (len(events), history.n_items)
    return csr_matrix((history.weight[events], history.item_index[events], np.arange(len(events) + 1)), shape=shape)
