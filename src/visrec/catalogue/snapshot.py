"""Which version of each table is the catalogue: one small file, replaced atomically."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from visrec.core.artifacts import write_atomic
from visrec.core.errors import WorkspaceError

__all__ = ["Snapshot"]

_FORMAT = 1


@dataclass(frozen=True)
class Snapshot:
    """Versions of the Lance tables that together are the catalogue; 0 is a table that was not yet written.

    Attributes:
        items: version of items.lance.
        images: version of images.lance.
        interactions: version of interactions.lance.
    """

    items: int = 0
    images: int = 0
    interactions: int = 0

    @classmethod
    def read(cls, path: Path) -> Snapshot:
        """Read the file.

        Raises:
            WorkspaceError: when it is absent, damaged, or of a newer format.
        """
        try:
            content = json.loads(path.read_bytes())
            if content["format"] > _FORMAT:
                raise WorkspaceError(
                    f"{path} was written by a newer visrec (format {content['format']}). Update visrec."
                )
            return cls(int(content["items"]), int(content["images"]), int(content["interactions"]))
        except FileNotFoundError:
            raise WorkspaceError(
                f"{path.parent.parent} holds no visrec catalogue. Make one with `visrec build` or `visrec ingest`."
            ) from None
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise WorkspaceError(f"{path} is damaged ({error}). Restore the workspace from a backup.") from error

    @staticmethod
    def state(path: Path) -> tuple[int, int, int] | None:
        """Another for every content: the file is replaced, never changed. None where there is none."""
        try:
            status = path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def write(self, path: Path) -> None:
        """Make this the catalogue; on disk when it returns."""
        write_atomic(path, json.dumps({"format": _FORMAT, **asdict(self)}).encode())
