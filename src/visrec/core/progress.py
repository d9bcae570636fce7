"""How long work tells what it is doing."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

__all__ = ["Progress", "ProgressFactory", "silent"]


class Progress(Protocol):
    """One piece of long work being watched; use it in a `with` block."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def advance(self, n: int = 1) -> None:
        """Say that n more units are done."""
        ...


class ProgressFactory(Protocol):
    """Starts watching a piece of work: `progress("encode", total=1682, unit="images")`."""

    def __call__(self, label: str, *, total: int, unit: str) -> Progress:
        """Start."""
        ...


class _Silent:
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def advance(self, n: int = 1) -> None:
        """Do nothing."""


def silent(label: str, *, total: int, unit: str) -> Progress:
    """A `ProgressFactory` that shows nothing; the default of the Python API."""
    return _Silent()
