"""VBPR at work: tables against the trained network, parts, new items, new users, errors."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError, UnsupportedError
from visrec.core.features import ItemFeatures
from visrec.core.ids import IdMap
from visrec.core.settings import SearchSpace, change_settings
from visrec.recommenders.bpr_settings import BPRSettings
from visrec.recommenders.vbpr import VBPR, VBPRSettings

SMALL = VBPRSettings(dim=4, visual_dim=3, input_dim=3, epochs=6, guess_regularisation=0.5)


@pytest.fixture
def model(shop) -> VBPR:
    return VBPR(SMALL).fit(shop)


def known_rows(model, shop) -> np.ndarray:
    return shop.items.item_ids.rows(model.state()[0]["model"]["item_ids"])


def all_rows(model, shop) -> np.ndarray:
    """[v_i, bias_i] of every item: from the tables where somebody liked it, else guessed."""
    _, arrays = model.state()
    x = model._model._inputs(shop.items)
    rows = x @ (arrays["table.link"] + arrays["table.guess"])
    known = known_rows(model, shop)
    rows[known] = arrays["table.own"] + x[known] @ arrays["table.link"]
    return rows


def test_only_items_that_somebody_liked_are_trained(model, shop):
    liked = np.flatnonzero((shop.histories.matrix().toarray() > 0).any(axis=0))
    assert 0 < len(liked) < 15
    assert known_rows(model, shop).tolist() == liked.tolist()
    assert model.state()[1]["table.own"].shape == (len(liked), 4 + 3 + 1)


def test_scores_are_the_equation_with_the_users_vector_from_the_history(model, shop):
    _, arrays = model.state()
    rows = all_rows(model, shop)
    vectors, bias = rows[:, :-1], rows[:, -1]
    np.testing.assert_allclose(arrays["history.mean"], vectors[known_rows(model, shop)].mean(axis=0), atol=1e-6)
    weights = shop.histories.matrix().toarray()
    scale = np.maximum(np.abs(weights).sum(axis=1), 1e-9) ** 0.7
    users = weights @ (vectors - arrays["history.mean"]) / scale[:, None] @ arrays["history.matrix"]
    assert np.abs(users).max() > 0.01
    np.testing.assert_allclose(model.score(shop.histories, shop.items).values, users @ vectors.T + bias, atol=1e-5)


def test_parts_are_gamma_and_b_apart_from_what_each_block_adds(model, shop):
    _, arrays = model.state()
    inputs, link, own = model._model._inputs, arrays["table.link"], arrays["table.own"]
    known, x = known_rows(model, shop), inputs(shop.items)
    users = model._model._history(shop.histories.matrix(), all_rows(model, shop)[:, :-1])
    users = np.column_stack([users, np.ones(len(users))])
    parts = model.score(shop.histories, shop.items).parts
    assert list(parts) == ["collaborative", "visual", "text"]
    np.testing.assert_allclose(parts["collaborative"][:, known], users @ own.T, atol=1e-5)
    assert (np.delete(parts["collaborative"], known, axis=1) == 0).all()
    for source, name in (("visual", "image"), ("text", "text")):
        columns = inputs.slices[name]
        expected = users @ (x[known][:, columns] @ link[columns]).T
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(parts[source][:, known], expected, atol=1e-5)
    # γ and f stand beside each other, and β is the last column.
    assert (own[:, 4:7] == 0).all()
    assert (link[:, :4] == 0).all()
    assert np.abs(link[:, -1]).max() > 1e-3


def test_a_new_item_has_the_row_that_ridge_regression_guesses(model, shop, histories_of):
    _, arrays = model.state()
    own = arrays["table.own"]
    x = model._model._inputs(shop.items).astype(np.float64)
    np.testing.assert_allclose(own.mean(axis=0), 0.0, atol=1e-6)
    guess = np.linalg.lstsq(
        np.concatenate([x[known_rows(model, shop)], np.sqrt(0.5) * np.eye(x.shape[1])]),
        np.concatenate([own, np.zeros((x.shape[1], own.shape[1]))]),
        rcond=None,
    )[0]
    assert np.abs(guess).max() > 1e-3
    np.testing.assert_allclose(arrays["table.guess"], guess, atol=1e-6)
    # Item 4 under another name is an item that nobody knows.
    ids = IdMap("renamed" if row == 4 else name for row, name in enumerate(shop.items.item_ids))
    parts = model.score(histories_of([[(4, 1.0)], []], 15), ItemFeatures(ids, shop.items.blocks)).parts
    assert (parts["collaborative"][:, 4] == 0).all()
    row = x[4] @ (arrays["table.link"] + guess)
    user = (row[:-1] - arrays["history.mean"]) @ arrays["history.matrix"]
    scores = sum(parts.values())
    np.testing.assert_allclose(scores[0, 4], user @ row[:-1] + row[-1], atol=1e-5)
    np.testing.assert_allclose(scores[1, 4], row[-1], atol=1e-6)


def two_looks(items_of, histories_of):
    """60 items of two looks; users like items of one look; every fifth item nobody knows."""
    generator = np.random.default_rng(0)
    look = np.arange(60) % 2
    pictures = generator.normal(size=(60, 8)) * 0.15
    pictures[:, 0] += look * 2.0 - 1
    texts = generator.normal(size=(60, 8))
    known = np.flatnonzero(np.arange(60) % 5 != 0)
    users = [
        [(int(item), 1.0) for item in generator.choice(known[look[known] == user % 2], 8, replace=False)]
        for user in range(60)
    ]
    return Dataset(histories_of(users, 60), items_of({"image": pictures.tolist(), "text": texts.tolist()})), look


def test_it_learns_looks_and_says_which_block_it_learned_from(items_of, histories_of):
    dataset, look = two_looks(items_of, histories_of)
    model = VBPR().fit(dataset)
    scores = model.score(histories_of([[(1, 1.0)], [(2, 1.0)], [(1, -1.0)]], 60), dataset.items)
    new = np.arange(0, 60, 5)
    for row, wanted in ((0, 1), (1, 0), (2, 0)):
        best = new[np.argsort(-scores.values[row, new])[:5]]
        assert (look[best] == wanted).all()
    assert model.fusion_shares["image"] > 0.5 > model.fusion_shares["text"]
    assert sum(model.fusion_shares.values()) == pytest.approx(1.0)
    assert VBPR().load_state(*model.state()).fusion_shares == model.fusion_shares


def test_what_it_needs_is_named(shop, items_of, histories_of):
    with pytest.raises(UnsupportedError, match="vbpr needs likes"):
        VBPR(SMALL).fit(Dataset(histories_of([[(0, -1.0)], [(1, 0.0)]], 15), shop.items))
    with pytest.raises(UnsupportedError, match="vbpr needs image"):
        VBPR(SMALL).fit(Dataset(shop.histories, items_of({}, 15)))
    with pytest.raises(UnsupportedError, match="blocks"):
        VBPR(VBPRSettings(blocks=("text",))).fit(shop)


@pytest.mark.parametrize("wrong", [{"dim": 0}, {"visual_dim": -1}, {"input_dim": 0}, {"epochs": 0}, {"batch_size": 0}])
def test_settings_that_make_no_model_are_refused(wrong):
    with pytest.raises(InputError, match="of 1 or more"):
        VBPRSettings(**wrong)


@pytest.mark.parametrize("name", BPRSettings.search)
def test_what_can_be_searched_can_be_set(name):
    space = BPRSettings.search[name]
    assert isinstance(space, SearchSpace)
    for value in space.choices or (space.low, space.high):
        assert getattr(change_settings("vbpr", VBPRSettings(), {name: value}), name) == value


def test_progress_counts_epochs(shop, watched):
    seen, Watch = watched
    VBPR(SMALL).fit(shop, Watch)
    assert seen == [("train vbpr", 6, "epochs"), *[1] * 6]


def test_a_saved_model_needs_no_torch():
    code = "import sys, visrec.recommenders.vbpr; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
