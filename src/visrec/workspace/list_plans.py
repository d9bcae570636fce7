"""What is asked of a list, turned from words (filters, ids, columns) into rows of the items that are ranked."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from visrec.catalogue.catalogue import Catalogue
from visrec.core.errors import InputError, NotFoundError
from visrec.core.features import ItemFeatures
from visrec.core.ids import IdMap
from visrec.core.list_options import ListOptions
from visrec.core.trace import Stopwatch
from visrec.retrieval.likeness import Likeness
from visrec.retrieval.pick import Cap
from visrec.retrieval.plan import ListPlan, Narrowing
from visrec.workspace.attributes import ItemAttributes
from visrec.workspace.shop_rules import ShopRules

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["ListPlans"]

T = TypeVar("T")

#: Filters and columns that are remembered.
_KEPT = 64


class ListPlans:
    """Makes plans; remembers what filters and columns came to as long as nothing has changed.

    Args:
        root: the workspace's folder, for messages.
        catalogue: its items.
        attributes: what was recognised in the pictures, for filters and caps.
        features: gives the items' features as they are now.
        titles: gives row -> title.

    Attributes:
        rules: the shop's own.
    """

    def __init__(
        self,
        root: Path,
        catalogue: Catalogue,
        attributes: ItemAttributes,
        features: Callable[[], ItemFeatures],
        titles: Callable[[], Mapping[int, str]],
    ) -> None:
        self._root = root
        self._catalogue = catalogue
        self._attributes = attributes
        self._titles = titles
        self.rules = ShopRules(root, features, self.matching)
        self._likeness: Likeness | None = None
        self._changing = Lock()
        self._known: dict[Hashable, tuple[ItemFeatures, object]] = {}

    def plan(self, options: ListOptions, items: ItemFeatures) -> ListPlan:
        """What is asked of lists of these items.

        Raises:
            FilterError: when `where` cannot be used.
            InputError: when there is no such column to cap.
            NotFoundError: when a candidate does not exist.
            UnsupportedError: when items are to be compared and have no features.
        """
        compared = options.diversity > 0 or options.collapse_duplicates
        return ListPlan(
            options=options,
            narrowed=self._narrowed(options, items),
            caps=tuple(Cap(column, limit, self._members(column, items)) for column, limit in options.max_per.items()),
            likeness=self._likeness_of(items) if compared else None,
            rules=self.rules.over(items) if options.rules else None,
            titles=self._titles(),
        )

    def matching(self, where: str, items: ItemFeatures) -> npt.NDArray[np.bool_]:
        """The items for which a condition is true; bool (n_items,), not to be changed.

        Raises:
            FilterError: when it cannot be used.
        """
        found = self._remembered(
            ("where", where), items, lambda: _mask(items.item_ids.rows(self._attributes.matching(where)), len(items))
        )
        return found

    def _narrowed(self, options: ListOptions, items: ItemFeatures) -> tuple[Narrowing, ...]:
        stages, watch = [], Stopwatch()
        if options.candidates is not None:
            stages.append(Narrowing("candidates", self._candidates(options.candidates, items.item_ids), watch.lap()))
        if options.where is not None:
            stages.append(Narrowing("filter", self.matching(options.where, items), watch.lap()))
        return tuple(stages)

    def _candidates(self, candidates: Sequence[str], item_ids: IdMap) -> npt.NDArray[np.bool_]:
        rows = item_ids.rows(candidates)
        if (rows < 0).any():
            unknown = [candidates[place] for place in np.flatnonzero(rows < 0).tolist()]
            shown = ", ".join(map(repr, unknown[:5])) + (" …" if len(unknown) > 5 else "")
            raise NotFoundError(
                f"{len(unknown)} of the candidates are not in {self._root}: {shown}. "
                "Ingest these items, or leave them out."
            )
        return _mask(rows, len(item_ids))

    def _members(self, column: str, items: ItemFeatures) -> csr_matrix:
        """Which items have which value of a column or attribute; CSR (n_items, n_values)."""
        return self._remembered(("members", column), items, lambda: self._read_members(column, items.item_ids))

    def _read_members(self, column: str, item_ids: IdMap) -> csr_matrix:
        table = self._catalogue.items()
        rows = item_ids.rows(table.column("item_id").to_pylist())
        if column in table.column_names:
            return _membership(*_values(table.column(column)), rows, len(item_ids))
        attributes = self._attributes.columns()
        found = attributes.get(column.removeprefix("seen_"))
        if found is None:
            there = ", ".join([*table.column_names, *attributes])
            raise InputError(f"There is no column {column!r} to count items of one kind by. There are: {there}.")
        return _membership(found.row, found.label, rows, len(item_ids))

    def _likeness_of(self, items: ItemFeatures) -> Likeness:
        # Read once: another thread may replace it meanwhile.
        likeness = self._likeness
        if likeness is None or not likeness.fits(items):
            likeness = self._likeness = Likeness(items)
        return likeness

    def _remembered(self, key: Hashable, items: ItemFeatures, find: Callable[[], T]) -> T:
        """What was found for these very items, while catalogue and attributes are as they were."""
        key = (key, self._catalogue.version, self._attributes.version)
        known = self._known.get(key)
        if known is None or known[0] is not items:
            known = (items, find())
        with self._changing:
            # The one asked for last is the last to go.
            self._known.pop(key, None)
            self._known[key] = known
            while len(self._known) > _KEPT:
                self._known.pop(next(iter(self._known)))
        return known[1]  # type: ignore[return-value]


def _mask(rows: npt.NDArray[np.int64], n_items: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros(n_items, dtype=np.bool_)
    # -1 is an item that was ingested since the features were read.
    mask[rows[rows >= 0]] = True
    return mask


def _values(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows and values' numbers of a column, several values in a row where they are separated by "|"."""
    if pa.types.is_nested(column.type):
        lists = column.combine_chunks()
    else:
        lists = pc.split_pattern(column.cast(pa.string()).combine_chunks(), "|")
    values = pc.utf8_trim_whitespace(pc.list_flatten(lists).cast(pa.string()))
    rows = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    there = pc.not_equal(values, "").fill_null(False).to_numpy(zero_copy_only=False)
    codes = values.filter(pa.array(there)).dictionary_encode().indices.to_numpy(zero_copy_only=False)
    return rows[there].astype(np.int64), codes.astype(np.int64)


def _membership(
    row: npt.NDArray[np.int64], label: npt.NDArray[np.int64], place: npt.NDArray[np.int64], n_items: int
) -> csr_matrix:
    """CSR (n_items, n_values), ones; `place` is each table row's place among the items, -1 for none."""
    from scipy.sparse import csr_matrix

    kept = place[row] >= 0
    shape = (n_items, int(label.max(initial=-1)) + 1)
    members = csr_matrix((np.ones(int(kept.sum()), dtype=np.float32), (place[row][kept], label[kept])), shape=shape)
    members.sum_duplicates()
    members.data[:] = 1.0
    return members
