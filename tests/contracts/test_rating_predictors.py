"""What every model that predicts ratings must do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rating_shops import N_ITEMS, items_of_two_looks, rated, two_tastes
from visrec.core.artifacts import load_artifact, save_artifact
from visrec.core.dataset import Dataset
from visrec.core.errors import NotFittedError, UnsupportedError
from visrec.core.features import ItemFeatures
from visrec.core.ids import IdMap
from visrec.recommenders.bias import Bias
from visrec.recommenders.registry import RECOMMENDERS, make_recommender

NAN = float("nan")
MODELS = tuple(type(model) for model in map(make_recommender, RECOMMENDERS) if model.capabilities.ratings)
NEW_USERS = [[], [(0, 5.0)], [(3, 1.0), (2, 5.0), (7, 2.0)], [(1, NAN)], [(i, 3.0) for i in range(N_ITEMS)]]


@pytest.fixture(scope="module")
def shop() -> Dataset:
    return two_tastes()


@pytest.fixture(scope="module")
def fitted(shop) -> Callable:
    made = {kind: kind().fit(shop) for kind in MODELS}
    return made.__getitem__


@pytest.fixture(params=MODELS, ids=lambda kind: kind.id)
def kind(request):
    return request.param


def all_pairs(histories, items):
    users, things = np.indices((len(histories), len(items)))
    return users.ravel(), things.ravel()


def table(model, histories, items):
    return model.predict(histories, items, *all_pairs(histories, items)).reshape(len(histories), len(items))


def test_ratings_are_float32_within_the_scale(kind, fitted, shop):
    assert fitted(kind).scale == (1.0, 5.0)
    for histories in (shop.histories, rated(NEW_USERS, N_ITEMS)):
        found = table(fitted(kind), histories, shop.items)
        assert found.dtype == np.float32
        assert found.min() >= 1.0
        assert found.max() <= 5.0
        assert np.unique(found).size > 10


def test_a_pair_alone_is_rated_as_in_any_batch(kind, fitted, shop):
    histories = rated(NEW_USERS, N_ITEMS)
    batch = table(fitted(kind), histories, shop.items)
    for user in range(len(histories)):
        row = np.array([user])
        for item in (0, 17, 39):
            alone = fitted(kind).predict(histories.take(row), shop.items, np.array([0]), np.array([item]))
            np.testing.assert_allclose(alone, batch[user, item], atol=1e-5)


def test_pairs_may_repeat_and_come_in_any_order(kind, fitted, shop):
    histories = rated(NEW_USERS, N_ITEMS)
    users, things = np.array([4, 1, 4, 0, 1]), np.array([3, 9, 3, 0, 8])
    found = fitted(kind).predict(histories, shop.items, users, things)
    np.testing.assert_allclose(found, table(fitted(kind), histories, shop.items)[users, things], atol=1e-5)
    nothing = fitted(kind).predict(histories, shop.items, users[:0], things[:0])
    assert nothing.shape == (0,)


def test_the_ranking_goes_by_the_predicted_rating(kind, fitted, shop):
    histories = rated(NEW_USERS, N_ITEMS)
    scores = fitted(kind).score(histories, shop.items)
    ratings = table(fitted(kind), histories, shop.items)
    level = ratings[:, :1] - scores.values[:, :1] if kind is Bias else 0.0
    inside = (ratings > 1.0) & (ratings < 5.0)
    np.testing.assert_allclose((scores.values + level)[inside], ratings[inside], atol=1e-4)
    assert inside.mean() > 0.5


def test_saved_and_loaded_it_says_the_same(kind, fitted, shop, tmp_path: Path):
    save_artifact(tmp_path / kind.id, *fitted(kind).state())
    loaded = kind().load_state(*load_artifact(tmp_path / kind.id))
    items = items_of_two_looks(N_ITEMS + 2)
    histories = rated([*NEW_USERS, [(N_ITEMS, 5.0)]], N_ITEMS + 2)
    np.testing.assert_array_equal(table(loaded, histories, items), table(fitted(kind), histories, items))
    assert loaded.scale == fitted(kind).scale
    before, after = fitted(kind).score(histories, items).parts, loaded.score(histories, items).parts
    assert list(after) == list(before)
    for source, part in before.items():
        np.testing.assert_array_equal(after[source], part)


def test_two_fits_are_identical_and_forget_what_was_before(kind, fitted, shop):
    expected = table(fitted(kind), shop.histories, shop.items)
    another = kind().fit(Dataset(rated([[(0, 3.0), (1, 9.0)], [(0, 7.0)]], 2), items_of_two_looks(2)))
    np.testing.assert_array_equal(table(another.fit(shop), shop.histories, shop.items), expected)


def test_a_user_of_the_training_is_a_history_like_any_other(kind, fitted, shop):
    renamed = rated([[(int(i), float(r)) for i, r in events_of(shop, 5)]], N_ITEMS, "stranger")
    known = table(fitted(kind), shop.histories, shop.items)[5]
    np.testing.assert_allclose(table(fitted(kind), renamed, shop.items)[0], known, atol=1e-5)


def events_of(shop, user):
    part = shop.histories.take(np.array([user]))
    return list(zip(part.item_index, part.rating, strict=True))


def test_a_user_without_ratings_gets_the_items_bias(kind, fitted, shop):
    nobody, generous, strict = table(
        fitted(kind), rated([[], [(i, 5.0) for i in range(20)], [(i, 1.0) for i in range(20)]], N_ITEMS), shop.items
    )
    assert strict.mean() < nobody.mean() < generous.mean()
    if kind is Bias:
        level = nobody - fitted(kind).score(rated([[]], N_ITEMS), shop.items).values[0]
        np.testing.assert_allclose(level, level[0], atol=1e-5)


def test_of_a_repeated_pair_the_latest_rating_counts(kind, fitted, shop):
    once, twice = rated([[(4, 1.0), (9, 3.0)]], N_ITEMS), rated([[(4, 5.0), (9, 3.0), (4, 1.0)]], N_ITEMS)
    np.testing.assert_array_equal(table(fitted(kind), twice, shop.items), table(fitted(kind), once, shop.items))


def test_constant_ratings_predict_the_constant(kind):
    data = Dataset(rated([[(0, 4.0), (1, 4.0)], [(1, 4.0), (2, 4.0)], [(0, 4.0)]], 4), items_of_two_looks(4))
    model = kind().fit(data)
    assert model.scale == (4.0, 4.0)
    assert (table(model, rated([[], [(0, 4.0)], [(3, 4.0)]], 4), data.items) == 4.0).all()


def test_a_log_without_ratings_is_refused(kind):
    data = Dataset(rated([[(0, NAN)], [(1, NAN)]], 2), items_of_two_looks(2))
    with pytest.raises(UnsupportedError, match=f"{kind.id} needs ratings.*column `rating`"):
        kind().fit(data)


@pytest.mark.parametrize(
    "users", [[[(0, 2.0)]], [[(0, 2.0)], [(0, 4.0)]], [[(0, 1.0), (1, 5.0)]]], ids=["one", "one item", "two"]
)
def test_hardly_any_ratings_are_enough(kind, users):
    items = items_of_two_looks(3)
    model = kind().fit(Dataset(rated(users, 3), items))
    found = table(model, rated([*users, []], 3), items)
    low, high = model.scale
    assert ((found >= low) & (found <= high)).all()


def test_items_without_any_features_are_no_obstacle(kind, shop):
    bare = ItemFeatures(shop.items.item_ids)
    model = kind().fit(Dataset(shop.histories, bare))
    more = ItemFeatures(IdMap([*bare.item_ids, "new"]))
    found = table(model, rated(NEW_USERS, N_ITEMS + 1), more)
    assert np.isfinite(found).all()
    assert np.isfinite(model.score(rated(NEW_USERS, N_ITEMS + 1), more).values).all()


def test_before_fit_it_says_what_to_call(kind, shop):
    pair = (np.array([0]), np.array([0]))
    for ask in (
        lambda: kind().predict(shop.histories, shop.items, *pair),
        lambda: kind().score(shop.histories, shop.items),
        lambda: kind().scale,
        lambda: kind().state(),
        lambda: kind().fallbacks(shop.histories, shop.items, *pair),
    ):
        with pytest.raises(NotFittedError, match=rf"{kind.id} .*fit\(dataset\)"):
            ask()


def test_what_was_missing_is_named(kind, fitted):
    items = items_of_two_looks(N_ITEMS + 2, bare=[N_ITEMS + 1])
    histories = rated([[(0, 4.0)], [(1, NAN)]], N_ITEMS + 2)
    users, things = np.array([0, 1, 0, 0, 1]), np.array([2, 2, N_ITEMS, N_ITEMS + 1, N_ITEMS])
    phrases = fitted(kind).fallbacks(histories, items, users, things)
    assert phrases[0] == ""
    assert phrases[1].startswith("user without ratings")
    assert phrases[2].startswith("item without ratings")
    assert "ratings" in phrases[4]
    assert len(set(phrases[:3])) == 3
    assert "user" in phrases[4].split("item")[0]


def test_capabilities_say_that_it_predicts_ratings(kind):
    assert kind().capabilities.ratings
