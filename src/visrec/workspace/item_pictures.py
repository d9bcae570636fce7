"""The pixels of the catalogue's pictures, for models that learn from them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from visrec.core.errors import ImageError, InputError
from visrec.core.ids import IdMap
from visrec.core.settings import ImageLimits

__all__ = ["ItemPictures", "PictureFiles"]

Pixels = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]

#: Pictures that a worker thread decodes in one go.
_BATCH = 32


class PictureFiles:
    """Picture files, each decoded once a size: pixels wait in an unnamed temporary file that is mapped into memory.

    Memory stays free, for the system may drop mapped pages; the file takes n · size² · 3 bytes of disk at most, and is
    gone with this object. Files are read on the path that encoders read on.

    Attributes:
        unreadable: path -> why it is black: gone, changed since it was ingested, or damaged.

    Args:
        keys: content hash of each picture, "" for none.
        paths: where each is, "" for none.
        limits: what a picture may cost.
    """

    def __init__(self, keys: Sequence[str], paths: Sequence[str], limits: ImageLimits | None = None) -> None:
        if len(keys) != len(paths):
            raise InputError(f"Expected a path a key, got {len(paths)} and {len(keys)}.")
        self.keys = tuple(keys)
        self.unreadable: dict[str, str] = {}
        self._paths = tuple(paths)
        self._limits = limits or ImageLimits()
        self._mapped: dict[int, tuple[Pixels, npt.NDArray[np.bool_]]] = {}

    def load(self, rows: Rows, size: int) -> Pixels:
        """Pictures by row, -1 for none; uint8 (len(rows), size, size, 3), black where there is none to be had."""
        pixels, done = self._map(size)
        wanted = np.unique(rows[rows >= 0])
        missing = wanted[~done[wanted]]
        blocks = [missing[start : start + _BATCH] for start in range(0, len(missing), _BATCH)]
        if blocks:
            with ThreadPoolExecutor(os.cpu_count() or 1, "visrec-pictures") as pool:
                list(pool.map(lambda block: self._decode(block, pixels), blocks))
            done[missing] = True
        found = np.zeros((len(rows), size, size, 3), dtype=np.uint8)
        found[rows >= 0] = pixels[rows[rows >= 0]]
        return found

    def _map(self, size: int) -> tuple[Pixels, npt.NDArray[np.bool_]]:
        """The pixels of all pictures at a size, and which of them are decoded."""
        if size < 1:
            raise InputError(f"Expected pictures of 1 or more pixels, got {size}.")
        if size not in self._mapped:
            shape = (max(len(self.keys), 1), size, size, 3)
            # The mapping keeps the file alive; a place that is never written takes no disk.
            with tempfile.TemporaryFile(prefix="visrec-pictures-") as file:
                pixels = np.memmap(file, np.uint8, "w+", shape=shape)
            self._mapped[size] = (pixels, np.zeros(shape[0], dtype=np.bool_))
        return self._mapped[size]

    def _decode(self, rows: Rows, pixels: Pixels) -> None:
        from visrec.encoders.framing import Framing
        from visrec.encoders.pipeline import read_picture
        from visrec.images.decode import decode

        framing = Framing(pixels.shape[1])
        for row in rows.tolist():
            if not self.keys[row]:
                continue
            try:
                data = read_picture(Path(self._paths[row]), self._limits)
                if hashlib.sha256(data).hexdigest() != self.keys[row]:
                    # A model would keep what it sees under the hash of a picture that it is not.
                    raise ImageError("changed since it was ingested", self._paths[row])
                pixels[row] = framing.apply(decode(data, self._limits, at_least=framing.at_least))
            except ImageError as error:
                self.unreadable[self._paths[row]] = error.reason


class ItemPictures:
    """Implements `Pictures` over the catalogue's files.

    Args:
        files: of all items.
        rows: int64 (n_items,), each item's row of the files, -1 for an item without a picture; None: all in order.
    """

    def __init__(self, files: PictureFiles, rows: Rows | None = None) -> None:
        self._files = files
        self._rows = np.arange(len(files.keys)) if rows is None else rows

    @classmethod
    def of(cls, item_ids: IdMap, images: pa.Table, limits: ImageLimits | None = None) -> ItemPictures:
        """Each item's first picture.

        Args:
            item_ids: the n_items items.
            images: item_id, position, path and sha256 of every usable picture.
            limits: what a picture may cost.
        """
        keys, paths = [""] * len(item_ids), [""] * len(item_ids)
        images = images.select(["item_id", "position", "sha256", "path"]).sort_by("position")
        rows = item_ids.rows(images.column("item_id").to_pylist())
        named = zip(rows.tolist(), images.column("sha256").to_pylist(), images.column("path").to_pylist(), strict=True)
        for row, key, path in named:
            if row >= 0 and not keys[row]:
                keys[row], paths[row] = key, path
        return cls(PictureFiles(keys, paths, limits))

    @cached_property
    def keys(self) -> Sequence[str]:
        """Content hash of each item's picture, "" for an item without; length n_items."""
        known = self._files.keys
        return tuple("" if row < 0 else known[row] for row in self._rows.tolist())

    @property
    def unreadable(self) -> Mapping[str, str]:
        """Path -> reason, of the files that were asked for and are black."""
        return self._files.unreadable

    def load(self, rows: Rows, size: int) -> Pixels:
        """Pictures of some items, the middle square scaled to `size` pixels; uint8 (len(rows), size, size, 3), RGB.

        Black without a picture, and where the file cannot be read by now: see `unreadable`.

        Raises:
            InputError: on a size below 1.
        """
        return self._files.load(self._rows[rows], size)

    def take(self, rows: Rows) -> ItemPictures:
        """The pictures of some items, in that order; a row of -1 is an item without. What is decoded is shared."""
        if not len(self._rows):
            return ItemPictures(self._files, np.full(len(rows), -1, dtype=np.int64))
        return ItemPictures(self._files, np.where(rows < 0, -1, self._rows[rows]))
