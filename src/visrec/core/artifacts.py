"""Fitted models on disk: a folder of one manifest.json and .npy files; never pickle.

    models/<name>/<version>/manifest.json   settings, and the sha256 of every array file
    models/<name>/<version>/<array>.npy
    models/<name>/current                   the version in use; replaced atomically

A version becomes visible only when `current` names it, so a killed save leaves the old model in use.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.core.errors import NotFoundError, WorkspaceError
from visrec.core.lock import WriteLock

__all__ = [
    "current_version",
    "load_artifact",
    "load_settings",
    "save_artifact",
    "use_version",
    "versions_of",
    "write_atomic",
]

_FORMAT = 1
_ORPHAN_SECONDS = 86_400


def write_atomic(path: Path, data: bytes) -> None:
    """Replace a file so that a reader, or a crash, sees the old content or the new, never a part.

    Several threads and processes may write the same file: the last one wins. It is on disk when this returns.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not tempfile: its files are for their owner only, whatever the umask says.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(path.parent)


def save_artifact(
    folder: Path, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]], keep: int = 2
) -> str:
    """Write a new version below `folder`, switch to it, and drop old ones.

    `keep` versions stay: the new one, the one that was in use until now (so that one can go back to it, even where it
    is not the newest), and further ones by age.

    Returns:
        The new version, "0001" and up.
    """
    folder.mkdir(parents=True, exist_ok=True)
    building = folder / f".building-{secrets.token_hex(6)}"
    try:
        _build(building, settings, arrays)
    except BaseException:
        # Also on Ctrl-C: the arrays may be large. What a killed process leaves is taken away below.
        shutil.rmtree(building, ignore_errors=True)
        raise
    # Others may be saving too: numbers, the switch and the clean-up are one at a time.
    with _switching(folder):
        versions = versions_of(folder)
        before = _read_current(folder)
        version = f"{int(versions[-1]) + 1 if versions else 1:04d}"
        building.rename(folder / version)
        write_atomic(folder / "current", version.encode())
        # By age, but the one that was in use is as good as new.
        for old in [*sorted(versions, key=lambda one: one == before), version][:-keep]:
            shutil.rmtree(folder / old, ignore_errors=True)
    for orphan in folder.glob(".building-*"):
        _drop_if_old(orphan)
    return version


def _drop_if_old(orphan: Path) -> None:
    """Take away what a killed save left; a younger one may be another process at work, and be finished meanwhile."""
    try:
        age = time.time() - orphan.stat().st_mtime
    except FileNotFoundError:
        return
    if age > _ORPHAN_SECONDS:
        shutil.rmtree(orphan, ignore_errors=True)


def _build(building: Path, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    building.mkdir()
    hashes = {}
    for name, array in arrays.items():
        file = building / f"{name}.npy"
        np.save(file, array, allow_pickle=False)
        _sync(file)
        hashes[name] = _sha256(file)
    manifest = {"format": _FORMAT, "settings": dict(settings), "arrays": hashes}
    write_atomic(building / "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1).encode())


def versions_of(folder: Path) -> list[str]:
    """The versions below `folder`, oldest first."""
    if not folder.is_dir():
        return []
    names = (entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name.isdecimal())
    return sorted(names, key=int)


def current_version(folder: Path) -> str:
    """The version in use below `folder`.

    Raises:
        NotFoundError: when nothing was saved there.
    """
    version = _read_current(folder)
    if not version:
        raise NotFoundError(f"Nothing was saved in {folder}.")
    return version


def use_version(folder: Path, version: str) -> None:
    """Switch to a version that is there.

    Raises:
        NotFoundError: when it is not.
    """
    with _switching(folder):
        there = versions_of(folder)
        if version not in there:
            raise NotFoundError(f"{folder} has no version {version!r} (there are: {', '.join(there) or 'none'}).")
        write_atomic(folder / "current", version.encode())


def load_artifact(folder: Path, version: str | None = None) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Read a version below `folder`; arrays are memory-mapped.

    Args:
        folder: where versions were saved.
        version: which one; None: the one in use.

    Raises:
        NotFoundError: when nothing was saved there.
        WorkspaceError: when a file is missing, damaged, or of a newer format.
    """
    home = folder / (version or current_version(folder))
    try:
        manifest = _manifest(home)
        arrays = {}
        for name, expected in manifest["arrays"].items():
            file = home / f"{name}.npy"
            if _sha256(file) != expected:
                raise WorkspaceError(f"{file} is damaged: its hash changed. Train again.")
            arrays[name] = np.load(file, mmap_mode="r", allow_pickle=False)
        return manifest["settings"], arrays
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise WorkspaceError(f"{home} is damaged ({error}). Train again.") from error


def load_settings(folder: Path) -> dict[str, Any]:
    """As `load_artifact`, without reading the arrays."""
    home = folder / current_version(folder)
    try:
        settings: dict[str, Any] = _manifest(home)["settings"]
        return settings
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise WorkspaceError(f"{home} is damaged ({error}). Train again.") from error


def _read_current(folder: Path) -> str:
    try:
        return (folder / "current").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def _switching(folder: Path) -> WriteLock:
    return WriteLock(folder.parent / ".locks" / folder.name, f"The versions in {folder}", wait=True)


def _manifest(home: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((home / "manifest.json").read_text(encoding="utf-8"))
    if manifest["format"] > _FORMAT:
        raise WorkspaceError(f"{home} was written by a newer visrec (format {manifest['format']}). Update visrec.")
    return manifest


def _sync(path: Path) -> None:
    """Flush a file, or a folder's list of names, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
