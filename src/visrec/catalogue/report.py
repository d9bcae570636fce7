"""What an ingest did, and every row and image that it could not use."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from visrec.core.artifacts import write_atomic

__all__ = [
    "EventsRemoved",
    "ImageCounts",
    "IngestReport",
    "InteractionCounts",
    "ItemCounts",
    "Problem",
    "ProblemLog",
    "Removed",
]

#: Problems of one kind in one file that are named one by one; the others are counted.
NAMED_PER_REASON = 10_000
_SHOWN_ON_SCREEN = 3
_SUBJECT_WIDTH = 90


@dataclass(frozen=True)
class Problem:
    """One row or image that was not used.

    Attributes:
        file: where it was met.
        line: line of a CSV or JSON Lines file, row of a Parquet file, both from 1; None for an image.
        subject: what it is about: ids, the value that was refused.
        reason: a short phrase, the same for all problems of a kind.
    """

    file: str
    line: int | None
    subject: str
    reason: str


class ProblemLog:
    """Collects problems; names the first `NAMED_PER_REASON` of each file and reason, counts all."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.totals: dict[tuple[str, str], int] = {}
        self.notes: list[str] = []

    def add(self, file: str, reason: str, subject: str, line: int | None = None) -> None:
        """Add one problem."""
        self.add_many(file, reason, 1, lambda _: [subject], lambda _: [line])

    def add_many(
        self,
        file: str,
        reason: str,
        n: int,
        subjects: Callable[[int], Sequence[str]],
        lines: Callable[[int], Sequence[int | None]],
    ) -> None:
        """Add n problems of one kind.

        Args:
            file: where they were met.
            reason: the kind.
            n: how many; 0 does nothing.
            subjects: given m, the subjects of the first m of them. Called only when they are named.
            lines: given m, the lines of the first m of them.
        """
        if n == 0:
            return
        known = self.totals.get((file, reason), 0)
        self.totals[file, reason] = known + n
        named = min(n, NAMED_PER_REASON - known)
        if named > 0:
            pairs = zip(lines(named), subjects(named), strict=True)
            self.problems.extend(Problem(file, line, subject, reason) for line, subject in pairs)


@dataclass(frozen=True)
class ItemCounts:
    """Rows of the items file; `total` is what the catalogue now holds, `without_image` those that no image shows."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    total: int = 0
    without_image: int = 0


@dataclass(frozen=True)
class ImageCounts:
    """Images; `ok` are new ones, `without_item` files that belong to no item, `total` what the catalogue holds."""

    ok: int = 0
    unchanged: int = 0
    replaced: int = 0
    rejected: int = 0
    dropped: int = 0
    without_item: int = 0
    total: int = 0


@dataclass(frozen=True)
class InteractionCounts:
    """Rows of the interactions file; `repeated` ones equal an earlier row in user, item, kind and time."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: int = 0
    rejected: int = 0
    total: int = 0


@dataclass(frozen=True)
class EventsRemoved:
    """What taking events back came to.

    Attributes:
        removed: live events that are gone.
        kept: ingested interactions of the same user, item and kind: they come from a file, and stay.
    """

    removed: int
    kept: int


@dataclass(frozen=True)
class Removed:
    """What a removal took out of the catalogue."""

    items: int
    images: int
    interactions: int


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did.

    Attributes:
        started: when, ISO 8601 UTC.
        seconds: how long it took.
        items: counts of rows; None when no items were given or made.
        images: counts of images; None when no folder was given.
        interactions: counts of rows; None when no file was given.
        problems: every problem that is named.
        totals: (file, reason) -> all problems of that kind, named or not.
        notes: remarks that are no problems, such as a column that became text.
        path: the report as readable text; None before it is written. The same as JSON lies beside it.
    """

    started: str
    seconds: float
    items: ItemCounts | None
    images: ImageCounts | None
    interactions: InteractionCounts | None
    problems: list[Problem]
    totals: Mapping[tuple[str, str], int]
    notes: list[str] = field(default_factory=list)
    path: Path | None = None

    @property
    def n_problems(self) -> int:
        """All problems, named or only counted."""
        return sum(self.totals.values())

    def summary(self) -> str:
        """A few lines for the screen: the counts, and the problems by kind with examples."""
        lines = self._count_lines()
        lines += [f"Note: {note}" for note in self.notes]
        if self.totals:
            lines.append(f"{self.n_problems:,} {_plural(self.n_problems, 'problem')}; the rest was used:")
        for (file, reason), n in self.totals.items():
            lines.append(f"  {n:,} x {reason} ({file})")
            named = [problem for problem in self.problems if (problem.file, problem.reason) == (file, reason)]
            lines += [f"      {_place(problem, _SUBJECT_WIDTH)}" for problem in named[:_SHOWN_ON_SCREEN]]
            if n > _SHOWN_ON_SCREEN:
                lines.append(f"      … and {n - _SHOWN_ON_SCREEN:,} more")
        if self.path is not None:
            lines.append(f"Full report: {self.path}")
        return "\n".join(lines)

    def text(self) -> str:
        """The whole report for people: `summary`, then every named problem."""
        lines = [f"visrec ingest, {self.started}, {self.seconds:.1f} s", "", *self._count_lines()]
        lines += [f"Note: {note}" for note in self.notes]
        for (file, reason), n in self.totals.items():
            named = [problem for problem in self.problems if (problem.file, problem.reason) == (file, reason)]
            lines += ["", f"{n:,} x {reason} ({file})"]
            lines += [f"  {_place(problem)}" for problem in named]
            if n > len(named):
                lines.append(f"  … and {n - len(named):,} more that are not named one by one")
        if not self.totals:
            lines += ["", "No problems."]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> Path:
        """Write `ingest-<UTC time>.json` and `.txt` below `folder`; returns the path of the text."""
        stem = "ingest-" + self.started.replace("-", "").replace(":", "")
        name, n = stem, 1
        while (folder / f"{name}.txt").exists():
            n += 1
            name = f"{stem}-{n}"
        write_atomic(folder / f"{name}.json", json.dumps(self._as_json(), ensure_ascii=False, indent=1).encode())
        write_atomic(folder / f"{name}.txt", self.text().encode())
        return folder / f"{name}.txt"

    def _as_json(self) -> dict[str, object]:
        return {
            "started": self.started,
            "seconds": round(self.seconds, 3),
            "items": asdict(self.items) if self.items else None,
            "images": asdict(self.images) if self.images else None,
            "interactions": asdict(self.interactions) if self.interactions else None,
            "notes": self.notes,
            "n_problems": self.n_problems,
            "problem_kinds": [{"file": file, "reason": reason, "n": n} for (file, reason), n in self.totals.items()],
            "problems": [asdict(problem) for problem in self.problems],
        }

    def _count_lines(self) -> list[str]:
        lines = []
        if self.items:
            lines.append(
                _count_line("Items", self.items.total, asdict(self.items), ["new", "updated", "unchanged", "rejected"])
            )
            if self.items.without_image:
                n = self.items.without_image
                lines.append(
                    f"              {n:,} {_plural(n, 'item')} without a usable image (recommendable by behaviour)"
                )
        if self.images:
            shown = ["ok", "unchanged", "replaced", "rejected", "dropped"]
            lines.append(_count_line("Images", self.images.total, asdict(self.images), shown))
            if self.images.without_item:
                n = self.images.without_item
                lines.append(f"              {n:,} image {_plural(n, 'file')} without an item, not used")
        if self.interactions:
            shown = ["new", "updated", "unchanged", "repeated", "rejected"]
            lines.append(_count_line("Interactions", self.interactions.total, asdict(self.interactions), shown))
        return lines


def _count_line(label: str, total: int, counts: Mapping[str, int], shown: Sequence[str]) -> str:
    parts = [f"{counts[name]:,} {name}" for name in shown if counts[name]]
    return f"{label:<13} {total:,} in the catalogue ({', '.join(parts) or 'nothing given'})"


def _place(problem: Problem, width: int | None = None) -> str:
    cut = width is not None and len(problem.subject) > width
    subject = problem.subject[:width] + "…" if cut else problem.subject
    return f"line {problem.line}: {subject}" if problem.line is not None else subject


def _plural(n: int, word: str) -> str:
    return word if n == 1 else f"{word}s"
