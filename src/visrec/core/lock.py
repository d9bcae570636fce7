"""One writer at a time."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from visrec.core.errors import WorkspaceError

__all__ = ["WriteLock"]


class WriteLock:
    """An exclusive lock on a file, for a `with` block; the system frees it when the process dies, however it dies.

    Args:
        path: the lock file; made when absent, never deleted.
        what: what is being written, for the error message.
        wait: wait for the other writer instead of raising.

    Raises:
        WorkspaceError: on entering, when another writer holds it and `wait` is False.
    """

    def __init__(self, path: Path, what: str, *, wait: bool = False) -> None:
        self._path = path
        self._what = what
        self._wait = wait
        self._file = -1

    def __enter__(self) -> Self:
        import fcntl

        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if self._wait else fcntl.LOCK_NB))
        except BlockingIOError:
            holder = os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(file)
            raise WorkspaceError(
                f"{self._what} is being written by another process (pid {holder}). "
                "Wait until it has finished, then run the command again; nothing was changed."
            ) from None
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode("ascii"), 0)
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)
        self._file = -1
