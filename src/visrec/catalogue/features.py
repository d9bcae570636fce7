"""Feature sets: embeddings by the hash of what was embedded, one Lance table for each encoder version."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from visrec.catalogue.versioned_table import clean_up, files_of, is_table, sync_new_files, versions_of
from visrec.core.errors import InputError, NotFoundError, WorkspaceError
from visrec.core.lock import WriteLock
from visrec.core.protocols import EncoderInfo

if TYPE_CHECKING:
    import lance

__all__ = ["FeatureSet", "FeatureStore"]

_METADATA_KEY = b"visrec.feature_set"
_NAME = re.compile(r"[^\W_][\w-]*\Z")
#: Below this share of the table, rows are picked one by one instead of reading all.
_FEW = 0.1


@dataclass(frozen=True)
class FeatureSet:
    """What is known of a feature set.

    Attributes:
        name: `EncoderInfo.feature_set` of the encoder that filled it.
        encoder_id: the name a user types.
        modality: "image" or "text".
        dim: length of a vector.
        n_vectors: how many there are.
        n_bytes: on disk, versions not yet cleaned up included.
        created: when, ISO 8601 UTC.
        info: all fields of the encoder's `EncoderInfo`.
    """

    name: str
    encoder_id: str
    modality: str
    dim: int
    n_vectors: int
    n_bytes: int
    created: str
    info: Mapping[str, Any]


class FeatureStore:
    """All feature sets of a workspace.

    Keys are content hashes (sha256 of the image's bytes, or of the text), so nothing is encoded twice.

    Args:
        folder: where the tables are; made at the first `append`.
        command: what fills it, for messages.
    """

    def __init__(self, folder: Path, command: str = "visrec encode") -> None:
        self._folder = folder
        self._command = command
        self._keys: dict[str, tuple[int, set[str]]] = {}

    def sets(self) -> list[FeatureSet]:
        """All feature sets, by name."""
        return [self._describe(name) for name in self._names()]

    def version(self, name: str) -> frozenset[str]:
        """Names the content of one feature set: while it is the same, so are the vectors. Empty where there is none."""
        return versions_of(self._path(name)) if _NAME.match(name) else frozenset()

    def versions(self) -> tuple[frozenset[str], ...]:
        """Names the content of all feature sets, likewise."""
        return tuple(self.version(name) for name in self._names())

    def missing(self, info: EncoderInfo, keys: Sequence[str]) -> list[str]:
        """Those of the keys that the encoder's feature set does not have; each once, in the given order."""
        known = self._known_keys(info.feature_set)
        return [key for key in dict.fromkeys(keys) if key not in known]

    def append(self, info: EncoderInfo, keys: Sequence[str], vectors: npt.NDArray[np.float32]) -> int:
        """Store vectors, all or none; they survive a killed process once this returns.

        Args:
            info: the encoder that made them; its feature set is made when absent.
            keys: n content hashes; those already stored, or repeated, are left out.
            vectors: float32 (n, dim), finite.

        Returns:
            How many were new.

        Raises:
            InputError: on another shape, or values that are not finite.
        """
        _check_vectors(info, keys, vectors)
        name = info.feature_set
        # Encoding holds no lock for long: a second encoder of the same set waits for its turn.
        with WriteLock(self._folder / ".locks" / name, f"Feature set {name}", wait=True):
            known = self._known_keys(name)
            rows = [row for key, row in _first_rows(keys).items() if key not in known]
            if rows:
                self._write(info, [keys[row] for row in rows], vectors[rows] if len(rows) < len(keys) else vectors)
        return len(rows)

    def read(self, name: str, keys: Sequence[str]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """The vectors of some keys.

        Args:
            name: the feature set.
            keys: n content hashes, repeats allowed.

        Returns:
            float32 (n, dim), zero where absent; and bool (n,), True where present.

        Raises:
            NotFoundError: when there is no such feature set.
        """
        dataset = self._open(name)
        stored = dataset.to_table(columns=["key"]).column("key").combine_chunks()
        found = pc.index_in(pa.array(keys, pa.string()), value_set=stored)
        present = pc.is_valid(found).to_numpy(zero_copy_only=False)
        rows = found.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        vectors = np.zeros((len(keys), _dim(dataset)), dtype=np.float32)
        if not present.any():
            return vectors, present
        wanted = np.unique(rows[present])
        if len(wanted) < _FEW * len(stored):
            values = _matrix(dataset.take(wanted.tolist(), columns=["vector"]).column("vector"))
            vectors[present] = values[np.searchsorted(wanted, rows[present])]
        else:
            _fill(dataset, vectors, rows, present)
        return vectors, present

    def remove(self, name: str) -> None:
        """Delete a feature set.

        Raises:
            NotFoundError: when there is none of that name.
        """
        self._open(name)
        with WriteLock(self._folder / ".locks" / name, f"Feature set {name}"):
            # Renamed first: a killed removal leaves no half of a table under its name.
            doomed = self._folder / f".removed-{name}-{os.getpid()}"
            self._path(name).rename(doomed)
        self._keys.pop(name, None)
        for folder in self._folder.glob(".removed-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def compact(self, name: str) -> None:
        """Merge the many small files of an encode into few, and drop versions older than a day.

        Raises:
            NotFoundError: when there is no such feature set.
            WorkspaceError: when it is being written.
        """
        self._open(name)
        with WriteLock(self._folder / ".locks" / name, f"Feature set {name}"):
            before = files_of(self._path(name))
            dataset = self._open(name)
            dataset.optimize.compact_files()
            sync_new_files(self._path(name), before)
            clean_up(self._path(name))
        self._keys.pop(name, None)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.lance"

    def _names(self) -> list[str]:
        return sorted(path.stem for path in self._folder.glob("*.lance") if _NAME.match(path.stem) and is_table(path))

    def _open(self, name: str) -> lance.LanceDataset:
        import lance

        if not _NAME.match(name) or not is_table(self._path(name)):
            known = ", ".join(self._names()) or "none yet"
            raise NotFoundError(f"There is no feature set {name!r} (there are: {known}). Run `{self._command}`.")
        try:
            return lance.dataset(str(self._path(name)))
        except (ValueError, OSError) as error:
            raise WorkspaceError(
                f"Feature set {name} is damaged ({error}). Delete {self._path(name)} and run `{self._command}`."
            ) from error

    def _known_keys(self, name: str) -> set[str]:
        if not is_table(self._path(name)):
            return set()
        dataset = self._open(name)
        version, keys = self._keys.get(name, (0, set()))
        if version != dataset.version:
            keys = set(dataset.to_table(columns=["key"]).column("key").to_pylist())
            self._keys[name] = (dataset.version, keys)
        return keys

    def _write(self, info: EncoderInfo, keys: list[str], vectors: npt.NDArray[np.float32]) -> None:
        import lance

        name = info.feature_set
        flat = pa.array(np.ascontiguousarray(vectors).reshape(-1))
        table = pa.table({"key": keys, "vector": pa.FixedSizeListArray.from_arrays(flat, info.dim)})
        exists = is_table(self._path(name))
        if not exists:
            # Not asdict(): it copies deeply, and a read-only mapping cannot be copied.
            described = {field.name: getattr(info, field.name) for field in fields(info)}
            described["preprocessing"] = dict(info.preprocessing)
            content = {"info": described, "created": datetime.now(UTC).isoformat(timespec="seconds")}
            table = table.replace_schema_metadata({_METADATA_KEY: json.dumps(content).encode()})
        before = files_of(self._path(name))
        try:
            dataset = lance.write_dataset(table, str(self._path(name)), mode="append" if exists else "create")
            sync_new_files(self._path(name), before)
        except OSError as error:
            raise WorkspaceError(f"Feature set {name} cannot be written: {error}.") from error
        if exists:
            version, known = self._keys[name]
            known.update(keys)
            self._keys[name] = (dataset.version, known)

    def _describe(self, name: str) -> FeatureSet:
        dataset = self._open(name)
        try:
            content = json.loads(dataset.schema.metadata[_METADATA_KEY])
            info = content["info"]
            n_bytes = sum(file.stat().st_size for file in self._path(name).rglob("*") if file.is_file())
            return FeatureSet(
                name=name,
                encoder_id=info["id"],
                modality=info["modality"],
                dim=_dim(dataset),
                n_vectors=dataset.count_rows(),
                n_bytes=n_bytes,
                created=content["created"],
                info=info,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise WorkspaceError(
                f"Feature set {name} has no description ({error}). Delete {self._path(name)} and run `{self._command}`."
            ) from error


def _check_vectors(info: EncoderInfo, keys: Sequence[str], vectors: npt.NDArray[np.float32]) -> None:
    if vectors.shape != (len(keys), info.dim) or vectors.dtype != np.float32:
        raise InputError(
            f"Expected float32 vectors ({len(keys)}, {info.dim}) of {info.id}, got {vectors.dtype} {vectors.shape}."
        )
    if not np.isfinite(vectors).all():
        bad = keys[int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])]
        raise InputError(f"Expected finite vectors, got NaN or infinity from {info.id} for key {bad}.")


def _first_rows(keys: Sequence[str]) -> dict[str, int]:
    rows: dict[str, int] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, row)
    return rows


def _dim(dataset: lance.LanceDataset) -> int:
    return int(dataset.schema.field("vector").type.list_size)


def _matrix(column: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.float32]:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    # flatten(), not .values: it honours the offset of a slice.
    return array.flatten().to_numpy(zero_copy_only=False).reshape(len(array), -1)


def _fill(
    dataset: lance.LanceDataset,
    vectors: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    present: npt.NDArray[np.bool_],
) -> None:
    """Copy whole batches into place: the table is never in memory twice."""
    by_row = np.flatnonzero(present)[np.argsort(rows[present], kind="stable")]
    sorted_rows = rows[by_row]
    start = 0
    for batch in dataset.to_batches(columns=["vector"], scan_in_order=True):
        first, last = np.searchsorted(sorted_rows, [start, start + len(batch)])
        vectors[by_row[first:last]] = _matrix(batch.column(0))[sorted_rows[first:last] - start]
        start += len(batch)
