"""What happened on the way to a list."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

__all__ = ["Stage", "Stopwatch"]


@dataclass(frozen=True)
class Stage:
    """One stage of the way from all items to a list.

    Attributes:
        name: "candidates", "filter", "seen", "score", "min_score", "rules", "pool", "duplicates", "caps",
            "diversity" or "top k"; stages that were not asked for are left out.
        kept: items that were left after it.
        removed: items that it took away.
        ms: milliseconds that it took; of lists that are made together, the mean.
        note: what else there is to say.
    """

    name: str
    kept: int
    removed: int
    ms: float
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        line = {"stage": self.name, "kept": self.kept, "removed": self.removed, "ms": round(self.ms, 3)}
        return {**line, "note": self.note} if self.note else line


class Stopwatch:
    """Milliseconds since it was last asked."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    def lap(self) -> float:
        """Milliseconds since the last lap."""
        now = time.perf_counter()
        since, self._since = self._since, now
        return 1e3 * (now - since)
