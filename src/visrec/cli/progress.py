"""Progress on standard error: a bar on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from visrec.core.progress import Progress

__all__ = ["show_progress"]

_LINE_EVERY_SECONDS = 10.0


def show_progress(label: str, *, total: int, unit: str) -> Progress:
    """A `ProgressFactory` with rate and time left."""
    return _Bar(label, total, unit) if sys.stderr.isatty() else _Lines(label, total, unit)


class _Bar:
    def __init__(self, label: str, total: int, unit: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(f"{unit}  {{task.fields[rate]}}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._unit = unit
        self._task = self._bar.add_task(label, total=total, rate="")
        self._started = time.monotonic()
        self._done = 0

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def advance(self, n: int = 1) -> None:
        """Say that n more units are done."""
        self._done += n
        seconds = time.monotonic() - self._started
        rate = f"{self._done / seconds:,.0f}/s" if seconds > 0.5 else ""
        self._bar.update(self._task, advance=n, rate=rate)


class _Lines:
    def __init__(self, label: str, total: int, unit: str) -> None:
        self._label, self._total, self._unit = label, total, unit
        self._done = 0
        self._started = self._last = time.monotonic()

    def __enter__(self) -> Self:
        self._started = self._last = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def advance(self, n: int = 1) -> None:
        """Say that n more units are done."""
        self._done += n
        now = time.monotonic()
        if now - self._last < _LINE_EVERY_SECONDS:
            return
        self._last = now
        rate = self._done / (now - self._started)
        left = max(self._total - self._done, 0) / rate
        print(  # noqa: T201
            f"{self._label}: {self._done:,} of {self._total:,} {self._unit}, {rate:,.0f}/s, {left:,.0f} s left",
            file=sys.stderr,
            flush=True,
        )
