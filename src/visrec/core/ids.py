"""External ids (strings) and the rows they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError

__all__ = ["IdMap"]


class IdMap:
    """A frozen two-way map between external ids and rows 0 … n-1.

    Ids are strings and may hold any character: leading zeros, dots, slashes, spaces, CJK.

    >>> ids = IdMap(["007", "a/b"])
    >>> ids.index("a/b"), ids[0], len(ids), ids.rows(["x", "007"]).tolist()
    (1, '007', 2, [-1, 0])
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids: tuple[str, ...] = tuple(ids)
        self._rows = {identifier: row for row, identifier in enumerate(self._ids)}
        if len(self._rows) != len(self._ids):
            raise InputError(f"Expected unique ids, got {len(self._ids) - len(self._rows)} repeated.")

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._rows

    def __getitem__(self, row: int) -> str:
        return self._ids[row]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdMap) and self._ids == other._ids

    def __hash__(self) -> int:
        return hash(self._ids)

    def index(self, identifier: str) -> int:
        """Row of an id.

        Raises:
            KeyError: when the id is unknown.
        """
        return self._rows[identifier]

    def rows(self, ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Rows of many ids, -1 for the unknown ones; int64 (len(ids),)."""
        get = self._rows.get
        return np.fromiter((get(identifier, -1) for identifier in ids), dtype=np.int64, count=len(ids))

    def take(self, rows: npt.NDArray[np.int64]) -> IdMap:
        """The ids of some rows, in that order, as a new map."""
        return IdMap(self._ids[row] for row in rows.tolist())
