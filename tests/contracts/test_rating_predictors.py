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
from visrec.recommenders.decompose import decompose
from visrec.recommenders.registry import RECOMMENDERS, make_recommender

NAN = float("nan")
MODELS = tuple(name for name in RECOMMENDERS if make_recommender(name).capabilities.ratings)
#: They learn from likes where there are no ratings, and then predict none.
LIKES_TOO = tuple(name for name in MODELS if name.startswith("pixel-"))
NEW_USERS = [[], [(0, 5.0)], [(3, 1.0), (2, 5.0), (7, 2.0)], [(1, NAN)], [(i, 3.0) for i in range(N_ITEMS)]]


@pytest.fixture(scope="module")
def shop() -> Dataset:
    return two_tastes()


@pytest.fixture(scope="module")
def fitted(shop) -> Callable:
    made = {name: make_recommender(name).fit(shop) for name in MODELS}
    return made.__getitem__


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


def all_pairs(histories, items):
    users, things = np.indices((len(histories), len(items)))
    return users.ravel(), things.ravel()


def table(model, histories, items):
    return model.predict(histories, items, *all_pairs(histories, items)).reshape(len(histories), len(items))


def test_ratings_are_float32_within_the_scale(name, fitted, shop):
    assert fitted(name).scale == (1.0, 5.0)
    for histories in (shop.histories, rated(NEW_USERS, N_ITEMS)):
        found = table(fitted(name), histories, shop.items)
        assert found.dtype == np.float32
        assert found.min() >= 1.0
        assert found.max() <= 5.0
        assert np.unique(found).size > 10


def test_a_pair_alone_is_rated_as_in_any_batch(name, fitted, shop):
    histories = rated(NEW_USERS, N_ITEMS)
    batch = table(fitted(name), histories, shop.items)
    for user in range(len(histories)):
        row = np.array([user])
        for item in (0, 17, 39):
            alone = fitted(name).predict(histories.take(row), shop.items, np.array([0]), np.array([item]))
            np.testing.assert_allclose(alone, batch[user, item], atol=1e-5)


def test_pairs_may_repeat_and_come_in_any_order(name, fitted, shop):
    histories = rated(NEW_USERS, N_ITEMS)
    users, things = np.array([4, 1, 4, 0, 1]), np.array([3, 9, 3, 0, 8])
    found = fitted(name).predict(histories, shop.items, users, things)
    np.testing.assert_allclose(found, table(fitted(name), histories, shop.items)[users, things], atol=1e-5)
    nothing = fitted(name).predict(histories, shop.items, users[:0], things[:0])
    assert nothing.shape == (0,)


def test_the_ranking_goes_by_the_predicted_rating(name, fitted, shop):
    histories = rated(NEW_USERS, N_ITEMS)
    scores = fitted(name).score(histories, shop.items)
    ratings = table(fitted(name), histories, shop.items)
    level = ratings[:, :1] - scores.values[:, :1] if name == "bias" else 0.0
    inside = (ratings > 1.0) & (ratings < 5.0)
    np.testing.assert_allclose((scores.values + level)[inside], ratings[inside], atol=1e-4)
    assert inside.mean() > 0.5


@pytest.mark.parametrize("history", NEW_USERS)
def test_base_and_contributions_add_up_to_the_score(name, history, fitted, shop):
    one, rows = rated([history], N_ITEMS), np.array([39, 0, 3])
    found = decompose(fitted(name), one, shop.items, rows)
    np.testing.assert_allclose(found.scores, fitted(name).score(one, shop.items).values[0, rows], atol=1e-4)
    assert found.exact == (name == "bias")


def test_saved_and_loaded_it_says_the_same(name, fitted, shop, tmp_path: Path):
    save_artifact(tmp_path / name, *fitted(name).state())
    loaded = make_recommender(name).load_state(*load_artifact(tmp_path / name))
    items = items_of_two_looks(N_ITEMS + 2)
    histories = rated([*NEW_USERS, [(N_ITEMS, 5.0)]], N_ITEMS + 2)
    np.testing.assert_array_equal(table(loaded, histories, items), table(fitted(name), histories, items))
    assert loaded.scale == fitted(name).scale
    before, after = fitted(name).score(histories, items).parts, loaded.score(histories, items).parts
    assert list(after) == list(before)
    for source, part in before.items():
        np.testing.assert_array_equal(after[source], part)


def test_two_fits_are_identical_and_forget_what_was_before(name, fitted, shop):
    expected = table(fitted(name), shop.histories, shop.items)
    another = make_recommender(name).fit(Dataset(rated([[(0, 3.0), (1, 9.0)], [(0, 7.0)]], 2), items_of_two_looks(2)))
    np.testing.assert_array_equal(table(another.fit(shop), shop.histories, shop.items), expected)


def test_a_user_of_the_training_is_a_history_like_any_other(name, fitted, shop):
    renamed = rated([[(int(i), float(r)) for i, r in events_of(shop, 5)]], N_ITEMS, "stranger")
    known = table(fitted(name), shop.histories, shop.items)[5]
    np.testing.assert_allclose(table(fitted(name), renamed, shop.items)[0], known, atol=1e-5)


def events_of(shop, user):
    part = shop.histories.take(np.array([user]))
    return list(zip(part.item_index, part.rating, strict=True))


def test_a_user_without_ratings_gets_the_items_bias(name, fitted, shop):
    nobody, generous, strict = table(
        fitted(name), rated([[], [(i, 5.0) for i in range(20)], [(i, 1.0) for i in range(20)]], N_ITEMS), shop.items
    )
    assert strict.mean() < nobody.mean() < generous.mean()
    if name == "bias":
        level = nobody - fitted(name).score(rated([[]], N_ITEMS), shop.items).values[0]
        np.testing.assert_allclose(level, level[0], atol=1e-5)


def test_of_a_repeated_pair_the_latest_rating_counts(name, fitted, shop):
    once, twice = rated([[(4, 1.0), (9, 3.0)]], N_ITEMS), rated([[(4, 5.0), (9, 3.0), (4, 1.0)]], N_ITEMS)
    np.testing.assert_array_equal(table(fitted(name), twice, shop.items), table(fitted(name), once, shop.items))


def test_constant_ratings_predict_the_constant(name):
    data = Dataset(rated([[(0, 4.0), (1, 4.0)], [(1, 4.0), (2, 4.0)], [(0, 4.0)]], 4), items_of_two_looks(4))
    model = make_recommender(name).fit(data)
    assert model.scale == (4.0, 4.0)
    assert (table(model, rated([[], [(0, 4.0)], [(3, 4.0)]], 4), data.items) == 4.0).all()


@pytest.mark.parametrize("name", LIKES_TOO)
def test_what_was_learned_from_likes_predicts_no_ratings(name, shop, tmp_path: Path):
    likes = [[(item, NAN) for item in range(8) if item % 2 == user % 2] for user in range(6)]
    model = make_recommender(name).fit(Dataset(rated(likes, N_ITEMS), shop.items))
    save_artifact(tmp_path / name, *model.state())
    for asked in (model, make_recommender(name).load_state(*load_artifact(tmp_path / name))):
        assert not asked.capabilities.ratings
        with pytest.raises(UnsupportedError, match=f"{name} was trained on a log without ratings.*column `rating`"):
            asked.predict(shop.histories, shop.items, np.array([0]), np.array([0]))
    assert model.fit(shop).capabilities.ratings
    assert model.scale == (1.0, 5.0)


@pytest.mark.parametrize("name", [name for name in MODELS if name not in LIKES_TOO])
def test_a_log_without_ratings_is_refused(name):
    data = Dataset(rated([[(0, NAN)], [(1, NAN)]], 2), items_of_two_looks(2))
    with pytest.raises(UnsupportedError, match=f"{name} needs ratings.*column `rating`"):
        make_recommender(name).fit(data)


@pytest.mark.parametrize(
    "users", [[[(0, 2.0)]], [[(0, 2.0)], [(0, 4.0)]], [[(0, 1.0), (1, 5.0)]]], ids=["one", "one item", "two"]
)
def test_hardly_any_ratings_are_enough(name, users):
    items = items_of_two_looks(3)
    model = make_recommender(name).fit(Dataset(rated(users, 3), items))
    found = table(model, rated([*users, []], 3), items)
    low, high = model.scale
    assert ((found >= low) & (found <= high)).all()


@pytest.mark.parametrize("name", [name for name in MODELS if not make_recommender(name).capabilities.needs])
def test_items_without_any_features_are_no_obstacle(name, shop):
    bare = ItemFeatures(shop.items.item_ids)
    model = make_recommender(name).fit(Dataset(shop.histories, bare))
    more = ItemFeatures(IdMap([*bare.item_ids, "new"]))
    found = table(model, rated(NEW_USERS, N_ITEMS + 1), more)
    assert np.isfinite(found).all()
    assert np.isfinite(model.score(rated(NEW_USERS, N_ITEMS + 1), more).values).all()


def test_before_fit_it_says_what_to_call(name, shop):
    pair = (np.array([0]), np.array([0]))
    for ask in (
        lambda: make_recommender(name).predict(shop.histories, shop.items, *pair),
        lambda: make_recommender(name).score(shop.histories, shop.items),
        lambda: make_recommender(name).scale,
        lambda: make_recommender(name).state(),
        lambda: make_recommender(name).fallbacks(shop.histories, shop.items, *pair),
    ):
        with pytest.raises(NotFittedError, match=rf"{name} .*fit\(dataset\)"):
            ask()


def test_what_was_missing_is_named(name, fitted):
    items = items_of_two_looks(N_ITEMS + 2, bare=[N_ITEMS + 1])
    histories = rated([[(0, 4.0)], [(1, NAN)]], N_ITEMS + 2)
    users, things = np.array([0, 1, 0, 0, 1]), np.array([2, 2, N_ITEMS, N_ITEMS + 1, N_ITEMS])
    phrases = fitted(name).fallbacks(histories, items, users, things)
    assert phrases[0] == ""
    assert phrases[1].startswith("user without ratings")
    assert phrases[2].startswith("item without ratings")
    assert "ratings" in phrases[4]
    assert len(set(phrases[:3])) == 3
    assert "user" in phrases[4].split("item")[0]


def test_capabilities_say_that_it_predicts_ratings(name):
    assert make_recommender(name).capabilities.ratings
