"""An evaluation as a table for people."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np

from visrec.evaluation.intervals import Interval
from visrec.evaluation.judge import BEYOND_ACCURACY

__all__ = ["render", "shortened"]

Models = Mapping[str, Mapping[str, Interval]]

_WIDTH = 100
_NAME_WIDTH = 20
_GAP = "  "
_DECIMALS = {"novelty": 2}
#: Tables after the one of accuracy, which have no best value.
_SECTIONS = (BEYOND_ACCURACY[:4], BEYOND_ACCURACY[4:])


def render(
    models: Models,
    skipped: Mapping[str, str],
    head: str,
    k: int,
    *,
    notes: Sequence[str] = (),
    curve: Models | None = None,
    markdown: bool = False,
) -> str:
    """Three tables, of accuracy, of what is shown and of how it fits the user, of models sorted by NDCG.

    Args:
        models: model -> metric -> interval; every model has the same metrics.
        skipped: model -> reason why it is not in the table.
        head: one paragraph above the tables.
        k: length of the judged lists.
        notes: paragraphs below the tables.
        curve: model, best first -> amount of training data -> NDCG; a further table.
        markdown: pipe tables, the best of a metric in bold; otherwise aligned text of at most 100 columns,
            each interval below its mean, the best of a metric with an asterisk.

    Returns:
        Lines joined by newlines, without one at the end.
    """
    names = sorted(models, key=lambda name: (-np.nan_to_num(models[name][f"ndcg@{k}"].mean), name))
    lines = [head] if markdown else textwrap.wrap(head, _WIDTH)
    metrics = list(models[names[0]]) if names else []
    accuracy = [metric for metric in metrics if metric not in BEYOND_ACCURACY]
    draw = _markdown if markdown else _text
    for section in (accuracy, *([metric for metric in section if metric in metrics] for section in _SECTIONS)):
        if section:
            lines += ["", *draw(models, names, section, _best(models, section) if section is accuracy else {})]
    if curve:
        title = f"ndcg@{k} by share (number) of the training events that was learned from:"
        lines += ["", title, "", *draw(curve, list(curve), list(next(iter(curve.values()))), {})]
    for paragraphs in (notes, [f"Left out: {name}: {reason}" for name, reason in skipped.items()]):
        wrapped = [[text, ""] if markdown else textwrap.wrap(text, _WIDTH) for text in paragraphs]
        lines += ["", *(line for block in wrapped for line in block)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip()


def _best(models: Models, metrics: Sequence[str]) -> dict[str, str]:
    """Each metric's highest mean as it is printed, so that what looks equal is marked equally."""
    best = {}
    for metric in metrics:
        known = [figures[metric] for figures in models.values() if not np.isnan(figures[metric].mean)]
        best[metric] = _texts(metric, max(known, key=lambda figure: figure.mean))[0] if known else ""
    return best


def _texts(metric: str, interval: Interval) -> tuple[str, str]:
    return interval.texts(_DECIMALS.get(metric, 3))


def _markdown(models: Models, names: Sequence[str], metrics: Sequence[str], best: Mapping[str, str]) -> list[str]:
    lines = ["| model | " + " | ".join(metrics) + " |", "| --- |" + " ---: |" * len(metrics)]
    for name in names:
        cells = []
        for metric in metrics:
            mean, limits = _texts(metric, models[name][metric])
            marked = f"**{mean}**" if mean == best.get(metric) else mean
            cells.append(f"{marked} ({limits})" if limits else marked)
        escaped = name.replace("\\", "\\\\").replace("|", "\\|")
        lines.append(f"| {escaped} | " + " | ".join(cells) + " |")
    return lines


def _text(models: Models, names: Sequence[str], metrics: Sequence[str], best: Mapping[str, str]) -> list[str]:
    rows = [["model", *metrics]]
    for name in names:
        means, limits = zip(*(_texts(metric, models[name][metric]) for metric in metrics), strict=True)
        # The blank keeps the figures of a column below each other where one of them has the asterisk.
        marked = [
            mean + ("*" if mean == best.get(metric) else " ") if best else mean
            for metric, mean in zip(metrics, means, strict=True)
        ]
        rows += [[shortened(name, _NAME_WIDTH), *marked], ["", *limits]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(metrics) + 1)]
    lines = [_line(row, widths) for row in rows]
    return [lines[0], "-" * (sum(widths) + len(_GAP) * len(metrics)), *lines[1:]]


def shortened(name: str, width: int) -> str:
    """A name of at most so many characters, with an ellipsis where it was longer."""
    return name if len(name) <= width else name[: width - 1] + "…"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    return _GAP.join([row[0].ljust(widths[0]), *cells]).rstrip()
