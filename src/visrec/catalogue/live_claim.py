"""SHOP/live.json: who a shop is to a database by URL, and that its live events are kept there and not in the shop."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

from visrec.core.artifacts import write_atomic
from visrec.core.errors import WorkspaceError
from visrec.core.lock import WriteLock

__all__ = ["Claim"]


class Claim:
    """SHOP/live.json; there is none as long as the live events are in SHOP/events.db.

    A copy of a shop, such as a backup, is the same shop.

    Args:
        root: the workspace's folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._file = root / "live.json"

    def shop_id(self) -> str:
        """The shop's identity: 32 hexadecimal digits, made at the first call.

        Raises:
            WorkspaceError: when the file is damaged or cannot be written.
        """
        if found := self._read().get("id"):
            return found
        with self._writing():
            made = self._read().get("id") or uuid.uuid4().hex
            self._write({"id": made})
        return made

    def kept_in(self) -> str:
        """The database that holds the shop's live events, as it was first named; "" for the file in the shop."""
        return self._read().get("database", "")

    def mark(self, database: str) -> None:
        """From now on the live events are in this database: nobody is to read them, or write them, elsewhere."""
        if not self.kept_in():
            with self._writing():
                self._write({**self._read(), "database": database})

    def _writing(self) -> WriteLock:
        return WriteLock(self._root / ".live.lock", f"{self._file}", wait=True)

    def _write(self, body: dict[str, str]) -> None:
        try:
            write_atomic(self._file, json.dumps(body, indent=1).encode())
        except OSError as error:
            raise WorkspaceError(f"{self._file} cannot be written: {error.strerror}. Check {self._root}.") from error

    def _read(self) -> dict[str, str]:
        try:
            body = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise WorkspaceError(f"{self._file} is damaged ({error}). Restore it from a backup.") from error
        if not isinstance(body, dict) or not isinstance(body.get("id"), str):
            raise WorkspaceError(f"{self._file} is damaged: expected an id. Restore it from a backup.")
        return {str(name): str(value) for name, value in body.items()}
