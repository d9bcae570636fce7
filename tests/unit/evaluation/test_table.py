import re

import pytest

from visrec.evaluation.intervals import Interval
from visrec.evaluation.table import render

NAN = float("nan")


def figures(ndcg, recall, diversity=0.9):
    values = {"ndcg@10": ndcg, "recall@10": recall, "precision@10": 0.1, "mrr@10": 0.2, "map@10": 0.3}
    values |= {"hit_rate@10": 0.4, "coverage": 0.5, "novelty": 10.123456, "diversity": diversity}
    values |= {"popularity_share": 0.25, "gini": 0.6, "popularity_lift": -0.005, "miscalibration": 0.5}
    return {metric: Interval(value, value - 0.01, value + 0.02) for metric, value in values.items()}


@pytest.fixture
def models():
    return {
        "random": figures(0.01, 0.5),
        "ease": figures(0.4912, 0.3),
        "a-name-that-is-much-too-long-for-a-column": figures(0.25, 0.3, NAN),
    }


def test_text(models):
    lines = render({name: models[name] for name in ("random", "ease")}, {}, "Two models.", 10).splitlines()
    assert lines == [
        "Two models.",
        "",
        "model       ndcg@10    recall@10  precision@10       mrr@10       map@10  hit_rate@10",
        "-------------------------------------------------------------------------------------",
        "ease         0.491*       0.300         0.100*       0.200*       0.300*       0.400*",
        "        0.481–0.511  0.290–0.320   0.090–0.120  0.190–0.220  0.290–0.320  0.390–0.420",
        "random       0.010        0.500*        0.100*       0.200*       0.300*       0.400*",
        "        0.000–0.030  0.490–0.520   0.090–0.120  0.190–0.220  0.290–0.320  0.390–0.420",
        "",
        "model      coverage         gini      novelty    diversity",
        "----------------------------------------------------------",
        "ease          0.500        0.600        10.12        0.900",
        "        0.490–0.520  0.590–0.620  10.11–10.14  0.890–0.920",
        "random        0.500        0.600        10.12        0.900",
        "        0.490–0.520  0.590–0.620  10.11–10.14  0.890–0.920",
        "",
        "model   popularity_share  popularity_lift  miscalibration",
        "---------------------------------------------------------",
        "ease               0.250           -0.005           0.500",
        "             0.240–0.270  -0.015 to 0.015     0.490–0.520",
        "random             0.250           -0.005           0.500",
        "             0.240–0.270  -0.015 to 0.015     0.490–0.520",
    ]


def test_fits_a_terminal_of_100_columns(models):
    text = render(models, {"visual": "no images " * 20}, "A long head " * 20, 10)
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "a-name-that-is-much…" in text
    assert "n/a" in text
    assert "nan" not in text.lower()


def test_best_ndcg_first(models):
    text = render(models, {}, "", 10, markdown=True)
    assert re.findall(r"^\| ([a-z-]+) \| [*0]", text, re.M)[:3] == [
        "ease",
        "a-name-that-is-much-too-long-for-a-column",
        "random",
    ]


def test_markdown(models):
    lines = render(
        {"a|b": models["ease"], "c": models["random"]}, {"d": "why"}, "Head.", 10, markdown=True
    ).splitlines()
    assert lines[0] == "Head."
    assert lines[2] == "| model | ndcg@10 | recall@10 | precision@10 | mrr@10 | map@10 | hit_rate@10 |"
    assert lines[3] == "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    assert lines[4].startswith("| a\\|b | **0.491** (0.481–0.511) | 0.300 (0.290–0.320) | ")
    assert lines[5].startswith("| c | 0.010 (0.000–0.030) | **0.500** (0.490–0.520) | ")
    assert lines[-1] == "Left out: d: why"


def test_notes_stand_below_the_tables(models):
    for markdown in (False, True):
        notes = ["First " * 30, "Second."]
        text = render({"ease": models["ease"]}, {"x": "why"}, "Head.", 10, notes=notes, markdown=markdown)
        assert " ".join(text.split()).endswith(" ".join(["First"] * 30) + " Second. Left out: x: why")
        assert "\n\n\n" not in text
        assert max(len(line) for line in text.splitlines()) <= 100 or markdown


def test_nobody_took_part():
    assert render({}, {"ease": "no interactions"}, "Head.", 10) == "Head.\n\nLeft out: ease: no interactions"


def test_metric_that_nobody_has_marks_nothing():
    text = render({"a": {"ndcg@10": Interval(NAN, NAN, NAN)}}, {}, "Head.", 10)
    assert text.splitlines()[4].split() == ["a", "n/a"]
