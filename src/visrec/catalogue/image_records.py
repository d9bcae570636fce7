"""Image records: which usable images an item has, and the hash by which their embeddings are found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from visrec.catalogue.image_folder import ImageFile, ImageFolder, split_references
from visrec.catalogue.report import ImageCounts, ProblemLog
from visrec.core.errors import ImageError
from visrec.core.progress import ProgressFactory
from visrec.core.settings import ImageLimits

__all__ = ["EMPTY_IMAGES", "ImageFactsLike", "Inspect", "replace_images", "update_images"]

_WORKERS = 2
IMAGE_SCHEMA = pa.schema(
    [
        ("item_id", pa.string()),
        ("position", pa.int32()),
        ("path", pa.string()),
        ("sha256", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("n_bytes", pa.int64()),
        ("mtime_ns", pa.int64()),
    ]
)
EMPTY_IMAGES = IMAGE_SCHEMA.empty_table()


class ImageFactsLike(Protocol):
    """What must be known of a readable image."""

    @property
    def width(self) -> int:
        """Pixels, upright."""
        ...

    @property
    def height(self) -> int:
        """Pixels, upright."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What had to be put right, in a word or two each."""
        ...


#: Proves that the bytes are an image that can be read to its end; raises ImageError otherwise.
Inspect = Callable[[bytes], ImageFactsLike]


@dataclass(frozen=True)
class _Seen:
    """An image that was read, or is known from an earlier ingest."""

    file: ImageFile
    sha256: str
    width: int
    height: int
    notes: tuple[str, ...] = ()


@dataclass
class _Records:
    """The image records of the catalogue before this ingest."""

    by_item: dict[str, list[_Seen]] = field(default_factory=dict)
    by_path: dict[str, _Seen] = field(default_factory=dict)

    @classmethod
    def of(cls, table: pa.Table) -> _Records:
        records = cls()
        columns = [table.column(name).to_pylist() for name in IMAGE_SCHEMA.names]
        for item_id, _, path, sha256, width, height, n_bytes, mtime_ns in zip(*columns, strict=True):
            seen = _Seen(ImageFile(path, n_bytes, mtime_ns), sha256, width, height)
            records.by_item.setdefault(item_id, []).append(seen)
            records.by_path[path] = seen
        return records


def update_images(
    old: pa.Table,
    items: pa.Table,
    folder: ImageFolder,
    inspect: Inspect,
    progress: ProgressFactory,
    log: ProblemLog,
    limits: ImageLimits,
) -> tuple[pa.Table, ImageCounts]:
    """Find, read and check the images of all items.

    A file whose size and time of change are as recorded is not read again. An item for which the folder has a usable
    image gets the folder's images; any other keeps those of its earlier images whose files are still there and that
    this run did not find unusable.

    Args:
        old: rows of `IMAGE_SCHEMA`.
        items: the catalogue's items; `image` or `images` holds paths relative to the folder where it has any.
        folder: the image folder.
        inspect: checks one image's bytes.
        progress: told of every image read.
        log: where images that cannot be used go.
        limits: a file beyond `max_bytes` is not read.

    Returns:
        Rows of `IMAGE_SCHEMA` in the order of the items; and the counts.
    """
    before = _Records.of(old)
    wanted = _find(items, folder, before, log)
    unread = {file.path: file for files in wanted.values() for file in files if not _is_recorded(file, before)}
    read, failed = _read_all(list(unread.values()), inspect, progress, limits)
    seen = {path: record for path, record in before.by_path.items() if path not in unread} | read
    _note_corrections(read, log)
    tally = _Tally(log)
    rows: list[tuple[str, int, _Seen]] = []
    for item_id in items.column("item_id").to_pylist():
        records = tally.records_of(item_id, wanted.get(item_id, []), seen, failed, before)
        rows.extend((item_id, position, record) for position, record in enumerate(records))
    return _as_table(rows), tally.counts(len(rows), _n_without_item(items, folder, wanted))


def replace_images(old: pa.Table, items: pa.Table, files: Mapping[str, Sequence[Path]], inspect: Inspect) -> pa.Table:
    """Give some items other images, and leave all the rest as it is.

    Args:
        old: rows of `IMAGE_SCHEMA`.
        items: the catalogue's items.
        files: item_id -> its images from now on, absolute paths.
        inspect: checks one image's bytes.

    Returns:
        Rows of `IMAGE_SCHEMA` in the order of the items.

    Raises:
        ImageError: when one cannot be used.
    """
    rows = [(item_id, n, _read(path, inspect)) for item_id, paths in files.items() for n, path in enumerate(paths)]
    kept = old.filter(pc.invert(pc.is_in(old.column("item_id"), pa.array(list(files), pa.string()))))
    table = pa.concat_tables([kept, _as_table(rows)])
    place = pc.index_in(table.column("item_id"), items.column("item_id").combine_chunks())
    order = pc.sort_indices(
        pa.table({"place": place, "position": table.column("position")}),
        [("place", "ascending"), ("position", "ascending")],
    )
    return table.take(order)


def _read(path: Path, inspect: Inspect) -> _Seen:
    status, data = path.stat(), path.read_bytes()
    facts = inspect(data)
    file = ImageFile(str(path), status.st_size, status.st_mtime_ns)
    return _Seen(file, hashlib.sha256(data).hexdigest(), facts.width, facts.height)


def _is_recorded(file: ImageFile, before: _Records) -> bool:
    record = before.by_path.get(file.path)
    return record is not None and record.file == file


def _find(items: pa.Table, folder: ImageFolder, before: _Records, log: ProblemLog) -> dict[str, list[ImageFile]]:
    """The files that show each item, by the `image` column where it says anything, else by name."""
    item_ids = items.column("item_id").to_pylist()
    column = next((name for name in ("image", "images") if name in items.column_names), None)
    cells = items.column(column).to_pylist() if column else [None] * len(item_ids)
    place = str(folder.root)
    taken = set(item_ids)
    wanted: dict[str, list[ImageFile]] = {}
    for item_id, cell in zip(item_ids, cells, strict=True):
        references = split_references(cell) or folder.of_item(item_id, taken)
        if not references and item_id not in before.by_item:
            log.add(place, "no image file for the item", f"item_id {item_id!r}")
        for reference in dict.fromkeys(references):
            located = folder.locate(reference)
            if isinstance(located, str):
                log.add(place, located, f"item_id {item_id!r}, image {reference!r}")
            else:
                wanted.setdefault(item_id, []).append(located)
    return wanted


def _read_all(
    files: list[ImageFile], inspect: Inspect, progress: ProgressFactory, limits: ImageLimits
) -> tuple[dict[str, _Seen], dict[str, ImageError]]:
    """Read and check files in worker threads: path -> record, and path -> error."""

    def examine(file: ImageFile) -> _Seen | ImageError:
        try:
            if file.n_bytes > limits.max_bytes:
                raise ImageError("too many bytes", f"{file.n_bytes:,} bytes, at most {limits.max_bytes:,} are allowed")
            data = Path(file.path).read_bytes()
            facts = inspect(data)
        except OSError as error:
            return ImageError("image file cannot be read", str(error.strerror))
        except ImageError as error:
            return error
        return _Seen(file, hashlib.sha256(data).hexdigest(), facts.width, facts.height, tuple(facts.notes))

    read: dict[str, _Seen] = {}
    failed: dict[str, ImageError] = {}
    if not files:
        return read, failed
    with progress("read images", total=len(files), unit="images") as watch, ThreadPoolExecutor(_WORKERS) as pool:
        for file, result in zip(files, pool.map(examine, files), strict=True):
            if isinstance(result, ImageError):
                failed[file.path] = result
            else:
                read[file.path] = result
            watch.advance()
    return read, failed


class _Tally:
    """Decides which records an item has now, and counts."""

    def __init__(self, log: ProblemLog) -> None:
        self._log = log
        self._n = {"ok": 0, "unchanged": 0, "replaced": 0, "rejected": 0, "dropped": 0}

    def records_of(
        self,
        item_id: str,
        files: list[ImageFile],
        seen: Mapping[str, _Seen],
        failed: Mapping[str, ImageError],
        before: _Records,
    ) -> list[_Seen]:
        """The images of one item, in order."""
        earlier = before.by_item.get(item_id, [])
        records = []
        for file in files:
            if file.path in failed:
                self._n["rejected"] += 1
                error = failed[file.path]
                detail = str(error).removeprefix(error.reason).removeprefix(": ")
                subject = f"item_id {item_id!r}, {file.path}" + (f": {detail}" if detail else "")
                self._log.add("images", error.reason, subject)
            else:
                record = seen[file.path]
                records.append(record)
                self._n[_change(record, earlier)] += 1
        if records:
            return records
        return self._kept(item_id, earlier, {file.path for file in files})

    def _kept(self, item_id: str, earlier: list[_Seen], examined: set[str]) -> list[_Seen]:
        """Earlier images of an item for which this run has none: those whose files are still there."""
        kept = []
        for record in earlier:
            if record.file.path in examined:
                self._n["dropped"] += 1
            elif Path(record.file.path).is_file():
                kept.append(record)
                self._n["unchanged"] += 1
            else:
                self._n["dropped"] += 1
                self._log.add("images", "earlier image file is gone", f"item_id {item_id!r}, {record.file.path}")
        return kept

    def counts(self, total: int, without_item: int) -> ImageCounts:
        """What was counted."""
        return ImageCounts(**self._n, total=total, without_item=without_item)


def _change(record: _Seen, earlier: list[_Seen]) -> str:
    if any(record.sha256 == other.sha256 for other in earlier):
        return "unchanged"
    return "replaced" if any(record.file.path == other.file.path for other in earlier) else "ok"


def _note_corrections(read: Mapping[str, _Seen], log: ProblemLog) -> None:
    counts: dict[str, int] = {}
    for record in read.values():
        for note in record.notes:
            counts[note] = counts.get(note, 0) + 1
    if counts:
        listed = ", ".join(f"{note} ({n:,})" for note, n in sorted(counts.items()))
        log.notes.append(f"images read with a correction: {listed}")


def _n_without_item(items: pa.Table, folder: ImageFolder, wanted: Mapping[str, list[ImageFile]]) -> int:
    """Image files in the folder that show no item."""
    used = {file.path for files in wanted.values() for file in files}
    strays = folder.item_ids(items.column("item_id").to_pylist())
    paths = [str(folder.root / relative) for stem in strays for relative in folder.stems[stem]]
    return sum(path not in used for path in paths) + folder.unnamed


def _as_table(rows: list[tuple[str, int, _Seen]]) -> pa.Table:
    records = [record for _, _, record in rows]
    return pa.table(
        {
            "item_id": [item_id for item_id, _, _ in rows],
            "position": [position for _, position, _ in rows],
            "path": [record.file.path for record in records],
            "sha256": [record.sha256 for record in records],
            "width": [record.width for record in records],
            "height": [record.height for record in records],
            "n_bytes": [record.file.n_bytes for record in records],
            "mtime_ns": [record.file.mtime_ns for record in records],
        },
        schema=IMAGE_SCHEMA,
    )
