"""A folder of images: which file shows which item."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from visrec.core.errors import InputError

__all__ = ["IMAGE_EXTENSIONS", "ImageFile", "ImageFolder", "split_references"]

#: Extensions by which a file is taken for an item's image; a path in an `image` column may have any.
IMAGE_EXTENSIONS = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .gif .bmp .tif .tiff .avif .jp2 .ppm .pgm .pbm .pnm".split()
)


@dataclass(frozen=True)
class ImageFile:
    """A file on disk.

    Attributes:
        path: absolute.
        n_bytes: its size.
        mtime_ns: when it last changed, nanoseconds since the epoch.
    """

    path: str
    n_bytes: int
    mtime_ns: int


@dataclass(frozen=True)
class ImageFolder:
    """All files below a folder, read once.

    Attributes:
        root: the folder, absolute, symbolic links followed.
        files: path relative to `root`, with `/` -> the file. Links that lead out of the folder are not among them.
        outside: relative paths of links that lead out of the folder.
        stems: relative path without an image extension -> relative paths that have it.
        unnamed: how many file names are not UTF-8, and can be no item's.
    """

    root: Path
    files: dict[str, ImageFile]
    outside: frozenset[str]
    stems: dict[str, list[str]] = field(repr=False)
    unnamed: int = 0

    @classmethod
    def scan(cls, folder: Path) -> ImageFolder:
        """Read a folder and all folders below it; linked folders are not entered.

        Raises:
            InputError: when it is no folder, or cannot be read.
        """
        if not folder.is_dir():
            what = "a file" if folder.exists() else "no such folder"
            raise InputError(f"{folder}: expected a folder of images, got {what}. Check the path. Nothing was changed.")
        root = folder.resolve()
        try:
            found = sorted(_walk(root))
        except OSError as error:
            raise InputError(
                f"{error.filename or folder} cannot be read: {error.strerror}. Check its permissions."
            ) from error
        files: dict[str, ImageFile] = {}
        outside: set[str] = set()
        stems: dict[str, list[str]] = {}
        unnamed = 0
        for relative, file in found:
            if not _is_text(relative):
                unnamed += 1
                continue
            if file is None:
                outside.add(relative)
            else:
                files[relative] = file
            # Not splitext: it finds no extension in "..jpg", the image of an item called ".".
            stem, _, extension = relative.rpartition(".")
            if f".{extension.lower()}" in IMAGE_EXTENSIONS and stem and not stem.endswith("/"):
                stems.setdefault(stem, []).append(relative)
        return cls(root, files, frozenset(outside), stems, unnamed)

    def of_item(self, item_id: str, item_ids: Collection[str] = ()) -> list[str]:
        """Relative paths of the images named after an item.

        Args:
            item_id: the files are called `ITEM_ID.jpg` (with any `/` as folders), or after the id percent-encoded.
            item_ids: all items: a file that is called after another one as it stands is not taken.
        """
        direct = self.stems.get(item_id)
        if direct is not None:
            return direct
        encoded = quote(item_id, safe="")
        return [] if encoded in item_ids else self.stems.get(encoded, [])

    def locate(self, reference: str) -> ImageFile | str:
        """The file that a relative path names, or why it cannot be used."""
        pure = PurePosixPath(reference)
        if pure.is_absolute() or ".." in pure.parts or "\0" in reference:
            return "image path leads out of the image folder"
        relative = str(pure)
        file = self.files.get(relative)
        if file is not None:
            return file
        if relative in self.outside:
            return "image path leads out of the image folder"
        return self._through_links(relative)

    def item_ids(self, known: Iterable[str] = ()) -> list[str]:
        """The stems of all image files that are not named after a known item, sorted: what could be items."""
        taken = set(known)
        taken |= {quote(item_id, safe="") for item_id in taken}
        return sorted(stem for stem in self.stems if stem not in taken and not _is_hidden(stem))

    def _through_links(self, relative: str) -> ImageFile | str:
        """A file below a linked folder, which `scan` does not enter."""
        path = self.root / relative
        try:
            target = path.resolve(strict=True)
            status = target.stat()
        except (OSError, RuntimeError):
            return "image file is missing"
        if not target.is_relative_to(self.root):
            return "image path leads out of the image folder"
        if not target.is_file():
            return "image path is not a file"
        return ImageFile(str(path), status.st_size, status.st_mtime_ns)


def split_references(value: str | Sequence[str] | None) -> list[str]:
    """The paths in one cell of an `image` column: text separated by `|`, or a list of texts."""
    if value is None:
        return []
    parts = value.split("|") if isinstance(value, str) else [str(part) for part in value if part is not None]
    return [part.strip() for part in parts if part.strip()]


def _walk(root: Path) -> Iterable[tuple[str, ImageFile | None]]:
    """Relative path and file of everything below root; None for a link that leads out of it."""
    pending = [""]
    while pending:
        prefix = pending.pop()
        with os.scandir(root / prefix) as entries:
            for entry in entries:
                relative = f"{prefix}{entry.name}"
                if entry.is_symlink():
                    yield from _linked(root, relative)
                elif entry.is_dir():
                    pending.append(f"{relative}/")
                elif entry.is_file():
                    status = entry.stat()
                    yield relative, ImageFile(entry.path, status.st_size, status.st_mtime_ns)


def _linked(root: Path, relative: str) -> Iterable[tuple[str, ImageFile | None]]:
    path = root / relative
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return
    if target.is_file():
        status = target.stat()
        inside = target.is_relative_to(root)
        yield relative, ImageFile(str(path), status.st_size, status.st_mtime_ns) if inside else None


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_hidden(stem: str) -> bool:
    """Whether a file is one that systems leave behind ("._1.jpg"), not a shop's."""
    return any(part.startswith("._") or part == "__MACOSX" for part in stem.split("/"))
