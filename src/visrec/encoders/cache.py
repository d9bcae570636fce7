"""The folder of this machine in which fetched and converted weights are kept."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from visrec.core.errors import WeightsError

__all__ = ["build_once", "cache_dir", "sha256_of"]


def cache_dir() -> Path:
    """`VISREC_CACHE` where it is set, else the user's cache folder of the operating system."""
    chosen = os.environ.get("VISREC_CACHE")
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("visrec", appauthor=False))


def sha256_of(file: Path) -> str:
    """Hash of a file's content, as 64 hex digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def build_once(path: Path, build: Callable[[], bytes]) -> Path:
    """Return a derived file, building it when it is absent or damaged.

    The file's hash is kept beside it and checked each time. Several processes or threads may build at once:
    each writes its own temporary file, and replacing is atomic, so the last one wins with the same content.

    Args:
        path: where the file is kept; its name must tell everything that it depends on.
        build: makes the content.

    Raises:
        WeightsError: when the cache folder cannot be written.
    """
    seal = path.with_name(path.name + ".sha256")
    if path.exists() and seal.exists() and seal.read_text().strip() == sha256_of(path):
        return path
    content = build()
    try:
        # The seal goes first: with an old seal beside a new file, a crash would only cost one more build.
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(seal, hashlib.sha256(content).hexdigest().encode())
        _replace(path, content)
    except OSError as error:
        raise WeightsError(
            f"Cannot keep converted weights in {path.parent} ({error}). "
            "Make the folder writable, or set VISREC_CACHE to another one."
        ) from error
    return path


def _replace(path: Path, content: bytes) -> None:
    # Not core's write_atomic: its temporary name is one per process, and threads may build the same file at once.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
