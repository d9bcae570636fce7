"""Ratings from pixels; what every recommender must do is in the contract suite."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from drawn_pictures import DrawnPictures
from rating_shops import rated
from visrec.core.artifacts import load_artifact, save_artifact
from visrec.core.dataset import Dataset
from visrec.core.errors import UnsupportedError
from visrec.core.features import ItemFeatures
from visrec.core.ids import IdMap
from visrec.recommenders.bias import Bias
from visrec.recommenders.pixel_cnn import PixelCNN, PixelCNNSettings
from visrec.sample.products import Look, draw_product

NAN = math.nan
N = 24
SMALL = PixelCNNSettings(size=32)


def items_with(pictures: DrawnPictures) -> ItemFeatures:
    return ItemFeatures(IdMap(f"item {row}" for row in range(len(pictures.keys))), {}, pictures)


def two_colours(n_items: int = N) -> ItemFeatures:
    return items_with(DrawnPictures.of_two_colours(n_items))


def opinions(n_items: int = N, n_users: int = 20) -> Dataset:
    """User u gives 5 or 4 to pictures of the colour of row u and 1 or 2 to the others."""
    generator = np.random.default_rng(2)
    users = []
    for user in range(n_users):
        seen = generator.choice(n_items, size=10, replace=False).tolist()
        users.append([(i, float(generator.choice([4, 5] if i % 2 == user % 2 else [1, 2]))) for i in seen])
    return Dataset(rated(users, n_items), two_colours(n_items))


@pytest.fixture(scope="module")
def model() -> PixelCNN:
    return PixelCNN(SMALL).fit(opinions())


def every_rating(model, histories, items):
    users, things = np.indices((len(histories), len(items)))
    return model.predict(histories, items, users.ravel(), things.ravel()).reshape(users.shape)


def test_ratings_that_go_by_colour_are_learned_and_bias_is_beaten(model):
    data = opinions()
    users, things = data.histories.user_index, data.histories.item_index.astype(np.int64)
    error, floor = (
        np.sqrt(np.square(one.predict(data.histories, data.items, users, things) - data.histories.rating).mean())
        for one in (model, Bias().fit(data))
    )
    assert error < 0.75 < 1.4 < floor


def test_ratings_of_new_pictures_for_new_users(model):
    items = two_colours(N + 2)
    strangers = rated([[(0, 5.0), (1, 1.0), (2, 4.0)], [(0, 1.0), (1, 5.0), (3, 5.0)], []], N + 2)
    found = every_rating(model, strangers, items)
    # The two last pictures were never seen: red, blue.
    assert found[0, N] > found[0, N + 1] + 0.5
    assert found[1, N + 1] > found[1, N] + 0.5
    assert np.ptp(found[2, N:]) < 0.5


def test_a_prediction_by_hand(model):
    """The ridge regression of two ratings, written out."""
    items, history = two_colours(), rated([[(0, 5.0), (3, 2.0)]], N)
    fitted, here = model._fitted(), model._items(items)
    inputs = np.column_stack([np.ones(2), here.vectors[[0, 3]]])
    ridge = np.diag([5.0, *[200.0] * 32])

    def ratings_after(taken_off):
        left = np.array([5.0, 2.0]) - fitted.mean - taken_off
        user = np.linalg.solve(inputs.T @ inputs + ridge, inputs.T @ left + ridge @ fitted.prior.mean)
        return fitted.mean + user[0] + here.vectors @ user[1:]

    expected = ratings_after(here.biases[[0, 3]]) + here.biases
    np.testing.assert_allclose(every_rating(model, history, items)[0], np.clip(expected, 1, 5), atol=1e-5)
    # The same picture as a new item: no bias of its own, and nothing taken off.
    new = items_with(DrawnPictures.of_two_colours(N).take(np.array([*range(N), 5])))
    found = every_rating(model, rated([[(0, 5.0), (3, 2.0)]], N + 1), new)[0, N]
    np.testing.assert_allclose(found, np.clip(ratings_after(0.0)[5], 1, 5), atol=1e-5)


def test_item_biases_are_shrunken_mean_residuals(model):
    data = opinions()
    fitted, here = model._fitted(), model._items(data.items)
    users = model._users(data.histories, here)[1]
    left = [[] for _ in range(N)]
    for user, item, rating in zip(
        data.histories.user_index, data.histories.item_index, data.histories.rating, strict=True
    ):
        left[item].append(rating - fitted.mean - users[user, 0] - users[user, 1:] @ here.vectors[item])
    np.testing.assert_allclose(here.biases, [sum(r) / (5 + len(r)) for r in left], atol=0.05)
    assert np.abs(here.biases).max() > 0.03


def test_vectors_of_the_pictures_are_standardised(model):
    """In use as in training: left to themselves, batch norms would still hold what they started with."""
    x = model._items(two_colours()).vectors
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-5)
    assert 0.5 < np.sqrt(np.square(x).mean()) < 2


def test_a_picture_counts_not_the_item(model):
    """Two new items with the same picture are the same; without one they have nothing."""
    pictures = DrawnPictures.of_two_colours(N)
    items = items_with(pictures.take(np.array([*range(N), 0, 0, -1])))
    parts = model.score(rated([[(2, 5.0)], [(3, 5.0)]], N + 3), items).parts
    for source in ("visual", "appeal"):
        np.testing.assert_array_equal(parts[source][:, N], parts[source][:, N + 1])
        assert (parts[source][:, N] != 0).all()
        assert (parts[source][:, N + 2] == 0).all()


def test_saved_it_knows_its_pictures(model, tmp_path: Path):
    settings, arrays = model.state()
    settings["keys"], arrays["vectors"] = settings["keys"][:N], arrays["vectors"][:N]
    save_artifact(tmp_path / "m", settings, arrays)
    loaded = PixelCNN().load_state(*load_artifact(tmp_path / "m"))
    assert (loaded.id, loaded.settings) == (model.id, model.settings)
    items = two_colours(N + 3)
    loaded.score(rated([[(0, 5.0)]], N + 3), items)
    # Only what was never seen in training went through the decoder.
    assert items.pictures.loaded == items.pictures.keys[N:]


def test_pictures_that_nobody_turned_to_are_not_trained_on():
    """They may be the newest of the shop: the model must not learn that such pictures are disliked."""
    users = [[(row, NAN) for row in range(N) if row % 2 == user % 2 and row % 5 != user % 5] for user in range(10)]
    more = DrawnPictures([*DrawnPictures.of_two_colours(N)._pictures, *[np.full((8, 8, 3), 90, np.uint8)] * 9])
    alone = PixelCNN(SMALL).fit(Dataset(rated(users, N), two_colours()))
    beside = PixelCNN(SMALL).fit(Dataset(rated(users, N + 9), items_with(more)))
    for name, array in alone.state()[1].items():
        if name != "vectors":
            np.testing.assert_array_equal(beside.state()[1][name], array)


@pytest.mark.parametrize("users", [[], [[]], [[(N, 4.0)], [(N, NAN)]]], ids=["nobody", "nothing", "without a picture"])
def test_nothing_to_learn_from_is_refused(users):
    items = items_with(DrawnPictures.of_two_colours(N).take(np.array([*range(N), -1])))
    with pytest.raises(UnsupportedError, match="pixel-cnn needs pictures that somebody rated or liked"):
        PixelCNN().fit(Dataset(rated(users, N + 1), items))


def test_kinds_of_drawn_products_are_told_apart_by_shape_alone():
    """Dresses and rugs of the same palette, in grey: only their shapes can tell."""
    generator = np.random.default_rng(5)
    pictures = []
    for row in range(28):
        image, _ = draw_product(Look(*[("dress", "shift"), ("rug", "round")][row % 2], "ocean", "plain"), generator)
        pictures.append(np.repeat(np.asarray(image.convert("L").resize((32, 32)))[:, :, None], 3, axis=2))
    items = items_with(DrawnPictures(pictures))
    users = [[(row, NAN) for row in range(20) if row % 2 == user % 2 and row % 4 != user % 3] for user in range(12)]
    model = PixelCNN(SMALL).fit(Dataset(rated(users, 28), items))
    scores = model.score(rated([[(0, NAN), (2, NAN)], [(1, NAN), (3, NAN)]], 28), items).values[:, 20:]
    lead = scores[:, 0::2].mean(axis=1) - scores[:, 1::2].mean(axis=1)
    assert lead[0] > 0 > lead[1]


def test_torch_is_left_as_it_was():
    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    PixelCNN(SMALL).fit(opinions())
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)
    assert not torch.are_deterministic_algorithms_enabled()
