from dataclasses import replace
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from fake_models import by_row, co_occurrence, hashed, oracle
from PIL import Image

from visrec.core.errors import InputError, NotFoundError
from visrec.evaluation.charts import accuracy_chart, beyond_accuracy_chart, chart_bytes, learning_chart, save_charts
from visrec.evaluation.evaluate import evaluate
from visrec.evaluation.intervals import Interval
from visrec.evaluation.learning_curve import with_learning_curve
from visrec.evaluation.splits import make_split

NAME = "co $x$ 时尚"


@pytest.fixture(scope="module")
def found(shop):
    split = make_split(shop, "random")
    # The second and the third are as good as each other.
    models = {"hashed": hashed(), "oracle": oracle(split), "twin": oracle(split), NAME: co_occurrence()}
    return evaluate(split, models)


@pytest.fixture(scope="module")
def curve(shop):
    split, models = make_split(shop, "random"), {"co": co_occurrence(), "rows": by_row()}
    return with_learning_curve(evaluate(split, models), split, models, shares=(0.2,))


def texts(svg):
    return ["".join(node.itertext()) for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("}text")]


def test_dots_are_the_figures_best_first(found):
    panels = accuracy_chart(found).axes
    assert [axes.get_title(loc="left") for axes in panels][:2] == ["NDCG@10", "Recall@10"]
    assert len(panels) == 6
    names = found.ranked()
    assert [label.get_text() for label in panels[0].get_yticklabels()] == names
    assert panels[0].yaxis_inverted()
    bars, dots = panels[1].lines[::2], panels[1].lines[1::2]
    figures = [found.models[name]["recall@10"] for name in names]
    np.testing.assert_allclose([bar.get_xdata() for bar in bars], [[f.low, f.high] for f in figures])
    np.testing.assert_allclose([dot.get_xdata()[0] for dot in dots], [f.mean for f in figures])
    assert [bar.get_ydata()[0] for bar in bars] == [0, 1, 2, 3]


def test_the_best_is_filled_and_what_is_not_significantly_below_it_has_its_colour(found):
    assert found.ranked()[:2] == ["oracle", "twin"]
    dots = accuracy_chart(found).axes[0].lines[1::2]
    colours = [dot.get_color() for dot in dots]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [False, True, True, True]


def test_only_metrics_that_are_defined_get_a_panel(found):
    axes = beyond_accuracy_chart(found).axes
    assert [(panel.get_title(loc="left"), panel.get_xlabel()) for panel in axes] == [
        ("Coverage", "0 to 1"),
        ("Gini", "0 to 1"),
        ("Novelty", "bits"),
        ("Diversity", "1 - cosine"),
        ("Popularity share", "0 to 1"),
        ("Popularity lift", "doublings"),
    ]


def test_what_differs_by_rounding_alone_is_not_magnified(found):
    novelty = {name: found.models[name]["novelty"] for name in found.models}
    alike = {name: Interval(9.88 + row * 1e-12, 9.88, 9.88 + row * 1e-12) for row, name in enumerate(novelty)}
    models = {name: {**figures, "novelty": alike[name]} for name, figures in found.models.items()}
    panels = beyond_accuracy_chart(replace(found, models=models)).axes
    (axes,) = [panel for panel in panels if panel.get_title(loc="left") == "Novelty"]
    low, high = axes.get_xlim()
    assert 0.5 < high - low < 2
    assert low < 9.88 < high


def test_learning_curve_draws_every_point(curve):
    panels = learning_chart(curve).axes
    assert [axes.get_title(loc="left") for axes in panels] == list(curve.curve.points)
    for axes, points in zip(panels, curve.curve.points.values(), strict=True):
        line = axes.lines[-1]
        np.testing.assert_allclose(line.get_xydata(), [[20, points[0].mean], [100, points[1].mean]])
        assert len(axes.lines) == 3
    assert [label.get_text() for label in panels[0].get_xticklabels()] == ["20", "100"]


def test_svg_keeps_names_as_text_and_repeats_itself(curve, found):
    # No font of ours need hold the glyphs: the reader's does.
    with pytest.warns(UserWarning, match="missing from font"):
        svg = chart_bytes(accuracy_chart(found), "svg")
    assert NAME in texts(svg)
    first, second = (chart_bytes(learning_chart(curve), "svg") for _ in range(2))
    assert first == second
    assert b"<dc:date>" not in first


def test_files_and_the_users_matplotlib_is_left_alone(curve, tmp_path):
    before = dict(matplotlib.rcParams)
    written = save_charts(curve, tmp_path / "new")
    assert [path.name for path in written] == ["accuracy.png", "beyond-accuracy.png", "learning-curve.png"]
    with Image.open(written[0]) as image:
        assert image.format == "PNG"
        assert image.width > 1500
    assert dict(matplotlib.rcParams) == before


def test_nothing_to_draw(found, shop):
    with pytest.raises(InputError, match="learning curve"):
        learning_chart(found)
    old = hashed()
    old.capabilities = type(old.capabilities)(new_items=False)
    with pytest.raises(NotFoundError, match="took part"):
        accuracy_chart(evaluate(make_split(shop, "item-cold"), {"old": old}))
