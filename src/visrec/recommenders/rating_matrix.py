"""Ratings out of histories: one a pair, the latest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from visrec.core.errors import UnsupportedError
from visrec.core.histories import Histories

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["rating_matrix", "require_ratings"]


def rating_matrix(histories: Histories) -> csr_matrix:
    """Users x items, float64 CSR (n_users, n_items), ratings of 0 kept; of a repeated pair the latest rating counts."""
    rated = histories.select(np.isfinite(histories.rating))
    return replace(rated, weight=rated.rating).matrix().astype(np.float64)


def require_ratings(model: str, ratings: csr_matrix) -> npt.NDArray[np.int64]:
    """Columns with a rating, int64, ascending.

    Raises:
        UnsupportedError: when there is none.
    """
    if not ratings.nnz:
        raise UnsupportedError(
            f"{model} needs ratings, and the log holds none. Ingest interactions with a column `rating`, "
            "or use another model."
        )
    return np.unique(ratings.indices).astype(np.int64)
