"""An evaluation as one HTML file: figures, pictures, tests, how to make it again, and what every metric means."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from visrec.core.artifacts import write_atomic
from visrec.evaluation.charts import accuracy_chart, beyond_accuracy_chart, chart_bytes, learning_chart
from visrec.evaluation.definitions import DEFINITIONS, title_of
from visrec.evaluation.judge import BEYOND_ACCURACY
from visrec.evaluation.leakage import Leakage
from visrec.evaluation.report_page import chart, facts, figure, page, paragraph, preformatted, table, text
from visrec.evaluation.result import Evaluation
from visrec.evaluation.significance import Significance

__all__ = ["report_html", "versions_in_use", "write_report"]

_PACKAGES = ("visrec", "numpy", "scipy", "torch", "onnxruntime", "matplotlib")
_DECIMALS = {"novelty": 2, "popularity_lift": 2}


def write_report(evaluation: Evaluation, path: Path, *, data: Mapping[str, str], command: str) -> None:
    """Write a report; an older file is replaced.

    Args:
        evaluation: what was found.
        path: the file, by custom ending in .html.
        data: what was evaluated, name -> value, such as {"Interactions": "100,000"}.
        command: the command line that makes these figures again.
    """
    write_atomic(path, report_html(evaluation, data, command).encode())


def report_html(evaluation: Evaluation, data: Mapping[str, str], command: str) -> str:
    """The report as a page; see `write_report`. Equal evaluations give equal pages but for their times."""
    known = list(next(iter(evaluation.models.values()), {}))
    beyond = [metric for metric in known if metric in BEYOND_ACCURACY]
    return page(
        "Comparison of recommenders",
        _summary(evaluation),
        {
            "What was asked": _question(evaluation, data),
            "Accuracy": _accuracy(evaluation, [metric for metric in known if metric not in BEYOND_ACCURACY]),
            "Beyond accuracy": _beyond(evaluation, beyond),
            "Significance": _significance(evaluation.verdicts),
            "Learning curve": _learning(evaluation),
            "Left out": [table(["Model", " Reason"], [(name, text(why)) for name, why in evaluation.skipped.items()])]
            if evaluation.skipped
            else [],
            "How to make it again": _made(evaluation, command),
            "What the metrics mean": _metrics(known),
        },
    )


def versions_in_use() -> dict[str, str]:
    """Versions of what computed the figures, and the kind of machine."""
    found = {"Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found | {"Machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"}


def _summary(evaluation: Evaluation) -> str:
    if not evaluation.models:
        return "No model could take part; the reasons are below."
    best, metric = evaluation.best(), f"ndcg@{evaluation.k}"
    found = evaluation.models[best][metric]
    lead = f"{best} leads with {title_of(metric)} {found.mean:.3f} (95% interval {found.low:.3f}–{found.high:.3f})"
    if not evaluation.verdicts:
        return f"{lead}; no other model was judged."
    verdict = evaluation.verdicts[0]
    if not verdict.undecided:
        return f"{lead}, significantly ahead of every other model."
    if len(verdict.undecided) == len(verdict.comparisons):
        return f"{lead}, but no other model is significantly below it."
    return f"{lead}, significantly ahead of all but {', '.join(verdict.undecided)}."


def _question(evaluation: Evaluation, data: Mapping[str, str]) -> list[str]:
    values = {
        **data,
        "Split": f"{evaluation.split}: {evaluation.description}",
        "Users judged": f"{evaluation.n_users:,}",
        "Items to choose from": f"{evaluation.n_candidates:,} of {evaluation.n_items:,}; all of them are ranked",
        "Length of lists (k)": str(evaluation.k),
    }
    return [facts(values), *_leakage(evaluation.leakage)]


def _leakage(leakage: Leakage | None) -> list[str]:
    if leakage is None:
        return []
    if not leakage.pairs:
        return [paragraph(str(leakage))]
    rows = [(hidden, text(known), f"<td>{cosine:.4f}</td>") for hidden, known, cosine in leakage.pairs[:10]]
    return [paragraph(str(leakage), "warning"), table(["Hidden item", " Item in training", "Cosine"], rows)]


def _accuracy(evaluation: Evaluation, metrics: Sequence[str]) -> list[str]:
    if not metrics:
        return []
    tied = evaluation.verdicts[0].undecided if evaluation.verdicts else []
    note = "Means over users with 95% intervals (percentile bootstrap over users); the best of each column in blue."
    if tied:
        note += f" ≈ and a blue ring in the picture: not significantly below {evaluation.best()}."
    picture = chart(chart_bytes(accuracy_chart(evaluation), "svg"), "The figures of the table as dots with intervals")
    return [paragraph(note), picture, _table(evaluation, metrics, tied, mark_best=True)]


def _beyond(evaluation: Evaluation, metrics: Sequence[str]) -> list[str]:
    if not metrics:
        return []
    note = (
        "What is shown to people, and how it fits them. None of these has a best value: a random list covers "
        "everything. Coverage and Gini have jackknife intervals."
    )
    picture = chart(chart_bytes(beyond_accuracy_chart(evaluation), "svg"), "The figures of the table as dots")
    return [paragraph(note), picture, _table(evaluation, metrics, [], mark_best=False)]


def _table(evaluation: Evaluation, metrics: Sequence[str], tied: Sequence[str], *, mark_best: bool) -> str:
    highest = {metric: evaluation.models[evaluation.best(metric)][metric].mean for metric in metrics}
    rows = []
    for name in evaluation.ranked():
        found = evaluation.models[name]
        cells = [
            figure(found[m], decimals=_DECIMALS.get(m, 3), best=mark_best and found[m].mean == highest[m])
            for m in metrics
        ]
        rows.append((f"{name} ≈" if name in tied else name, *cells))
    return table(["Model", *map(title_of, metrics)], rows)


def _significance(verdicts: Sequence[Significance]) -> list[str]:
    if not verdicts:
        return []
    note = (
        "Two-sided paired sign-flip tests on the users' figures (9,999 random flips; Smucker et al. 2007, "
        "doi:10.1145/1321440.1321528), corrected for the number of models after Holm (1979). The differences have "
        "paired bootstrap intervals. The best was picked by the same figures: a p-value near the level needs care."
    )
    parts = [paragraph(note)]
    for verdict in verdicts:
        words = {name: word for word in ("above", "below") for name in getattr(verdict, word)}
        rows = [
            (
                line.model,
                figure(line.difference, decimals=4),
                f"<td>{line.p:.4f}</td>",
                f"<td>{line.p_adjusted:.4f}</td>",
                text(words.get(line.model, "no clear difference")),
            )
            for line in verdict.comparisons
        ]
        head = ["Model", f"{title_of(verdict.metric)}, difference", "p", "p, Holm", f" At {verdict.alpha:.0%}"]
        # Headings hold a model's name, which may hold anything: `facts` escapes it.
        parts += [facts({"Against": verdict.reference}), table(head, rows)]
    return parts


def _learning(evaluation: Evaluation) -> list[str]:
    curve = evaluation.curve
    if curve is None or not curve.points:
        return []
    columns = curve.columns()
    note = (
        f"{title_of(curve.metric)} after learning from a random share (number) of the training events; what is asked "
        "stays the same, each user's given history included."
    )
    picture = chart(chart_bytes(learning_chart(evaluation), "svg"), "The figures of the table as lines")
    rows = [(name, *map(figure, found.values())) for name, found in columns.items()]
    return [paragraph(note), picture, table(["Model", *next(iter(columns.values()))], rows)]


def _made(evaluation: Evaluation, command: str) -> list[str]:
    rows = [
        (name, *(f"<td>{value:,.2f}</td>" for value in vars(spent).values()), text(_settings(evaluation, name)))
        for name, spent in evaluation.seconds.items()
    ]
    head = ["Model", "Learning (s)", "Scoring (s)", "Measuring (s)", " Settings"]
    return [
        preformatted(command),
        paragraph("The same command on the same data with the same versions gives the same figures."),
        facts({"Seed": str(evaluation.seed), **versions_in_use()}),
        *([table(head, rows)] if rows else []),
    ]


def _settings(evaluation: Evaluation, model: str) -> str:
    settings = evaluation.settings.get(model, {})
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in settings.items()) or "none"


def _metrics(known: Sequence[str]) -> list[str]:
    shown = {metric.partition("@")[0] for metric in known}
    rows = [(d.title, text(d.meaning), text(d.formula), text(d.source)) for n, d in DEFINITIONS.items() if n in shown]
    note = (
        "hit(r) is 1 when the item at rank r is liked and else 0; R is the number of a user's liked items asked for; k "
        "is the length of the list. All items that the user has not been given are ranked."
    )
    return [paragraph(note), table(["Metric", " Meaning", " Formula", " Source"], rows)] if rows else []
