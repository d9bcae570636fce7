"""Every error that visrec raises on purpose, on one page.

A message says what was expected, what came, and what to do about it. The command line prints the
message and exits with code 1; it never prints a traceback for one of these.
"""

from __future__ import annotations

__all__ = [
    "AccessError",
    "FilterError",
    "ImageError",
    "InputError",
    "MissingExtraError",
    "NotFittedError",
    "NotFoundError",
    "StorageFullError",
    "UnavailableError",
    "UnsupportedError",
    "VisrecError",
    "WeightsError",
    "WorkspaceError",
]


class VisrecError(Exception):
    """Root of the tree: catch this to catch everything that visrec raises on purpose."""


class InputError(VisrecError):
    """An argument or an input file is wrong; nothing was changed."""


class FilterError(InputError):
    """A `where` expression does not parse or names a column that does not exist."""


class ImageError(InputError):
    """One image cannot be read; `reason` is a short phrase for reports, such as "truncated"."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        super().__init__(f"{reason}: {detail}" if detail else reason)


class NotFoundError(VisrecError):
    """An item, a user, a model, a feature set or a workspace of that name does not exist."""


class NotFittedError(VisrecError):
    """A recommender was asked to score before `fit`, or a workspace before `visrec train`."""


class UnsupportedError(VisrecError):
    """A recommender or encoder was asked for what its capabilities exclude."""


class WeightsError(VisrecError):
    """Model weights cannot be fetched, are damaged, or do not match their published hash."""


class WorkspaceError(VisrecError):
    """A workspace cannot be opened: absent, damaged, or written by a newer visrec."""


class StorageFullError(WorkspaceError):
    """There is no room left on a disk; what was to be stored was not."""


class MissingExtraError(VisrecError):
    """An optional dependency is not installed; the message holds the exact install command."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional dependency. Run: pip install 'visrec[{extra}]'")


class AccessError(VisrecError):
    """A server wants a key, or one that may do more."""


class UnavailableError(VisrecError):
    """A server, or a database, is not reached, too busy, or failed; trying again later may help."""
