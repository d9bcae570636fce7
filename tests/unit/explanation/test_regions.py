"""Regions, what they are worth, and the curves that hold it against the score."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest

from visrec.explanation.curves import area_under, deletion_masks, insertion_masks
from visrec.explanation.region_methods import METHODS, kernel_shap, lime, occlusion, occlusion_grid
from visrec.explanation.regions import RegionMap, hide, superpixels

GRID = occlusion_grid(40, 40, 4)
N = 16


def checked(value):
    """A value that insists on being asked once, with shown regions as flags."""
    calls = []

    def ask(shown):
        calls.append(shown)
        assert len(calls) == 1
        assert shown.dtype == np.bool_
        return value(shown)

    return ask


def test_the_shapley_values_of_a_sum_are_its_summands():
    worth = np.random.default_rng(0).normal(size=N)
    found = kernel_shap(GRID, checked(lambda shown: 2 + shown @ worth), 200)
    np.testing.assert_allclose(found.weights, worth, atol=1e-3)
    assert found.fit == pytest.approx(1, abs=1e-4)
    assert (found.whole, found.hidden) == (pytest.approx(2 + worth.sum()), 2)


def test_kernel_shap_comes_to_the_shapley_values_of_a_game():
    labels, n = np.arange(5)[None], 5
    game = {s: np.random.default_rng(hash(s) % 1000).normal() for k in range(n + 1) for s in combinations(range(n), k)}

    def value(shown):
        return np.array([game[tuple(np.flatnonzero(row).tolist())] for row in shown])

    expected = np.zeros(n)
    for s, worth in game.items():
        for player in range(n):
            if player not in s:
                joined = tuple(sorted((*s, player)))
                expected[player] += (game[joined] - worth) / (n * comb(n - 1, len(s)))
    found = kernel_shap(labels, value, 20_000)
    np.testing.assert_allclose(found.weights, expected, atol=0.1)
    assert found.weights.sum() == pytest.approx(found.whole - found.hidden)


@pytest.mark.parametrize("n_samples", [20, 40, 500])
def test_shapley_values_add_up_however_few_are_asked_for(n_samples):
    found = kernel_shap(GRID, lambda shown: np.sqrt(shown.sum(axis=1)) + shown[:, 3] * shown[:, 5], n_samples)
    assert found.weights.sum() == pytest.approx(found.whole - found.hidden, abs=1e-8)


def test_lime_is_the_weighted_ridge_regression_of_its_samples():
    asked = []

    def value(shown):
        asked.append(shown)
        return shown[:, 2] * 3.0 - shown[:, 7] * shown[:, 8]

    found = lime(GRID, value, 300)
    shown = asked[0].astype(float)
    kernel = np.exp(-(((1 - np.sqrt(shown.mean(axis=1))) / 0.25) ** 2))
    root = np.sqrt(kernel)[:, None]
    # The intercept is not held back: its row of the ridge is 0.
    design = np.concatenate([np.ones((300, 1)), shown], axis=1)
    ridge = np.diag([0.0, *np.ones(N)])
    y = shown[:, 2] * 3.0 - shown[:, 7] * shown[:, 8]
    expected = np.linalg.solve((design * root).T @ (design * root) + ridge, (design * root).T @ (y * root[:, 0]))[1:]
    np.testing.assert_allclose(found.weights, expected, atol=1e-8)
    assert found.weights.argmax() == 2
    assert 0.8 < found.fit <= 1


def test_occlusion_is_the_mean_fall_under_the_windows_that_hide_a_cell():
    grid = occlusion_grid(50, 50, 5)
    worth = np.arange(25.0).reshape(5, 5)
    found = occlusion(grid, checked(lambda shown: shown.astype(float) @ worth.ravel()))
    expected = np.zeros((5, 5))
    for y, x in np.ndindex(5, 5):
        falls = [
            worth[top : top + 3, left : left + 3].sum()
            for top in range(3)
            for left in range(3)
            if top <= y < top + 3 and left <= x < left + 3
        ]
        expected[y, x] = np.mean(falls)
    np.testing.assert_allclose(found.weights.reshape(5, 5), expected)


@pytest.mark.parametrize("method", METHODS)
def test_a_picture_that_never_matters_has_no_map(method):
    found = METHODS[method](GRID, lambda shown: np.full(len(shown), 4.0), 50)
    np.testing.assert_allclose(found.weights, 0, atol=1e-9)
    assert not found.heat().any()
    assert found.fit in (None, 0.0)


def test_one_region_alone_is_worth_everything():
    found = kernel_shap(np.zeros((8, 8), np.int64), lambda shown: shown[:, 0] * 5.0, 20)
    assert found.weights.tolist() == [5.0]


def test_superpixels_follow_edges_and_hide_what_they_cover():
    pixels = np.full((64, 64, 3), 255, np.uint8)
    pixels[:, 32:] = (200, 0, 0)
    labels = superpixels(pixels, 8)
    assert set(np.unique(labels)) == set(range(labels.max() + 1))
    left, right = set(labels[:, :30].ravel()), set(labels[:, 34:].ravel())
    assert not left & right
    shown = np.array([[region in left for region in range(labels.max() + 1)]])
    hidden = hide(pixels, np.zeros_like(pixels), labels, shown)
    assert hidden.shape == (1, 64, 64, 3)
    assert (hidden[0, :, :30] == 255).all()
    assert (hidden[0, :, 34:] == 0).all()
    assert superpixels(np.full((32, 32, 3), 9, np.uint8)).shape == (32, 32)
    assert superpixels(np.full((1, 1, 3), 9, np.uint8)).tolist() == [[0]]


def test_a_map_is_told_by_its_largest_regions():
    labels = np.array([[0, 0], [1, 2]])
    told = RegionMap("lime", labels, np.array([0.1, -2.0, 1.0]), 3.0, 1.0, 0.5).to_json(2)
    assert told["regions"] == [
        {"weight": -2.0, "area": 0.25, "box": [0.0, 0.5, 0.5, 1.0]},
        {"weight": 1.0, "area": 0.25, "box": [0.5, 0.5, 1.0, 1.0]},
    ]
    assert (told["method"], told["score"], told["hidden"], told["fit"]) == ("lime", 3.0, 1.0, 0.5)
    np.testing.assert_allclose(RegionMap("lime", labels, np.array([0.1, -2.0, 1.0]), 0, 0).heat()[1], [-1, 0.5])


def test_deletion_takes_the_weightiest_first_by_area():
    labels = np.array([[0, 0, 1, 2]])
    shown = deletion_masks(np.array([5.0, 1.0, 3.0]), labels, 4)
    assert shown.tolist() == [
        [True, True, True],
        [True, True, True],
        [False, True, True],
        [False, True, False],
        [False, False, False],
    ]
    assert (insertion_masks(np.array([5.0, 1.0, 3.0]), labels, 4) == ~shown).all()
    assert area_under(np.array([1.0, 1.0, 0.0])) == 0.75


def test_a_true_map_deletes_faster_than_a_false_one():
    worth = np.random.default_rng(1).random(N)
    for sign, better in ((1, True), (-1, False)):
        area = area_under(deletion_masks(sign * worth, GRID, 8) @ worth)
        middle = area_under(np.linspace(worth.sum(), 0, 9))
        assert (area < middle) == better
