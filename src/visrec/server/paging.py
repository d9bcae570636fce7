"""Cursors: an opaque place to go on from."""

from __future__ import annotations

import base64
import binascii

from visrec.core.errors import InputError

__all__ = ["next_cursor", "offset_of"]

_FARTHEST = 1_000_000_000


def next_cursor(offset: int) -> str:
    """The cursor of what begins at `offset`."""
    return base64.urlsafe_b64encode(b"%d" % offset).decode().rstrip("=")


def offset_of(cursor: str | None) -> int:
    """Where a cursor goes on; 0 without one.

    Raises:
        InputError: when it is none that a server gave.
    """
    if cursor is None:
        return 0
    try:
        offset = int(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        offset = -1
    if not 0 <= offset < _FARTHEST:
        raise InputError(f"Expected a cursor as an earlier answer gave it, got {cursor[:40]!r}.")
    return offset
