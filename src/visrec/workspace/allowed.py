"""Which items a ranking may hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from visrec.core.errors import NotFoundError
from visrec.core.ids import IdMap

__all__ = ["allowed_items"]


def allowed_items(
    matching: Callable[[str], list[str]],
    item_ids: IdMap,
    root: Path,
    where: str | None,
    candidates: Sequence[str] | None,
) -> npt.NDArray[np.bool_] | None:
    """The items that a filter and a list of candidates both let through.

    Args:
        matching: gives the ids of the items for which a filter is true.
        item_ids: the n_items items.
        root: the workspace, for messages.
        where: SQL condition over the items' columns and attributes; None: all.
        candidates: item ids, repeats allowed; None: all.

    Returns:
        bool (n_items,); None for all items.

    Raises:
        FilterError: when `where` cannot be used.
        NotFoundError: when a candidate does not exist.
    """
    if where is None and candidates is None:
        return None
    allowed = np.ones(len(item_ids), dtype=np.bool_)
    if where is not None:
        allowed &= _mask(item_ids.rows(matching(where)), len(item_ids))
    if candidates is not None:
        rows = item_ids.rows(candidates)
        if (rows < 0).any():
            raise NotFoundError(_unknown([candidates[place] for place in np.flatnonzero(rows < 0).tolist()], root))
        allowed &= _mask(rows, len(item_ids))
    return allowed


def _mask(rows: npt.NDArray[np.int64], n_items: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros(n_items, dtype=np.bool_)
    # -1 is an item that was ingested since the features were read.
    mask[rows[rows >= 0]] = True
    return mask


def _unknown(item_ids: Sequence[str], root: Path) -> str:
    shown = ", ".join(map(repr, item_ids[:5])) + (" …" if len(item_ids) > 5 else "")
    return f"{len(item_ids)} of the candidates are not in {root}: {shown}. Ingest these items, or leave them out."
