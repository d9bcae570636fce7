import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from fake_models import Fake, by_row, co_occurrence, hashed, oracle

from visrec.core.errors import UnsupportedError
from visrec.evaluation import report
from visrec.evaluation.definitions import DEFINITIONS, title_of
from visrec.evaluation.evaluate import evaluate
from visrec.evaluation.learning_curve import with_learning_curve
from visrec.evaluation.report import report_html, versions_in_use, write_report
from visrec.evaluation.splits import make_split

EVIL = '<script>alert("x")</script>&"'


class Page(HTMLParser):
    """Checks that tags nest, and collects what a reader and a browser see."""

    VOID = frozenset({"meta", "img", "source", "br", "link"})

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text, self.attributes = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data.strip())


def rows_of(text, table_after):
    """Cells of the first table after a word, by row."""
    part = text[text.index(table_after) :]
    part = part[part.index("<tbody>") : part.index("</tbody>")]
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in part.split("<tr>")[1:]]


@pytest.fixture(scope="module")
def found(shop):
    split = make_split(shop, "random")

    def refuse(*_):
        raise UnsupportedError(f"Expected {EVIL}.")

    models = {"oracle": oracle(split), "popular": hashed(), EVIL: by_row(), "left": Fake(refuse)}
    return evaluate(split, models)


@pytest.fixture(scope="module")
def page(found):
    return report_html(found, {"Items": "50"}, "visrec evaluate shop --seed 1")


@pytest.fixture
def blank(monkeypatch):
    """Empty pictures: drawing takes longer than all else."""
    for name in ("accuracy_chart", "beyond_accuracy_chart", "learning_chart"):
        monkeypatch.setattr(report, name, lambda _: None)
    monkeypatch.setattr(report, "chart_bytes", lambda *_: b"<svg/>")


def test_figures_with_intervals_are_in_the_tables(found, page):
    rows = rows_of(page, "<h2>Accuracy")
    assert rows[0][0] == "oracle"
    figures = found.models["oracle"]["recall@10"]
    assert rows[0][2] == f"{figures.mean:.3f}<small>{figures.low:.3f}–{figures.high:.3f}</small>"
    beyond = rows_of(page, "<h2>Beyond accuracy")
    gini = found.models["oracle"]["gini"]
    assert beyond[0][2] == f"{gini.mean:.3f}<small>{gini.low:.3f}–{gini.high:.3f}</small>"
    assert beyond[0][7] == "n/a"
    against = rows_of(page, "<dd>oracle</dd>")
    assert [row[4] for row in against] == ["below", "below"]
    assert against[0][3] == f"{found.verdicts[0].comparisons[0].p_adjusted:.4f}"
    text = " ".join(Page(page).text)
    lead = "oracle leads with NDCG@10 1.000 (95% interval 1.000–1.000), significantly ahead of every other model."
    assert lead in text


def test_what_is_not_significantly_below_the_best_is_marked(shop, blank):
    split = make_split(shop, "random")
    page = report_html(evaluate(split, {"a": oracle(split), "b": oracle(split), "rows": by_row()}), {}, "")
    assert [row[0] for row in rows_of(page, "<h2>Accuracy")] == ["a", "b ≈", "rows"]
    assert "significantly ahead of all but b." in page


def test_everything_from_outside_is_escaped(found, blank):
    parsed = Page(report_html(found, {EVIL: EVIL}, EVIL))
    assert "script" not in parsed.tags
    # Fact twice, command, the model's name in tables and tests, the reason.
    assert " ".join(parsed.text).count("<script>") >= 7


def test_nothing_is_asked_of_the_network_and_nothing_runs(page):
    parsed = Page(page)
    loading = [(tag, name, value) for tag, name, value in parsed.attributes if name in ("src", "srcset", "href")]
    assert loading
    assert all(value.startswith(("data:image/svg+xml;base64,", "#")) for _, _, value in loading)
    assert not {"script", "iframe", "link", "object"} & set(parsed.tags)
    assert not any(name.startswith("on") for _, name, _ in parsed.attributes)
    policy = [value for tag, name, value in parsed.attributes if tag == "meta" and value.startswith("default-src")]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_pictures_are_svg_and_described(page):
    parsed = Page(page)
    pictures = [value for _, name, value in parsed.attributes if name == "src"]
    assert len(pictures) == 2
    for picture in pictures:
        assert ElementTree.fromstring(base64.b64decode(picture.split(",")[1])).tag.endswith("svg")
    assert len([value for tag, name, value in parsed.attributes if (tag, name) == ("img", "alt") and value]) == 2


def test_links_lead_somewhere(page):
    parsed = Page(page)
    targets = [value for _, name, value in parsed.attributes if name == "id"]
    links = [value.removeprefix("#") for tag, name, value in parsed.attributes if (tag, name) == ("a", "href")]
    assert links == targets
    assert len(links) == 7
    assert "Left out" in parsed.text
    assert "Learning curve" not in parsed.text


def test_how_to_make_it_again(found, page):
    text = " ".join(Page(page).text)
    for expected in ("visrec evaluate shop --seed 1", "sizes=[1, 2]", "Seed 42", "Items 50", found.description):
        assert expected in text
    for name, value in versions_in_use().items():
        assert f"{name} {value}" in text
    assert {"visrec", "numpy", "Python", "Machine"} <= set(versions_in_use())


def test_learning_curve_is_shown(shop, blank):
    split, models = make_split(shop, "random"), {"co": co_occurrence(), "rows": by_row()}
    found = with_learning_curve(evaluate(split, models), split, models, shares=(0.2,))
    page = report_html(found, {}, "")
    rows = rows_of(page, "<h2>Learning curve")
    assert [row[0] for row in rows] == found.ranked()
    assert rows[0][2].startswith(f"{found.curve.points[found.best()][1].mean:.3f}<small>")
    assert "20% (" in page


def test_leakage_is_shown(dataset_of, blank):
    rows = [(user, item, 1, 1) for user in range(4) for item in range(20)]
    images = np.array([[item // 2 + 1, 10 - item // 2] for item in range(20)])
    split = make_split(dataset_of(rows, 4, 20, images), "item-cold")
    page = report_html(evaluate(split, {"rows": by_row()}), {}, "")
    assert split.leakage.n_pairs > 0
    assert f'<p class="warning">{split.leakage}</p>' in page
    assert [row[:2] for row in rows_of(page, "Item in training")] == [list(pair[:2]) for pair in split.leakage.pairs]


def test_nobody_took_part_and_the_file_is_replaced(shop, tmp_path):
    old = hashed()
    old.capabilities = type(old.capabilities)(new_items=False)
    nobody = evaluate(make_split(shop, "item-cold"), {"old": old})
    path = tmp_path / "reports" / "report.html"
    for command in ("first", "second"):
        write_report(nobody, path, data={}, command=command)
    text = " ".join(Page(path.read_text("utf-8")).text)
    assert "No model could take part" in text
    assert "never saw in training" in text
    assert "second" in text
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


def test_one_model_alone(shop, blank):
    page = report_html(evaluate(make_split(shop, "random"), {"rows": by_row()}), {}, "")
    assert "no other model was judged" in page
    assert "<h2>Significance" not in page


def test_every_metric_is_defined(found, page):
    assert {metric.partition("@")[0] for metric in found.models["oracle"]} == set(DEFINITIONS)
    for metric in found.models["oracle"]:
        assert title_of(metric) in page
