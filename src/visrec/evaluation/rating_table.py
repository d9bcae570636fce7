"""An evaluation of ratings as a table for people."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from visrec.evaluation.intervals import Interval

__all__ = ["render_ratings"]

_WIDTH = 100
_METRICS = ("rmse", "mae")


def render_ratings(
    models: Mapping[str, Mapping[str, Interval]], skipped: Mapping[str, str], head: str, *, markdown: bool = False
) -> str:
    """A table of models, lowest RMSE first, every figure with its interval.

    Args:
        models: model -> "rmse" and "mae" -> interval.
        skipped: model -> reason why it is not in the table.
        head: one paragraph above the table.
        markdown: a pipe table, the best of a metric in bold; otherwise aligned text, the best with an asterisk.

    Returns:
        Lines joined by newlines, without one at the end.
    """
    names = sorted(models, key=lambda name: (models[name]["rmse"].mean, name))
    # Compared as printed, so that what looks equal is marked equally.
    best = {metric: f"{min(figures[metric].mean for figures in models.values()):.4f}" for metric in _METRICS}
    rows = [["model", *_METRICS]]
    for name in names:
        rows.append([_escaped(name) if markdown else name, *(_cell(models[name], m, best, markdown) for m in _METRICS)])
    reasons = [f"Left out: {name}: {reason}" for name, reason in skipped.items()]
    if markdown:
        lines = [" | ".join(row) for row in rows]
        lines = [f"| {lines[0]} |", "| --- | ---: | ---: |", *(f"| {line} |" for line in lines[1:])]
        return "\n".join([head, "", *lines, *(line for reason in reasons for line in ("", reason))])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "-" * (sum(widths) + 2 * (len(widths) - 1)))
    wrapped = [line for reason in reasons for line in textwrap.wrap(reason, _WIDTH)]
    return "\n".join([*textwrap.wrap(head, _WIDTH), "", *lines, *(["", *wrapped] if wrapped else [])])


def _cell(figures: Mapping[str, Interval], metric: str, best: Mapping[str, str], markdown: bool) -> str:
    interval = figures[metric]
    mean = f"{interval.mean:.4f}"
    if mean == best[metric]:
        mean = f"**{mean}**" if markdown else f"{mean}*"
    elif not markdown:
        mean += " "
    return f"{mean} ({interval.low:.4f}–{interval.high:.4f})"


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace("|", "\\|")
