"""The catalogue of a workspace: items, images, interactions and features, checked and stored.

SHOP/catalogue/{items,images,interactions}.lance   versioned tables
SHOP/catalogue/snapshot.json                       the version in use of each; replaced atomically
SHOP/events.db                                     the live database, where it is not one by URL
SHOP/features/*.lance                              feature sets
SHOP/attributes/*.lance                            measurements of pictures, from which attributes are told
SHOP/reports/ingest-*.{txt,json}                   what each ingest did
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from visrec.catalogue.features import FeatureStore
from visrec.catalogue.filters import filter_item_ids, with_columns
from visrec.catalogue.image_records import EMPTY_IMAGES, Inspect, replace_images
from visrec.catalogue.ingest import Content, Inputs, merge, put_rows
from visrec.catalogue.interactions import (
    EMPTY_INTERACTIONS,
    Interaction,
    check_interaction,
    is_text,
    upsert_interactions,
)
from visrec.catalogue.items import EMPTY_ITEMS
from visrec.catalogue.live_database import LiveDatabase
from visrec.catalogue.report import EventsRemoved, IngestReport, ItemCounts, Removed
from visrec.catalogue.snapshot import Snapshot
from visrec.catalogue.user_index import UserIndex
from visrec.catalogue.versioned_table import clean_up, open_version, write_version
from visrec.core.errors import FilterError, NotFoundError, WorkspaceError
from visrec.core.lock import WriteLock
from visrec.core.progress import ProgressFactory, silent
from visrec.core.settings import ImageLimits

if TYPE_CHECKING:
    from visrec.catalogue.events import EventLog

__all__ = ["Catalogue"]

_PUBLIC_IMAGE_COLUMNS = ("item_id", "position", "path", "sha256", "width", "height")


class Catalogue:
    """What a workspace knows; made by `create` or `open`.

    Reading needs no lock, and sees the last finished ingest. Ingests and removals exclude each other.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._home = root / "catalogue"
        self._snapshot_file = self._home / "snapshot.json"
        self.live = LiveDatabase.of_shop(root)
        self._seen: tuple[object, Snapshot] = (None, Snapshot())
        self._cache: dict[str, tuple[int, pa.Table]] = {}
        self._ids: tuple[int, frozenset[str]] = (0, frozenset())
        self._by_user = UserIndex(EMPTY_INTERACTIONS, 0)
        self.features = FeatureStore(root / "features")
        self.measurements = FeatureStore(root / "attributes", "visrec recognize")

    @classmethod
    def create(cls, root: Path) -> Catalogue:
        """Make an empty catalogue.

        Args:
            root: the workspace's folder; made when absent.

        Raises:
            WorkspaceError: when it already holds a catalogue, or cannot be written.
        """
        catalogue = cls(root)
        if cls.exists(root):
            raise WorkspaceError(f"{root} already holds a catalogue. Open it, or choose another folder.")
        try:
            Snapshot().write(catalogue._snapshot_file)
        except OSError as error:
            raise WorkspaceError(
                f"{root} cannot be made a workspace: {error.strerror}. Choose another folder."
            ) from error
        return catalogue

    @classmethod
    def open(cls, root: Path) -> Catalogue:
        """Open a catalogue.

        Raises:
            WorkspaceError: when there is none, or it is damaged or of a newer visrec.
        """
        catalogue = cls(root)
        Snapshot.read(catalogue._snapshot_file)
        return catalogue

    @staticmethod
    def exists(root: Path) -> bool:
        """Whether a folder holds a catalogue."""
        return (root / "catalogue" / "snapshot.json").is_file()

    @property
    def version(self) -> Snapshot:
        """Names the content of items, images and ingested interactions: while it is the same, so are they."""
        return self._snapshot()

    def items(self) -> pa.Table:
        """All items in order of insertion: item_id (string), then the shop's columns."""
        return self._table("items", self._snapshot().items, EMPTY_ITEMS)

    def images(self) -> pa.Table:
        """All usable images, in the order of the items.

        Returns:
            item_id string, position int32 from 0, path string (absolute), sha256 string, width and height int32
            (pixels, upright).
        """
        return self._table("images", self._snapshot().images, EMPTY_IMAGES).select(_PUBLIC_IMAGE_COLUMNS)

    def interactions(self) -> pa.Table:
        """All interactions, ingested ones and live events, unique by user, item, kind and time.

        Where both have the same interaction, the live event's value counts.

        Returns:
            user_id, item_id, kind string; value float64, null for none; timestamp int64 epoch seconds, null if unknown.
        """
        snapshot = self._snapshot()
        stored = self._table("interactions", snapshot.interactions, EMPTY_INTERACTIONS)
        return self._with_live(snapshot, stored, None)

    def interactions_of(self, user_ids: Sequence[str]) -> pa.Table:
        """As `interactions`, those of some users: looked up, where `interactions` reads the whole log.

        The log is sorted by user once for each ingest. Rows of one user are in the order of `interactions`.
        """
        snapshot = self._snapshot()
        return self._with_live(snapshot, self._user_index(snapshot).of(user_ids), user_ids)

    def rating_range(self) -> tuple[float, float] | None:
        """The lowest and the highest rating (value of an event of kind "rate"), ingested or live; None: no rating."""
        ranges = [self._user_index(self._snapshot()).rating_range]
        if self.live.exists():
            ranges.append(self._events.values_range("rate"))
        there = [found for found in ranges if found is not None]
        return (min(low for low, _ in there), max(high for _, high in there)) if there else None

    def ingest(
        self,
        *,
        items: Path | None = None,
        images: Path | None = None,
        interactions: Path | None = None,
        inspect: Inspect,
        progress: ProgressFactory = silent,
        limits: ImageLimits | None = None,
    ) -> IngestReport:
        """Read files into the catalogue; doing it again changes nothing.

        A killed ingest leaves the catalogue as it was.

        Args:
            items: CSV, Parquet or JSON Lines with column item_id and any others.
            images: folder of images, named after the items or in the items' column `image`. Where the catalogue never
                got an items file, every image file becomes an item.
            interactions: CSV, Parquet or JSON Lines with columns user_id and item_id; optional kind, value or rating,
                timestamp.
            inspect: checks one image's bytes, such as `visrec.images.decode.inspect` with its limits bound.
            progress: shows progress.
            limits: image files beyond `max_bytes` are not read.

        Returns:
            What was done; also written below SHOP/reports.

        Raises:
            InputError: when a file cannot be used as a whole; nothing was changed.
            WorkspaceError: when another process is writing; nothing was changed.
        """
        inputs = Inputs.read(items=items, images=images, interactions=interactions)
        with self._writing():
            old = self._content()
            new, report = merge(old, inputs, inspect, progress, limits or ImageLimits())
            self._switch(old, new)
        return replace(report, path=report.write(self._root / "reports"))

    def put_items(
        self, rows: Sequence[Mapping[str, Any]], images: Mapping[str, Sequence[Path]], inspect: Inspect
    ) -> ItemCounts:
        """Add items or change them, all or none.

        Args:
            rows: item_id and columns; a column that a row does not name keeps its value.
            images: item_id of one of the rows -> its images from now on, absolute paths.
            inspect: checks one image's bytes.

        Raises:
            InputError: when a row or an image cannot be used; nothing was changed.
            WorkspaceError: when another process is writing; nothing was changed.
        """
        with self._writing():
            old = self._content()
            items, counts = put_rows(old.items, rows)
            shown = replace_images(old.images, items, images, inspect) if images else old.images
            self._switch(old, replace(old, items=items, images=shown))
        return counts

    def remove_item(self, item_id: str) -> Removed:
        """Remove an item with its images, interactions and live events. Its embeddings stay: others may share them.

        Raises:
            NotFoundError: when there is no such item.
            WorkspaceError: when another process is writing.
        """
        with self._writing():
            if item_id not in self._item_ids(self._snapshot().items):
                raise NotFoundError(f"There is no item {item_id!r} in {self._root}. Nothing was removed.")
            old = self._content()
            new = Content(
                _without(old.items, "item_id", item_id),
                _without(old.images, "item_id", item_id),
                _without(old.interactions, "item_id", item_id),
            )
            # Events first, so that a killed removal can be repeated; and again after, for those that came meanwhile.
            n_events = self._events.remove(item_id=item_id)
            self._switch(old, new)
            n_events += self._events.remove(item_id=item_id)
        n_interactions = len(old.interactions) - len(new.interactions) + n_events
        return Removed(1, len(old.images) - len(new.images), n_interactions)

    def remove_user(self, user_id: str) -> Removed:
        """Remove all interactions and live events of a user.

        Raises:
            NotFoundError: when there is no such user.
            WorkspaceError: when another process is writing.
        """
        with self._writing():
            old = self._content()
            # An id that is no text in UTF-8 is nobody's, and no database can be asked for it.
            kept = _without(old.interactions, "user_id", user_id) if is_text(user_id) else old.interactions
            n_events = 0
            # Without a database there are no events, and asking would make it.
            if is_text(user_id) and self.live.exists():
                n_events = self._events.remove(user_id=user_id)
            n_removed = len(old.interactions) - len(kept) + n_events
            if n_removed == 0:
                raise NotFoundError(f"There is no user {user_id!r} in {self._root}. Nothing was removed.")
            self._switch(old, replace(old, interactions=kept))
        return Removed(0, 0, n_removed)

    def add_events(self, events: Sequence[Interaction], *, overwrite: bool = False) -> int:
        """Add live events, all or none; they survive a power loss once this returns.

        Args:
            events: what was done; an event that is already there counts once.
            overwrite: it takes the new value.

        Returns:
            How many were stored: see `EventLog.add`.

        Raises:
            InputError: when an event has no ids, no kind, or numbers that are none.
            NotFoundError: when an item is not in the catalogue.
        """
        checked = [check_interaction(event) for event in events]
        known = self._item_ids(self._snapshot().items)
        unknown = sorted({event.item_id for event in checked} - known)
        if unknown:
            shown = ", ".join(map(repr, unknown[:5])) + (" …" if len(unknown) > 5 else "")
            raise NotFoundError(f"{len(unknown)} items are not in {self._root}: {shown}. No event was stored.")
        return self._events.add(checked, overwrite=overwrite)

    def remove_events(self, user_id: str, item_id: str, kind: str | None = None) -> EventsRemoved:
        """Take back what a user did with an item; again: no effect.

        Only live events go. An ingested interaction stays, and where a live one had given it another value, it has its
        own again. What a user never did, and ids that nobody has, are no error: then there was nothing.

        Args:
            user_id: who.
            item_id: with what.
            kind: such as "like"; None: all kinds.
        """
        if not (is_text(user_id) and is_text(item_id) and is_text(kind or "")):
            return EventsRemoved(0, 0)
        kind = None if kind is None else kind.strip().lower()
        removed = 0
        if self.live.exists():
            removed = self._events.remove(user_id=user_id, item_id=item_id, kind=kind)
        stored = self._user_index(self._snapshot()).of([user_id])
        same = pc.equal(stored.column("item_id"), item_id)
        if kind is not None:
            same = pc.and_(same, pc.equal(stored.column("kind"), kind))
        return EventsRemoved(removed, pc.sum(same).as_py() or 0)

    def matching(self, where: str, more: Mapping[str, pa.Array] | None = None) -> list[str]:
        """Ids of the items for which an SQL condition over their columns is true, in order of insertion.

        Args:
            where: such as `price < 50 and category = 'Dress'`.
            more: further columns, with a value for each of `items()`, in their order.

        Raises:
            FilterError: naming the columns that there are.
        """
        version = self._snapshot().items
        if version == 0:
            raise FilterError(f"Filter {where!r}: the catalogue {self._root} is empty. Ingest items first.")
        if more:
            return filter_item_ids(with_columns(self._table("items", version, EMPTY_ITEMS), more), where)
        return filter_item_ids(open_version(self._home / "items.lance", version), where)

    @cached_property
    def _events(self) -> EventLog:
        # SQLAlchemy is imported only where events are touched.
        from visrec.catalogue.events import EventLog

        return EventLog(self.live)

    def _snapshot(self) -> Snapshot:
        # Looked at several times in one answer: read again only where it was replaced.
        state, seen = Snapshot.state(self._snapshot_file), self._seen
        if state is None or seen[0] != state:
            seen = self._seen = (state, Snapshot.read(self._snapshot_file))
        return seen[1]

    def _with_live(self, snapshot: Snapshot, stored: pa.Table, user_ids: Sequence[str] | None) -> pa.Table:
        # Without a database there are no events: reading makes none, and does not import SQLAlchemy.
        live = self._events.read(user_ids) if self.live.exists() else EMPTY_INTERACTIONS
        if len(live) == 0:
            return stored
        known = self._item_ids(snapshot.items)
        live = live.filter(pa.array([item_id in known for item_id in live.column("item_id").to_pylist()]))
        return upsert_interactions(stored, live)[0]

    def _user_index(self, snapshot: Snapshot) -> UserIndex:
        # Read once: another thread may replace it meanwhile.
        index = self._by_user
        if index.version != snapshot.interactions:
            stored = self._table("interactions", snapshot.interactions, EMPTY_INTERACTIONS)
            index = self._by_user = UserIndex(stored, snapshot.interactions)
        return index

    def _table(self, name: str, version: int, empty: pa.Table) -> pa.Table:
        if version == 0:
            return empty
        cached = self._cache.get(name)
        if cached is None or cached[0] != version:
            cached = (version, open_version(self._home / f"{name}.lance", version).to_table())
            self._cache[name] = cached
        return cached[1]

    def _item_ids(self, version: int) -> frozenset[str]:
        ids = self._ids
        if ids[0] != version:
            table = self._table("items", version, EMPTY_ITEMS)
            ids = self._ids = (version, frozenset(table.column("item_id").to_pylist()))
        return ids[1]

    def _writing(self) -> WriteLock:
        return WriteLock(self._home / ".lock", f"The catalogue {self._root}")

    def _content(self) -> Content:
        snapshot = self._snapshot()
        return Content(
            self._table("items", snapshot.items, EMPTY_ITEMS),
            self._table("images", snapshot.images, EMPTY_IMAGES),
            self._table("interactions", snapshot.interactions, EMPTY_INTERACTIONS),
        )

    def _switch(self, old: Content, new: Content) -> None:
        """Make new content the catalogue; tables that did not change keep their version."""
        current = self._snapshot()
        versions = {}
        for name in ("items", "images", "interactions"):
            table = getattr(new, name)
            if table.equals(getattr(old, name)):
                versions[name] = getattr(current, name)
            else:
                versions[name] = write_version(self._home / f"{name}.lance", table)
        changed = Snapshot(**versions)
        if changed == current:
            return
        # Until here every reader sees the old content, and from here on the new.
        changed.write(self._snapshot_file)
        for name in ("items", "images", "interactions"):
            if versions[name] != getattr(current, name):
                clean_up(self._home / f"{name}.lance")


def _without(table: pa.Table, column: str, identifier: str) -> pa.Table:
    return table.filter(pc.not_equal(table.column(column), identifier))
