"""What was seen in the items' pictures: filling it, reading it, filtering and learning by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from visrec.catalogue.catalogue import Catalogue
from visrec.catalogue.filters import names_in
from visrec.core.attributes import Attribute, AttributeColumn, Recognizer, first_entries, stack_columns
from visrec.core.errors import FilterError, NotFoundError
from visrec.core.features import FeatureBlock
from visrec.core.ids import IdMap
from visrec.core.progress import ProgressFactory, silent
from visrec.core.settings import ImageLimits
from visrec.encoders.weights import Say, quiet
from visrec.recognition import ATTRIBUTE_NAMES
from visrec.workspace.checks import check_k
from visrec.workspace.duplicates import DuplicateGroup, find_duplicates
from visrec.workspace.labels import Labels
from visrec.workspace.recognize import RecognizeReport, Recognizers, recognize_catalogue

__all__ = ["ItemAttributes"]

#: Items whose measurements are put into words at once: bounds the memory.
_AT_ONCE = 50_000
#: Before the name of an attribute: the recognized one, even where the shop has a column of that name.
_PREFIX = "seen_"


class ItemAttributes:
    """The attributes of a workspace's items, out of each item's first picture.

    Args:
        root: the workspace's folder, for messages.
        catalogue: whose pictures.
        limits: what an image may cost.
        labels: the attributes that the shop itself has named.
    """

    def __init__(self, root: Path, catalogue: Catalogue, limits: ImageLimits, labels: Labels) -> None:
        self._root = root
        self._catalogue = catalogue
        self._limits = limits
        self._labels = labels
        self._recognizers = Recognizers()
        self._seen: tuple[object, dict[str, AttributeColumn]] = (None, {})
        self._columns: tuple[object, object, dict[str, AttributeColumn]] = (None, None, {})

    def recognize(
        self, *, faces: bool = False, progress: ProgressFactory = silent, say: Say = quiet
    ) -> RecognizeReport:
        """Look at every picture that was not looked at yet; an interrupted run goes on where it stopped.

        Args:
            faces: look for faces too, from now on whenever pictures of this shop are looked at.
            progress: shows progress.
            say: told what is fetched.

        Raises:
            WeightsError: when weights cannot be had; nothing was looked at yet.
        """
        return recognize_catalogue(self._catalogue, self._recognizers, self._limits, progress, say, faces)

    def recognize_new(self, *, progress: ProgressFactory = silent, say: Say = quiet) -> RecognizeReport | None:
        """As `recognize`, where it was done before; None where it never was."""
        return self.recognize(progress=progress, say=say) if self.version else None

    @property
    def version(self) -> tuple[frozenset[str], ...]:
        """Names what was recognised: while it is the same, so are the attributes. Cheap."""
        return self._catalogue.measurements.versions()

    def columns(self) -> dict[str, AttributeColumn]:
        """Every attribute by its name, recognised ones and labels; rows are those of `catalogue.items()`.

        The same object comes back as long as nothing has changed. Empty before `recognize` and without labels.
        """
        seen, labels = self._recognized(), self._labels.columns()
        if self._columns[0] is not seen or self._columns[1] is not labels:
            self._columns = (seen, labels, {**seen, **labels})
        return self._columns[2]

    def names(self) -> tuple[str, ...]:
        """Names of the attributes that there can be: those that recognition tells, then the shop's own."""
        return (*ATTRIBUTE_NAMES, *self._labels.names())

    def of(self, item_ids: Sequence[str]) -> dict[str, list[Attribute]]:
        """The attributes of some items; an item that has no picture, or a new one, has none.

        Raises:
            NotFoundError: for an unknown item.
        """
        known = IdMap(self._catalogue.items().column("item_id").to_pylist())
        rows = known.rows(item_ids)
        if (rows < 0).any():
            raise NotFoundError(f"There is no item {item_ids[int(rows.argmin())]!r} in {self._root}.")
        columns = self.columns().values()
        return {
            item_id: [attribute for column in columns for attribute in column.of(row)]
            for item_id, row in zip(item_ids, rows.tolist(), strict=True)
        }

    def selected(
        self, item_ids: Sequence[str] | None = None, where: str | None = None, k: int | None = None
    ) -> list[str]:
        """Ids of some items, in the order given, or the catalogue's.

        Args:
            item_ids: out of these; None: out of all.
            where: only those for which it is true.
            k: only so many, evenly spread; None: all.

        Raises:
            FilterError: when the condition cannot be used.
            InputError: when k is below 1.
        """
        chosen = list(item_ids) if item_ids else self._catalogue.items().column("item_id").to_pylist()
        if where is not None:
            true = set(self.matching(where))
            chosen = [item_id for item_id in chosen if item_id in true]
        if k is not None:
            check_k(k)
            chosen = [chosen[place] for place in np.unique(np.linspace(0, len(chosen) - 1, k).astype(int)) if chosen]
        return chosen

    def matching(self, where: str) -> list[str]:
        """Ids of the items for which an SQL condition over the shop's columns and the attributes is true.

        An attribute NAME is a column NAME, of several values for `colours`, with NAME_confidence and NAME_amount
        beside it. Where the shop has a column of that name itself, that one is meant; seen_NAME always is the
        recognized one.

        Raises:
            FilterError: when the condition cannot be used.
        """
        own = set(self._catalogue.items().column_names)
        wanted = names_in(where) - own
        asked = {stem: name for name in self.names() for stem in (name, f"{_PREFIX}{name}")}
        asked = {stem: name for stem, name in asked.items() if wanted & {stem, f"{stem}_confidence", f"{stem}_amount"}}
        if not asked:
            return self._catalogue.matching(where)
        columns, n_items = self.columns(), len(self._catalogue.items())
        recognized = [stem for stem, name in asked.items() if name in ATTRIBUTE_NAMES]
        if recognized and not self._recognized():
            raise FilterError(
                f"Filter {where!r}: {', '.join(recognized)} is seen in pictures, and none was looked at yet. "
                f"Run: visrec recognize {self._root}"
            )
        more: dict[str, pa.Array] = {}
        for stem, name in asked.items():
            arrays = _arrays(columns[name], stem, n_items) if name in columns else {}
            more |= {key: array for key, array in arrays.items() if key not in own}
        return self._catalogue.matching(where, more)

    def block(self, names: Sequence[str] | None = None) -> FeatureBlock:
        """Attributes as features.

        Args:
            names: of these attributes; None: of all.

        Returns:
            Block "attribute", float32 (n_items, n_values): the confidence of each value, times its share for several;
            labels "colour=navy".
        """
        n_items = len(self._catalogue.items())
        parts, labels = [], []
        columns = self.columns()
        for name, column in (
            (name, columns[name]) for name in (self.names() if names is None else names) if name in columns
        ):
            part = np.zeros((n_items, len(column.labels)), dtype=np.float32)
            amount = np.nan_to_num(column.amount, nan=1.0) if column.several else np.float32(1.0)
            part[column.row, column.label] = column.confidence * amount
            parts.append(part)
            labels += [f"{name}={label}" for label in column.labels]
        matrix = np.concatenate(parts, axis=1) if parts else np.zeros((n_items, 0), dtype=np.float32)
        return FeatureBlock("attribute", matrix, np.any(matrix > 0, axis=1), "recognition", tuple(labels))

    def duplicates(self) -> list[DuplicateGroup]:
        """Items that show one picture, the very same file or nearly, by their first pictures.

        Raises:
            NotFittedError: before `recognize`.
        """
        rows, keys = self._first_pictures()
        item_ids = self._catalogue.items().column("item_id").take(pa.array(rows)).to_pylist()
        return find_duplicates(self._catalogue, self._recognizers, self._limits, item_ids, keys)

    def _recognized(self) -> dict[str, AttributeColumn]:
        store = self._catalogue.measurements
        recognizers = self._recognizers.all() if store.versions() else []
        versions = tuple(store.version(recognizer.info.feature_set) for recognizer in recognizers)
        state = (self._catalogue.version, versions)
        if self._seen[0] != state:
            there = [recognizer for recognizer, version in zip(recognizers, versions, strict=True) if version]
            self._seen = (state, self._read(there))
        return self._seen[1]

    def _read(self, recognizers: Sequence[Recognizer]) -> dict[str, AttributeColumn]:
        rows, keys = self._first_pictures()
        told: dict[str, list[AttributeColumn]] = {}
        for recognizer in recognizers:
            for start in range(0, len(keys), _AT_ONCE):
                wanted = keys[start : start + _AT_ONCE]
                measured, known = self._catalogue.measurements.read(recognizer.info.feature_set, wanted)
                owners = rows[start : start + _AT_ONCE][known]
                for column in recognizer.words(measured[known]):
                    told.setdefault(column.name, []).append(column.at(owners))
        return {name: stack_columns(columns) for name, columns in told.items()}

    def _first_pictures(self) -> tuple[npt.NDArray[np.int64], list[str]]:
        """Rows of the items that have a picture, ascending, and the hashes of their first pictures."""
        item_ids = IdMap(self._catalogue.items().column("item_id").to_pylist())
        images = self._catalogue.images()
        rows, places = np.unique(item_ids.rows(images.column("item_id").to_pylist()), return_index=True)
        keys = images.column("sha256").take(pa.array(places)).to_pylist()
        return rows, keys


def _arrays(column: AttributeColumn, stem: str, n_items: int) -> Mapping[str, pa.Array]:
    """A column for filters: its value (a list where there are several), confidence and amount by item."""
    if column.several:
        counts = np.bincount(column.row, minlength=n_items)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        values = pa.array(np.array(column.labels, dtype=object)[column.label], pa.string())
        return {stem: pa.ListArray.from_arrays(pa.array(offsets), values)}
    rows, places = first_entries(column)
    text = np.full(n_items, None, dtype=object)
    text[rows] = np.array(column.labels, dtype=object)[column.label[places]]
    arrays = {stem: pa.array(text, pa.string())}
    for suffix, values in (("confidence", column.confidence), ("amount", column.amount)):
        number = np.full(n_items, np.nan, dtype=np.float32)
        number[rows] = values[places]
        arrays[f"{stem}_{suffix}"] = pa.array(number, from_pandas=True)
    return arrays
