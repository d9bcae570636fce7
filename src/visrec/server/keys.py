"""API keys: SHOP/keys.json holds their hashes; a key itself is shown once and kept nowhere."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from visrec.core.artifacts import write_atomic
from visrec.core.errors import InputError, NotFoundError, WorkspaceError
from visrec.core.lock import WriteLock

__all__ = ["ROLES", "Key", "Keys"]

#: Each may do what those before it may.
ROLES = ("read", "write", "admin")
_PREFIX = "visrec_"


@dataclass(frozen=True)
class Key:
    """One key as it is stored.

    Attributes:
        name: what people call it.
        role: "read" answers, "write" also feedback and taste profiles, "admin" also items, users and switches.
        sha256: of the key. Keys are 32 random bytes, so one plain hash is as good as a slow one.
        created: epoch seconds.
    """

    name: str
    role: str
    sha256: str
    created: int

    def may(self, role: str) -> bool:
        """Whether it is enough for what needs `role`."""
        return ROLES.index(self.role) >= ROLES.index(role)


class Keys:
    """The keys of a workspace; what another process adds or removes is seen at the next look."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._file = root / "keys.json"
        self._read: tuple[object, tuple[Key, ...]] = (None, ())

    def all(self) -> tuple[Key, ...]:
        """Every key.

        Raises:
            WorkspaceError: when the file is damaged.
        """
        try:
            status = self._file.stat()
        except FileNotFoundError:
            return ()
        state = (status.st_ino, status.st_mtime_ns)
        if self._read[0] != state:
            self._read = (state, self._parse())
        return self._read[1]

    def add(self, name: str, role: str) -> str:
        """Make a key; returns it, for the only time.

        Raises:
            InputError: for an unknown role, or a name that is taken.
        """
        if role not in ROLES:
            raise InputError(f"Expected a role out of {', '.join(ROLES)}, got {role!r}.")
        if not name.strip():
            raise InputError("Expected a name for the key, got none.")
        key = _PREFIX + secrets.token_urlsafe(32)
        with self._writing():
            there = self.all()
            if any(other.name == name for other in there):
                raise InputError(f"There is a key named {name!r} already. Remove it first, or choose another name.")
            self._write((*there, Key(name, role, _sha256(key), int(time.time()))))
        return key

    def remove(self, name: str) -> None:
        """Make a key worthless.

        Raises:
            NotFoundError: when there is none of that name.
        """
        with self._writing():
            there = self.all()
            kept = tuple(key for key in there if key.name != name)
            if len(kept) == len(there):
                raise NotFoundError(
                    f"There is no key {name!r} (there are: {', '.join(k.name for k in there) or 'none'})."
                )
            self._write(kept)

    def of(self, secret: str) -> Key | None:
        """The stored key that this is, if any; every hash is compared, in constant time."""
        digest, found = _sha256(secret), None
        for key in self.all():
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return found

    def _writing(self) -> WriteLock:
        return WriteLock(self._root / ".keys.lock", f"The keys of {self._root}", wait=True)

    def _write(self, keys: tuple[Key, ...]) -> None:
        write_atomic(self._file, json.dumps({"format": 1, "keys": [asdict(key) for key in keys]}, indent=1).encode())
        self._file.chmod(0o600)

    def _parse(self) -> tuple[Key, ...]:
        try:
            keys = tuple(Key(**key) for key in json.loads(self._file.read_bytes())["keys"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WorkspaceError(f"{self._file} is damaged ({error}). Remove it, and make new keys.") from error
        if any(key.role not in ROLES for key in keys):
            raise WorkspaceError(f"{self._file} is damaged (unknown role). Remove it, and make new keys.")
        return keys


def _sha256(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
