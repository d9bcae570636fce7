"""One ingest: read everything, merge it, write new versions, and switch to them at once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from visrec.catalogue.image_folder import ImageFolder
from visrec.catalogue.image_records import Inspect, update_images
from visrec.catalogue.interactions import clean_interactions, is_text, upsert_interactions
from visrec.catalogue.items import clean_items, upsert_items
from visrec.catalogue.json_lines_file import read_rows
from visrec.catalogue.report import ImageCounts, IngestReport, InteractionCounts, ItemCounts, ProblemLog
from visrec.catalogue.source_table import SourceTable
from visrec.catalogue.tables import read_source
from visrec.core.errors import InputError
from visrec.core.progress import ProgressFactory
from visrec.core.settings import ImageLimits

__all__ = ["Content", "Inputs", "merge", "put_rows"]

#: Marks an items table that no file gave: images that are new in the folder become items too.
_MADE_OF_IMAGES = {b"visrec.items": b"made of image names"}


@dataclass(frozen=True)
class Inputs:
    """What an ingest was given, read and checked as far as that goes without the catalogue.

    Attributes:
        items: the items file; None when none was given.
        images: the image folder; None when none was given.
        interactions: the interactions file; None when none was given.
        started: when reading began, epoch seconds.
    """

    items: SourceTable | None
    images: ImageFolder | None
    interactions: SourceTable | None
    started: float

    @classmethod
    def read(cls, *, items: Path | None, images: Path | None, interactions: Path | None) -> Inputs:
        """Read the files; nothing is changed anywhere.

        Raises:
            InputError: when none is given, or one cannot be used as a whole.
        """
        if items is None and images is None and interactions is None:
            raise InputError("Expected items, images or interactions to ingest, got none. Give at least one of them.")
        started = time.time()
        return cls(
            read_source(items, ("item_id",)) if items is not None else None,
            ImageFolder.scan(images) if images is not None else None,
            read_source(interactions, ("user_id", "item_id")) if interactions is not None else None,
            started,
        )


@dataclass(frozen=True)
class Content:
    """The whole content of a catalogue, the live events left out.

    Attributes:
        items: item_id and the shop's columns.
        images: rows of `IMAGE_SCHEMA`.
        interactions: rows of `INTERACTION_SCHEMA`.
    """

    items: pa.Table
    images: pa.Table
    interactions: pa.Table


def merge(
    old: Content, inputs: Inputs, inspect: Inspect, progress: ProgressFactory, limits: ImageLimits
) -> tuple[Content, IngestReport]:
    """Merge inputs into a catalogue's content, in memory.

    Raises:
        InputError: when a column of the file and the same one of the catalogue do not go together.
    """
    log = ProblemLog()
    for source in (inputs.items, inputs.interactions):
        log.notes.extend(source.notes if source else ())
    items, item_counts = _merge_items(old.items, inputs, log)
    images, image_counts = _merge_images(old.images, items, inputs, inspect, progress, limits, log)
    interactions, interaction_counts = _merge_interactions(old.interactions, items, inputs, log)
    if item_counts is not None and (inputs.images is not None or len(old.images)):
        n_shown = len(set(images.column("item_id").to_pylist()))
        item_counts = replace(item_counts, without_image=len(items) - n_shown)
    report = IngestReport(
        started=datetime.fromtimestamp(inputs.started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=time.time() - inputs.started,
        items=item_counts,
        images=image_counts,
        interactions=interaction_counts,
        problems=log.problems,
        totals=log.totals,
        notes=log.notes,
    )
    return Content(items, images, interactions), report


def put_rows(old: pa.Table, rows: Sequence[Mapping[str, Any]]) -> tuple[pa.Table, ItemCounts]:
    """Merge items that are in memory into the catalogue's; a column that a row does not name keeps its value.

    Args:
        old: the catalogue's items.
        rows: item_id and any other columns.

    Returns:
        The items; and the counts.

    Raises:
        InputError: when a row has no usable id, an id comes twice, or a value and its column do not go together.
    """
    ids: set[str] = set()
    for item_id in (row.get("item_id") for row in rows):
        twice = isinstance(item_id, str) and item_id in ids
        if twice or not isinstance(item_id, str) or not item_id or not is_text(item_id):
            found = f"{item_id!r} twice" if twice else repr(item_id)
            raise InputError(f"Expected different item ids, texts without NUL, got {found}. Nothing was changed.")
        ids.add(item_id)
    items, log, new, updated = old, ProblemLog(), 0, 0
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row), []).append(row)
    for group in groups.values():
        items, counts = upsert_items(items, clean_items(read_rows("The items", group, ("item_id",)), items, log), log)
        new, updated = new + counts.new, updated + counts.updated
    return items, ItemCounts(new, updated, len(rows) - new - updated, total=len(items))


def _merge_items(old: pa.Table, inputs: Inputs, log: ProblemLog) -> tuple[pa.Table, ItemCounts | None]:
    if inputs.items is not None:
        new = clean_items(inputs.items, old, log)
        items, counts = upsert_items(old, new, log)
        return items, replace(counts, rejected=len(inputs.items.table) - len(new))
    if inputs.images is not None and (len(old) == 0 or _MADE_OF_IMAGES.items() <= (old.schema.metadata or {}).items()):
        stems = pa.table({"item_id": pa.array(inputs.images.item_ids(), pa.string())})
        items, counts = upsert_items(old, stems, log)
        return items.replace_schema_metadata(_MADE_OF_IMAGES), counts
    return old, None


def _merge_images(
    old: pa.Table,
    items: pa.Table,
    inputs: Inputs,
    inspect: Inspect,
    progress: ProgressFactory,
    limits: ImageLimits,
    log: ProblemLog,
) -> tuple[pa.Table, ImageCounts | None]:
    if inputs.images is not None:
        return update_images(old, items, inputs.images, inspect, progress, log, limits)
    if inputs.items is not None and {"image", "images"} & set(inputs.items.table.column_names):
        log.notes.append("the image column was stored but not followed: give the folder that its paths start from")
    return old, None


def _merge_interactions(
    old: pa.Table, items: pa.Table, inputs: Inputs, log: ProblemLog
) -> tuple[pa.Table, InteractionCounts | None]:
    if inputs.interactions is None:
        return old, None
    new, n_rejected = clean_interactions(inputs.interactions, items.column("item_id"), log)
    interactions, counts = upsert_interactions(old, new)
    return interactions, replace(counts, rejected=n_rejected)
