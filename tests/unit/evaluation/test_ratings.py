"""RMSE and MAE by plain loops, their intervals, and the table."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from rating_shops import items_of_two_looks, rated, two_tastes
from visrec.core.dataset import Dataset
from visrec.core.errors import InputError, NotFoundError, UnsupportedError
from visrec.core.protocols import Capabilities
from visrec.evaluation.intervals import Interval
from visrec.evaluation.rating_split import rating_folds
from visrec.evaluation.rating_table import render_ratings
from visrec.evaluation.ratings import GLOBAL_MEAN, evaluate_ratings


class Guess:
    """Predicts item row / 10 + user row / 100 + an offset, and counts its fits."""

    id = "guess"
    capabilities = Capabilities(ratings=True)
    settings = None

    def __init__(self, offset=0.0, spoil=None):
        self.offset, self.spoil, self.fits = offset, spoil, 0

    def fit(self, dataset, progress=None):
        if self.spoil == "unsupported":
            raise UnsupportedError("guess needs something else")
        self.fits += 1
        return self

    def predict(self, histories, items, user_index, item_index):
        values = (item_index / 10 + user_index / 100 + self.offset).astype(np.float32)
        if self.spoil == "nan":
            values[0] = np.nan
        return values[:-1] if self.spoil == "short" else values


class Ranks:
    capabilities = Capabilities()


@pytest.fixture(scope="module")
def shop():
    return two_tastes()


def loop(shop, offset, metric, split="kfold"):
    """The figure of each fold by a plain loop."""
    figures = []
    for fold in rating_folds(shop, split, folds=4, seed=9):
        errors = []
        for user, item, rating in zip(fold.user_index, fold.item_index, fold.rating, strict=True):
            errors.append(item / 10 + user / 100 + offset - rating)
        if metric == "rmse":
            figures.append(math.sqrt(sum(e * e for e in errors) / len(errors)))
        else:
            figures.append(sum(abs(e) for e in errors) / len(errors))
    return figures


@pytest.mark.parametrize("split", ["kfold", "random", "user-time", "item-cold"])
def test_figures_are_those_of_a_plain_loop(shop, split):
    found = evaluate_ratings(shop, {"guess": Guess(0.5)}, split=split, folds=4, seed=9)
    for metric in ("rmse", "mae"):
        expected = loop(shop, 0.5, metric, split)
        np.testing.assert_allclose(found.folds["guess"][metric], expected, rtol=1e-6)
        interval = found.models["guess"][metric]
        assert interval.mean == pytest.approx(sum(expected) / len(expected), rel=1e-6)
        assert interval.low < interval.mean < interval.high
    assert found.n_folds == (4 if split == "kfold" else 1)
    assert found.n_ratings == sum(len(fold.rating) for fold in rating_folds(shop, split, folds=4, seed=9))


def test_the_global_mean_is_the_training_parts(shop):
    found = evaluate_ratings(shop, {}, folds=3, seed=5)
    expected = []
    for fold in rating_folds(shop, "kfold", folds=3, seed=5):
        mean = float(np.mean(fold.train.histories.rating.astype(np.float64)))
        expected.append(math.sqrt(sum((mean - r) ** 2 for r in fold.rating) / len(fold.rating)))
    np.testing.assert_allclose(found.folds[GLOBAL_MEAN]["rmse"], expected, rtol=1e-6)


def test_intervals_are_a_bootstrap_over_users(shop):
    """Against users drawn one by one: the same spread, and wider than if pairs were drawn."""
    found = evaluate_ratings(shop, {"guess": Guess()}, split="random", seed=9)
    (fold,) = rating_folds(shop, "random", seed=9)
    errors = fold.item_index / 10 + fold.user_index / 100 - fold.rating
    users = np.unique(fold.user_index)
    generator = np.random.default_rng(0)
    means = []
    for _ in range(2000):
        drawn = np.concatenate([errors[fold.user_index == user] for user in generator.choice(users, len(users))])
        means.append(np.sqrt(np.mean(drawn**2)))
    low, high = np.percentile(means, (2.5, 97.5))
    interval = found.models["guess"]["rmse"]
    width = high - low
    assert abs(interval.low - low) < 0.1 * width
    assert abs(interval.high - high) < 0.1 * width


def test_a_difference_is_paired(shop):
    found = evaluate_ratings(shop, {"a": Guess(), "b": Guess(0.001)}, folds=3)
    difference = found.difference("a", "b")
    assert difference.mean == pytest.approx(found.models["a"]["rmse"].mean - found.models["b"]["rmse"].mean)
    assert difference.high - difference.low < 0.01 * (found.models["a"]["rmse"].high - found.models["a"]["rmse"].low)
    for pair in (("a", "c", "rmse"), ("a", "b", "ndcg")):
        with pytest.raises(NotFoundError, match="rmse or mae"):
            found.difference(*pair)


def test_every_model_is_fitted_for_every_fold(shop):
    model = Guess()
    evaluate_ratings(shop, {"guess": model}, folds=3)
    assert model.fits == 3


def test_equal_arguments_give_equal_json_without_times(shop):
    first, second = (evaluate_ratings(shop, {"guess": Guess()}, folds=3) for _ in range(2))
    assert json.dumps(first.to_json(), allow_nan=False) == json.dumps(second.to_json(), allow_nan=False)
    body = first.to_json()
    assert set(body["models"]) == {"guess", GLOBAL_MEAN}
    assert set(body["models"]["guess"]["rmse"]) == {"mean", "low", "high", "folds"}
    assert "seconds" not in body


def test_models_that_cannot_take_part_are_named(shop):
    found = evaluate_ratings(shop, {"ranks": Ranks(), "no": Guess(spoil="unsupported"), "yes": Guess()}, folds=2)
    assert found.skipped == {"ranks": "it ranks, and predicts no ratings", "no": "guess needs something else"}
    assert set(found.models) == {"yes", GLOBAL_MEAN}
    assert "Left out: no: guess needs something else" in found.table()


@pytest.mark.parametrize(("spoil", "message"), [("nan", "1 that are none"), ("short", r"got \(\d+,\)")])
def test_predictions_that_are_none_are_refused(shop, spoil, message):
    with pytest.raises(InputError, match=message):
        evaluate_ratings(shop, {"guess": Guess(spoil=spoil)}, folds=2)


def test_the_global_means_name_is_taken(shop):
    with pytest.raises(InputError, match=GLOBAL_MEAN):
        evaluate_ratings(shop, {GLOBAL_MEAN: Guess()})


def test_constant_ratings_have_no_error():
    histories = rated([[(i, 4.0) for i in range(3)] for _ in range(4)], 3)
    found = evaluate_ratings(Dataset(histories, items_of_two_looks(3)), {}, folds=3)
    assert found.models[GLOBAL_MEAN]["rmse"] == Interval(0.0, 0.0, 0.0)
    json.dumps(found.to_json(), allow_nan=False)


def test_the_table_is_sorted_and_marks_the_best_as_printed():
    models = {
        "ten": {"rmse": Interval(10.0, 9.5, 10.5), "mae": Interval(0.7, 0.6, 0.8)},
        "nine|": {"rmse": Interval(9.00001, 8.0, 9.5), "mae": Interval(0.8, 0.7, 0.9)},
    }
    assert render_ratings(models, {"x": "why"}, "Head.").splitlines() == [
        "Head.",
        "",
        "model  rmse                       mae",
        "---------------------------------------------------------",
        "nine|  9.0000* (8.0000–9.5000)    0.8000  (0.7000–0.9000)",
        "ten    10.0000  (9.5000–10.5000)  0.7000* (0.6000–0.8000)",
        "",
        "Left out: x: why",
    ]
    assert render_ratings(models, {}, "Head.", markdown=True).splitlines() == [
        "Head.",
        "",
        "| model | rmse | mae |",
        "| --- | ---: | ---: |",
        "| nine\\| | **9.0000** (8.0000–9.5000) | 0.8000 (0.7000–0.9000) |",
        "| ten | 10.0000 (9.5000–10.5000) | **0.7000** (0.6000–0.8000) |",
    ]
