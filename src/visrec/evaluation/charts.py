"""Pictures of an evaluation: models compared metric by metric, and learning curves; equal figures give equal files."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from visrec.core.artifacts import write_atomic
from visrec.core.errors import InputError
from visrec.evaluation.definitions import axis_label, title_of
from visrec.evaluation.judge import BEYOND_ACCURACY
from visrec.evaluation.result import Evaluation
from visrec.evaluation.table import shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["accuracy_chart", "beyond_accuracy_chart", "chart_bytes", "learning_chart", "save_charts"]

#: Blue against grey, told apart by lightness and by filling too, with any colour vision and in black and white.
_BEST, _OTHER, _BEHIND, _GRID = "#0b62b0", "#6b7683", "#c3cad2", "#e9edf1"
_TEXT, _MUTED = "#1c2430", "#5b6675"
_DPI = 150
_NAME_WIDTH = 24
_PANELS_A_ROW = 5
#: A range of values, relative to them, that is nothing but rounding.
_SAME = 1e-6


def accuracy_chart(evaluation: Evaluation) -> Figure:
    """NDCG, recall, precision, MRR, MAP and hit rate; see `_dots`.

    Raises:
        NotFoundError: when no model took part.
    """
    known = evaluation.models[evaluation.best()]
    return _dots(evaluation, [metric for metric in known if metric not in BEYOND_ACCURACY])


def beyond_accuracy_chart(evaluation: Evaluation) -> Figure:
    """The metrics beyond accuracy that this catalogue defines; see `_dots`.

    Raises:
        NotFoundError: when no model took part.
    """
    known = evaluation.models[evaluation.best()]
    defined = [m for m in known if not all(np.isnan(figures[m].mean) for figures in evaluation.models.values())]
    return _dots(evaluation, [metric for metric in defined if metric in BEYOND_ACCURACY])


def _dots(evaluation: Evaluation, metrics: Sequence[str]) -> Figure:
    """A panel a metric, a line a model, the best NDCG on top: the mean as a dot, its 95% interval as a bar.

    Blue are the best model and those not significantly below it in NDCG; of these the best is filled.
    """
    names = evaluation.ranked()
    caption = f"Split {evaluation.split}, {evaluation.n_users:,} users; means with 95% intervals. Blue: the best NDCG"
    tied = evaluation.verdicts[0].undecided if evaluation.verdicts else []
    with _style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(2.0 + 1.75 * len(metrics), 1.3 + 0.27 * len(names)), layout="constrained")
        panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for axes, metric in zip(panels, metrics, strict=True):
            for place, name in enumerate(names):
                found = evaluation.models[name][metric]
                colour = _BEST if name == names[0] or name in tied else _OTHER
                filled = colour if name == names[0] else "white"
                axes.plot([found.low, found.high], [place, place], "|-", color=colour, markersize=5)
                axes.plot(found.mean, place, "o", color=colour, markerfacecolor=filled, markersize=5)
            axes.set_title(title_of(metric))
            axes.set_xlabel(axis_label(metric))
            axes.grid()
            axes.locator_params(axis="x", nbins=4)
            axes.margins(x=0.08)
            low, high = axes.get_xlim()
            if high - low < _SAME * max(abs(low), abs(high), 1.0):
                # Equal but for rounding, which the axis would be magnified to.
                axes.set_xlim(low - 0.5, high + 0.5)
        panels[0].set_yticks(range(len(names)), [shortened(name, _NAME_WIDTH) for name in names])
        panels[0].set_ylim(len(names) - 0.4, -0.6)
        figure.suptitle(caption + (", and what is not significantly below it" if tied else ""), color=_MUTED)
    return figure


def learning_chart(evaluation: Evaluation) -> Figure:
    """A panel a model, the best at the end first: its line over the amount of training data, with a 95% band.

    The grey lines behind it are the other models'.

    Raises:
        InputError: when the evaluation has no learning curve.
    """
    curve = evaluation.curve
    if curve is None or not curve.points:
        raise InputError("Expected an evaluation with a learning curve, got one without.")
    x = np.array(curve.shares) * 100
    n_columns = min(_PANELS_A_ROW, len(curve.points))
    n_rows = -(-len(curve.points) // n_columns)
    with _style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(max(4.5, 2.3 * n_columns), 1.0 + 1.75 * n_rows), layout="constrained")
        panels = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, name in zip(panels, curve.points, strict=False):
            for points in curve.points.values():
                axes.plot(x, [point.mean for point in points], color=_BEHIND, linewidth=1)
            points = curve.points[name]
            band = ([point.low for point in points], [point.high for point in points])
            axes.fill_between(x, *band, color=_BEST, alpha=0.18, linewidth=0)
            axes.plot(x, [point.mean for point in points], "o-", color=_BEST, linewidth=2, markersize=4)
            axes.set_title(shortened(name, _NAME_WIDTH))
            axes.set_xticks(x, [f"{share:.0f}" for share in x])
            axes.grid(axis="y")
        for place, axes in enumerate(panels):
            axes.set_visible(place < len(curve.points))
            axes.tick_params(axis="x", labelbottom=place + n_columns >= len(curve.points))
        panels[0].set_ylim(bottom=0.0)
        figure.suptitle(f"Split {evaluation.split}, {evaluation.n_users:,} users; means with 95% bands", color=_MUTED)
        figure.supxlabel(f"Share of the training events, % (100% is {curve.n_events[-1]:,})", color=_MUTED)
        figure.supylabel(title_of(curve.metric), color=_MUTED)
    return figure


def chart_bytes(figure: Figure, form: Literal["png", "svg"]) -> bytes:
    """A chart as a PNG (150 dots an inch) or SVG file, without a date."""
    file = io.BytesIO()
    metadata: dict[str, None] = {"Software": None} if form == "png" else {"Date": None, "Creator": None}
    with _style():
        figure.savefig(file, format=form, dpi=_DPI, metadata=metadata)
    return file.getvalue()


def save_charts(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write accuracy.png, beyond-accuracy.png and, where there is one, learning-curve.png; older ones are replaced.

    Raises:
        NotFoundError: when no model took part.
    """
    charts: Mapping[str, Any] = {"accuracy": accuracy_chart, "beyond-accuracy": beyond_accuracy_chart}
    if evaluation.curve is not None:
        charts = {**charts, "learning-curve": learning_chart}
    written = []
    for name, draw in charts.items():
        path = folder / f"{name}.png"
        write_atomic(path, chart_bytes(draw(evaluation), "png"))
        written.append(path)
    return written


@contextmanager
def _style() -> Iterator[None]:
    """Within this, matplotlib draws in our style; its settings are restored afterwards."""
    import matplotlib

    settings: Any = {
        "font.size": 9.0,
        "text.color": _TEXT,
        "figure.titlesize": 9.0,
        "figure.labelsize": 9.0,
        "axes.labelcolor": _MUTED,
        "axes.edgecolor": _MUTED,
        "axes.titlesize": 10.0,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "grid.color": _GRID,
        "xtick.color": _MUTED,
        "ytick.color": _MUTED,
        "ytick.labelcolor": _TEXT,
        # A dollar sign in a name begins no formula.
        "text.parse_math": False,
        # Text stays text: a browser finds the font for every script.
        "svg.fonttype": "none",
        "svg.hashsalt": "visrec",
    }
    with matplotlib.rc_context(settings):
        yield
