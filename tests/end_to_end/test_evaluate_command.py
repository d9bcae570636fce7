"""`visrec evaluate` on every kind of split, with its report and pictures."""

from __future__ import annotations

import signal
from html.parser import HTMLParser

import pytest
from PIL import Image
from test_interrupted import interrupted

from visrec.recommenders.registry import RECOMMENDERS

EASE = ("--model", "ease")


class Texts(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_data(self, data):
        self.found.append(data)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--split", "user-cold"), "a random 20% of the users hidden from training (12 users), seed 42"),
        (("--split", "kfold", "--folds", "2"), "2 folds of each user's events, at random, seed 42"),
    ],
)
def test_users_are_hidden_or_folded(options, words, built, visrec):
    body = visrec("evaluate", built, *EASE, *options, "--json").json
    assert set(body["models"]) == {"ease", "popular", "random"}
    assert words in body["description"]
    assert body["models"]["ease"]["ndcg@10"]["mean"] > body["models"]["random"]["ndcg@10"]["mean"]
    assert [test["reference"] for test in body["significance"]][0] == max(
        body["models"], key=lambda name: body["models"][name]["ndcg@10"]["mean"]
    )
    for metric in ("gini", "popularity_lift", "miscalibration"):
        assert body["models"]["ease"][metric]["low"] <= body["models"]["ease"][metric]["high"]


def test_all_models_that_this_shop_allows(built, visrec):
    done = visrec("evaluate", built, "--model", "all", "--split", "item-cold", "--json").json
    assert set(done["models"]) | set(done["skipped"]) == set(RECOMMENDERS)
    # The shop has neither ratings nor embedded texts, and what is popular is known of old items only.
    assert "ratings" in done["skipped"]["visual-mf"]
    assert "text" in done["skipped"]["text-knn"]
    assert "never saw in training" in done["skipped"]["popular"]
    assert {"blend", "ease", "visual-knn", "category-knn", "random"} <= set(done["models"])
    assert done["leakage"]["n_checked"] > 0
    assert list(done["leakage"]) == ["threshold", "n_pairs", "n_hidden_items", "n_checked", "pairs"]


def test_report_and_pictures(built, visrec, tmp_path):
    report, charts = tmp_path / "new" / "report.html", tmp_path / "charts"
    done = visrec("evaluate", built, *EASE, "--learning-curve", "--report", report, "--charts", charts)
    assert "ndcg@10 by share (number) of the training events" in done.out
    page = report.read_text("utf-8")
    text = " ".join(Texts(page).found)
    assert f"visrec evaluate {built} --model ease --learning-curve --report {report} --charts {charts}" in text
    assert "Interactions" in text
    assert "colour-histogram" in text
    assert page.count("<img") == 3
    pictures = sorted(charts.iterdir())
    assert [path.name for path in pictures] == ["accuracy.png", "beyond-accuracy.png", "learning-curve.png"]
    for path in pictures:
        assert str(path) in done.err
        with Image.open(path) as image:
            image.verify()


def test_an_interrupted_evaluation_prints_what_is_done(built, visrec):
    done = interrupted("visrec.recommenders.random:Random:fit", 1, signal.SIGINT, "evaluate", built, *EASE)
    assert done.returncode == 130, done.stderr
    assert "Left out: random: interrupted before it was judged" in done.stdout
    assert done.stdout.split("\n\n")[1].count("\nease") == 1
    assert "Traceback" not in done.stderr
