"""One Lance table of which a snapshot names the version in use."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from visrec.core.errors import WorkspaceError

if TYPE_CHECKING:
    import lance

__all__ = ["clean_up", "files_of", "is_table", "open_version", "sync_new_files", "versions_of", "write_version"]

#: Versions that a snapshot no longer names stay this long, for readers that still have them open.
KEPT = timedelta(days=1)


def is_table(path: Path) -> bool:
    """Whether a Lance table has at least one version there; a killed first write leaves a folder without any."""
    return bool(versions_of(path))


def versions_of(path: Path) -> frozenset[str]:
    """Names of the versions that a Lance table has; another set after every write. Cheap: nothing is opened."""
    try:
        with os.scandir(path / "_versions") as files:
            names = [file.name for file in files]
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    return frozenset(name for name in names if name[0] in "0123456789" and name.endswith(".manifest"))


def open_version(path: Path, version: int) -> lance.LanceDataset:
    """Open one version of a table.

    Raises:
        WorkspaceError: when it is not there.
    """
    import lance

    try:
        return lance.dataset(str(path), version=version)
    except (ValueError, OSError) as error:
        raise WorkspaceError(
            f"{path} is damaged: version {version} cannot be opened ({error}). "
            "Restore the workspace from a backup, or make it anew with `visrec build`."
        ) from error


def write_version(path: Path, table: pa.Table) -> int:
    """Write a table's whole new content as a new version, on disk when it returns; earlier versions stay readable.

    Returns:
        The new version, 1 and up.

    Raises:
        WorkspaceError: when the disk refuses it.
    """
    import lance

    before = files_of(path)
    mode = "overwrite" if is_table(path) else "create"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        version = int(lance.write_dataset(table, str(path), mode=mode).version)
        sync_new_files(path, before)
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be written: {error}. Nothing was changed.") from error
    return version


def files_of(path: Path) -> set[str]:
    """The files of a Lance table, for `sync_new_files`."""
    return {os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names}


def sync_new_files(path: Path, before: set[str]) -> None:
    """Flush to disk what a write added to a Lance table.

    Lance renames its manifest into place without fsync: after a power loss it could be there, and empty.

    Args:
        path: the table.
        before: `files_of` it before the write.
    """
    new = files_of(path) - before
    # Each file is found again only through its folder; a table's own folder through the one above.
    for name in [*sorted(new), *sorted({os.path.dirname(name) for name in new}), str(path), str(path.parent)]:
        descriptor = os.open(name, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def clean_up(path: Path) -> None:
    """Drop versions older than a day, and files that killed writers left; call it only while holding the write lock."""
    import lance

    lance.dataset(str(path)).cleanup_old_versions(older_than=KEPT, delete_unverified=True)
