"""What every recommender must do, run over every entry of the registry."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from drawn_pictures import DrawnPictures
from visrec.core.artifacts import load_artifact, save_artifact
from visrec.core.dataset import Dataset
from visrec.core.errors import InputError, NotFittedError, UnsupportedError
from visrec.core.features import BLOCK_SOURCES, FeatureBlock, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.protocols import Recommender
from visrec.recommenders.decompose import decompose
from visrec.recommenders.registry import DEFAULT_RECOMMENDER, RECOMMENDERS, make_recommender

N = 20
SOURCES = {*BLOCK_SOURCES.values(), "collaborative", "appeal", "popular", "new", "random"}
#: The same order for everybody: there is no taste for them to find.
IMPERSONAL = ("random", "popular", "recently-popular", "appeal")
#: They learn from ratings, and the log here holds none: see test_rating_predictors.py.
RATING = tuple(name for name in RECOMMENDERS if make_recommender(name).capabilities.ratings)
#: They learn from likes where there are no ratings.
LIKES_TOO = tuple(name for name in RATING if name.startswith("pixel-"))
RANKING = tuple(name for name in RECOMMENDERS if name not in RATING or name in LIKES_TOO)
PERSONAL = tuple(name for name in RANKING if name not in IMPERSONAL)

Event = tuple[int, float]


def frozen(array: np.ndarray) -> np.ndarray:
    """A model that writes into what it was given fails loudly."""
    array.setflags(write=False)
    return array


def colour_features(n_items: int) -> ItemFeatures:
    """Items whose pictures, words and categories say whether their row is even; the ids do not."""
    side = np.where(np.arange(n_items) % 2 == 0, 1.0, -1.0)
    blocks = {}
    for name, dim in (("image", 6), ("text", 4)):
        # Drawn row by row, so that a longer catalogue starts with the very items of a shorter one.
        matrix = 0.1 * np.random.default_rng(dim).normal(size=(n_items, dim)) + 3.0
        matrix[:, 0] += side
        blocks[name] = FeatureBlock(name, frozen(matrix.astype(np.float32)), frozen(np.ones(n_items, bool)), "made")
    colours = frozen(np.stack([side > 0, side < 0], axis=1).astype(np.float32))
    labels = ("colour=even", "colour=odd")
    blocks["category"] = FeatureBlock("category", colours, frozen(np.ones(n_items, bool)), "columns colour", labels)
    names = IdMap(f"item {row * 7919 % 1000}" for row in range(n_items))
    return ItemFeatures(names, blocks, DrawnPictures.of_two_colours(n_items))


def histories_of(users: Sequence[Sequence[Event]], n_items: int, name: str = "user") -> Histories:
    """One history a list of (item row, weight), oldest first."""
    events = [(user, item, weight) for user, history in enumerate(users) for item, weight in history]
    columns = np.array(events, dtype=np.float64).reshape(-1, 3).T
    histories = Histories.from_events(
        IdMap(f"{name} {row}" for row in range(len(users))),
        n_items,
        columns[0].astype(np.int64),
        columns[1].astype(np.int32),
        columns[2].astype(np.float32),
        np.arange(len(events), dtype=np.int64),
    )
    for array in (histories.indptr, histories.item_index, histories.weight, histories.timestamp):
        frozen(array)
    return histories


def likes(*rows: int) -> list[Event]:
    return [(row, 1.0) for row in rows]


def checkerboard() -> Dataset:
    """User u likes every item of the colour of row u, but for the item u, which is withheld."""
    users = [likes(*(row for row in range(N) if row % 2 == user % 2 and row != user)) for user in range(N)]
    return Dataset(histories_of(users, N), colour_features(N))


def without(items: ItemFeatures, block: str) -> ItemFeatures:
    blocks = {name: b for name, b in items.blocks.items() if name != block}
    return ItemFeatures(items.item_ids, blocks, None if block == "pictures" else items.pictures)


def another_shop(dataset: Dataset) -> Dataset:
    """Fewer items, most of them odd, and other likes: what a model learns from it is not what it learns from all."""
    items = dataset.items.take(np.array([9, 1, 3, 5, 0, 7, 2, 11]))
    return Dataset(histories_of([likes(1, 3, 4), likes(3, 4, 6), likes(4)], len(items)), items)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return checkerboard()


@pytest.fixture(scope="module")
def more_items() -> ItemFeatures:
    """The dataset's items, and two more behind them: an even one and an odd one."""
    return colour_features(N + 2)


@pytest.fixture(params=RANKING)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def fitted(dataset: Dataset) -> Callable[[str], Recommender]:
    models: dict[str, Recommender] = {}

    def get(name: str) -> Recommender:
        if name not in models:
            models[name] = make_recommender(name).fit(dataset)
        return models[name]

    return get


def one_by_one(model: Recommender, histories: Histories, items: ItemFeatures, block: int = 1) -> np.ndarray:
    starts = range(0, len(histories), block)
    groups = [np.arange(start, min(start + block, len(histories)), dtype=np.int64) for start in starts]
    return np.concatenate([model.score(histories.take(group), items).values for group in groups])


# ------------------------------------------------------------------ the registry


@pytest.mark.parametrize("name", RECOMMENDERS)
def test_a_model_has_the_name_that_it_is_asked_by(name):
    assert make_recommender(name).id == name
    assert make_recommender(name) is not make_recommender(name)


@pytest.mark.parametrize("name", [name for name in RATING if name not in LIKES_TOO])
def test_without_ratings_a_model_of_ratings_says_so(name, dataset):
    with pytest.raises(UnsupportedError, match="needs ratings"):
        make_recommender(name).fit(dataset)


def test_the_default_is_one_of_them():
    assert DEFAULT_RECOMMENDER in RECOMMENDERS


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"'nonsense'.*ease.*blend"):
        make_recommender("nonsense")


# ------------------------------------------------------------------ the scores


@pytest.mark.parametrize("name", PERSONAL)
def test_checkerboard_the_withheld_item_comes_first(name, fitted, dataset):
    scores = fitted(name).score(dataset.histories, dataset.items).values.copy()
    scores[dataset.histories.matrix().toarray() != 0] = -np.inf
    assert scores.argmax(axis=1).tolist() == list(range(N))
    first, second = np.sort(scores, axis=1)[:, [-1, -2]].T
    assert (first > second).all()


@pytest.mark.parametrize("name", IMPERSONAL)
def test_there_are_models_that_the_checkerboard_test_fails(name, fitted, dataset):
    scores = fitted(name).score(dataset.histories, dataset.items).values.copy()
    scores[dataset.histories.matrix().toarray() != 0] = -np.inf
    assert scores.argmax(axis=1).tolist() != list(range(N))


def test_scores_are_finite_float32_of_the_right_shape_by_known_sources(name, fitted, dataset, more_items):
    for histories, items in (
        (dataset.histories, dataset.items),
        (histories_of([likes(0, N)], N + 2), more_items),
        (histories_of([], N), dataset.items),
    ):
        scores = fitted(name).score(histories, items)
        assert set(scores.parts) <= SOURCES
        for array in (scores.values, *scores.parts.values()):
            assert array.dtype == np.float32
            assert array.shape == (len(histories), len(items))
            assert np.isfinite(array).all()


def test_parts_add_up_to_the_scores(name, fitted, dataset, more_items):
    histories = histories_of([likes(0, 2, N), likes(5)], N + 2)
    scores = fitted(name).score(histories, more_items)
    total = sum(part.astype(np.float64) for part in scores.parts.values())
    np.testing.assert_allclose(scores.values, total, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("block", [1, 3, 7])
def test_a_user_scores_the_same_alone_and_in_any_batch(name, block, fitted, dataset):
    users = [
        likes(0, 3, 4),
        [(1, 1.0), (2, -1.0)],
        [],
        likes(7),
        likes(*range(N)),
        [(5, 0.0)],
        likes(8, 11),
        [(3, 0.3)],
    ]
    histories = histories_of(users, N)
    batch = fitted(name).score(histories, dataset.items).values
    # Matrix products of another shape round otherwise; blend divides by deviations that may be small.
    tolerance = 1e-3 if "blend" in name else 1e-5
    np.testing.assert_allclose(one_by_one(fitted(name), histories, dataset.items, block), batch, atol=tolerance)


def test_scores_follow_the_ids_not_the_rows(name, fitted, dataset):
    order = np.random.default_rng(0).permutation(N)
    row_after = np.argsort(order)
    events = [likes(0, 3), likes(5, 7, 9)]
    moved = [[(int(row_after[item]), weight) for item, weight in history] for history in events]
    before = fitted(name).score(histories_of(events, N), dataset.items).values
    after = fitted(name).score(histories_of(moved, N), dataset.items.take(order)).values
    np.testing.assert_allclose(after, before[:, order], atol=1e-3 if "blend" in name else 1e-5)


def test_two_fits_give_identical_scores(name, fitted, dataset):
    first, second = fitted(name), make_recommender(name).fit(checkerboard())
    expected = first.score(dataset.histories, dataset.items).values
    np.testing.assert_array_equal(second.score(dataset.histories, dataset.items).values, expected)
    np.testing.assert_array_equal(first.score(dataset.histories, dataset.items).values, expected)


def test_a_second_fit_forgets_the_first(name, fitted, dataset):
    model = make_recommender(name).fit(another_shop(dataset))
    model.score(dataset.histories, dataset.items)
    again = model.fit(dataset).score(dataset.histories, dataset.items).values
    np.testing.assert_array_equal(again, fitted(name).score(dataset.histories, dataset.items).values)


# ------------------------------------------------------------------ what events add

#: Their scores are sums over past items by their own equations; the others are sampled.
EXACT = (*IMPERSONAL, "visual-knn", "text-knn", "category-knn", "ease", "ials", "blend")


@pytest.mark.parametrize(
    "events",
    [
        [(0, 1.0), (3, -1.0), (2, 0.5), (5, 0.0), (0, 0.7), (N, 1.0)],
        [(1, -1.0), (4, 0.3)],
        [(N + 1, 1.0)],
        likes(*range(0, 20, 2)),
        [],
    ],
)
def test_base_and_contributions_add_up_to_the_score(name, events, fitted, more_items):
    history, rows = histories_of([events], N + 2), np.array([N, 7, 7, 2, N + 1, 0, 11])
    expected = fitted(name).score(history, more_items).values[0]
    found = decompose(fitted(name), history, more_items, rows)
    assert found.parts.shape == (len(rows), len(events))
    assert (found.base.dtype, found.parts.dtype) == (np.float32, np.float32)
    spread = max(float(np.abs(expected).max()), 1.0)
    np.testing.assert_allclose(found.scores, expected[rows], atol=2e-5 * spread)
    assert found.exact == (name in EXACT)
    if "blend" not in name:
        nobody = histories_of([[]], N + 2)
        expected = fitted(name).score(nobody, more_items).values[0] if name != "random" else expected
        np.testing.assert_allclose(found.base, expected[rows], atol=2e-5 * spread)


def test_of_a_repeated_item_the_latest_event_has_the_contribution(name, fitted, dataset):
    found = decompose(fitted(name), histories_of([likes(0, 3, 0)], N), dataset.items, np.arange(N))
    assert not found.parts[:, 0].any()
    assert found.parts[:, 2].any() == (name not in IMPERSONAL)


@pytest.mark.parametrize("name", PERSONAL)
def test_a_past_item_speaks_for_items_of_its_look(name, fitted, dataset):
    parts = decompose(fitted(name), histories_of([likes(0, 5)], N), dataset.items, np.arange(N)).parts
    even, odd = np.arange(6, N, 2), np.arange(7, N, 2)
    assert parts[even, 0].mean() > parts[odd, 0].mean()
    assert parts[odd, 1].mean() > parts[even, 1].mean()


# ------------------------------------------------------------------ on disk


def test_saved_and_loaded_scores_are_identical(name, fitted, dataset, more_items, tmp_path: Path):
    settings, arrays = fitted(name).state()
    save_artifact(tmp_path / name, settings, arrays)
    loaded = make_recommender(name).load_state(*load_artifact(tmp_path / name))
    assert loaded.id == name
    for histories, items in (
        (dataset.histories, dataset.items),
        (histories_of([likes(0, 3), likes(N)], N + 2), more_items),
    ):
        before, after = fitted(name).score(histories, items).parts, loaded.score(histories, items).parts
        assert list(after) == list(before)
        for source, part in before.items():
            np.testing.assert_array_equal(after[source], part)


def test_a_model_that_was_in_use_becomes_the_loaded_one(name, fitted, dataset):
    model = make_recommender(name).fit(another_shop(dataset))
    model.score(dataset.histories, dataset.items)
    model.load_state(*fitted(name).state())
    expected = fitted(name).score(dataset.histories, dataset.items).values
    np.testing.assert_array_equal(model.score(dataset.histories, dataset.items).values, expected)


# ------------------------------------------------------------------ a user is their history


@pytest.mark.parametrize("name", PERSONAL)
@pytest.mark.parametrize("colour", [0, 1])
def test_a_new_user_with_one_event_is_served_without_refit(name, colour, fitted, dataset):
    stranger = histories_of([likes(6 + colour)], N, "stranger")
    scores = fitted(name).score(stranger, dataset.items).values[0].copy()
    scores[6 + colour] = -np.inf
    best = np.argsort(-scores)[: N // 2 - 1]
    assert {int(row) % 2 for row in best} == {colour}


def test_new_users_are_scored_by_those_that_say_so(name, fitted, dataset):
    assert make_recommender(name).capabilities.new_users
    stranger = histories_of([likes(6)], N, "stranger")
    assert np.isfinite(fitted(name).score(stranger, dataset.items).values).all()


def test_an_empty_history_gives_finite_scores_and_no_taste(name, fitted, dataset):
    scores = fitted(name).score(histories_of([[], [(3, 0.0)]], N), dataset.items).values
    assert np.isfinite(scores).all()
    if name != "random":
        np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)


def lead_of_even(scores: np.ndarray) -> float:
    """How far the even items are above the odd ones, in deviations of all scores."""
    return float((scores[0::2].mean() - scores[1::2].mean()) / max(scores.std(), 1e-12))


def test_a_dislike_never_raises_similar_items(name, fitted, dataset):
    users = [[*likes(0, 1)], [*likes(0, 1), (3, -1.0)], [*likes(0, 1), (3, -1.0), (5, -0.5)]]
    histories = histories_of(users, N)
    before, after, still_after = fitted(name).score(histories, dataset.items).values
    if name == "random":
        return
    assert lead_of_even(after) >= lead_of_even(before) - 1e-5
    assert lead_of_even(still_after) >= lead_of_even(after) - 1e-5


@pytest.mark.parametrize("name", [name for name in PERSONAL if name != "ease"])
def test_a_dislike_alone_puts_similar_items_last(name, fitted, dataset):
    scores = fitted(name).score(histories_of([[(3, -1.0)]], N), dataset.items).values[0]
    assert scores[1::2].mean() < scores[0::2].mean()
    assert int(scores.argmin()) % 2 == 1
    assert int(scores.argmax()) % 2 == 0


# ------------------------------------------------------------------ an item is what it looks like


def test_new_items_are_scored_by_those_that_say_so(name, fitted, more_items):
    model = fitted(name)
    scores = model.score(histories_of([likes(0, 2), likes(1, 3)], N + 2), more_items).values
    assert np.isfinite(scores).all()
    if not model.capabilities.new_items:
        assert (scores[:, N:] == 0).all()
    elif name in PERSONAL:
        assert scores[0, N] > scores[0, N + 1]
        assert scores[1, N + 1] > scores[1, N]


@pytest.mark.parametrize("name", PERSONAL)
@pytest.mark.parametrize("colour", [0, 1])
def test_an_event_on_a_new_item_counts_at_once(name, colour, fitted, more_items):
    histories = histories_of([[], likes(N + colour)], N + 2)
    before, after = fitted(name).score(histories, more_items).values[:, :N]
    assert not np.allclose(before, after)
    best = np.argsort(-after)[: N // 2]
    assert {int(row) % 2 for row in best} == {colour}


def test_an_item_added_without_features_leaves_the_others_alone(name, fitted, dataset):
    blocks = {}
    for block in dataset.items.blocks.values():
        matrix = np.pad(block.matrix, ((0, 1), (0, 0)))
        blocks[block.name] = FeatureBlock(
            block.name, matrix, np.append(block.present, False), block.origin, block.labels
        )
    pictures = dataset.items.pictures.take(np.array([*range(N), -1]))
    items = ItemFeatures(IdMap([*dataset.items.item_ids, "bare"]), blocks, pictures)
    before = fitted(name).score(histories_of([likes(0, 2)], N), dataset.items).values
    after = fitted(name).score(histories_of([likes(0, 2)], N + 1), items).values
    np.testing.assert_allclose(after[:, :N], before, atol=1e-3 if "blend" in name else 1e-5)
    assert np.isfinite(after).all()


# ------------------------------------------------------------------ what cannot be done


@pytest.mark.parametrize(
    ("name", "block"), [(name, block) for name in RECOMMENDERS for block in make_recommender(name).capabilities.needs]
)
def test_a_missing_block_is_named(name, block, dataset):
    with pytest.raises(UnsupportedError, match=block):
        make_recommender(name).fit(Dataset(dataset.histories, without(dataset.items, block)))
    empty = FeatureBlock(block, np.zeros((N, 3), np.float32), np.zeros(N, bool), "made")
    pictures = DrawnPictures([None] * N) if block == "pictures" else dataset.items.pictures
    nothing = ItemFeatures(dataset.items.item_ids, {**dataset.items.blocks, block: empty}, pictures)
    with pytest.raises(UnsupportedError, match=block):
        make_recommender(name).fit(Dataset(dataset.histories, nothing))


def test_every_block_has_a_model_that_needs_it():
    needed = {block for name in RECOMMENDERS for block in make_recommender(name).capabilities.needs}
    assert needed == {*BLOCK_SOURCES, "pictures"}


FEW = {
    "no user": [],
    "no event": [[], []],
    "one event": [likes(0), []],
    "one user": [likes(0, 2)],
    "one item": [likes(0), likes(0), likes(0)],
    "two events": [likes(0), likes(1)],
    "dislikes only": [[(0, -1.0), (1, 0.0)], []],
    "everything seen": [likes(*range(N)), likes(*range(N))],
}


@pytest.mark.parametrize("users", FEW.values(), ids=FEW)
def test_a_log_that_is_too_small_is_named_or_still_gives_finite_scores(name, users, dataset):
    model = make_recommender(name)
    try:
        model.fit(Dataset(histories_of(users, N), dataset.items))
    except UnsupportedError as error:
        assert re.match(rf"{name} needs .*\w", str(error))
        assert not any(weight > 0 for history in users for _, weight in history)
    else:
        scores = model.score(dataset.histories, dataset.items)
        assert np.isfinite(scores.values).all()


@pytest.mark.parametrize("name", [name for name in RANKING if not make_recommender(name).capabilities.needs])
def test_without_any_features_it_learns_from_behaviour_or_says_what_it_needs(name, dataset):
    bare = ItemFeatures(dataset.items.item_ids)
    model = make_recommender(name)
    try:
        model.fit(Dataset(dataset.histories, bare))
    except UnsupportedError as error:
        assert re.match(rf"{name} needs .*\w", str(error))
    else:
        scores = model.score(dataset.histories, bare).values
        assert np.isfinite(scores).all()
        # sasrec asks what comes after the last event, and here nobody did anything after it: features must tell.
        if name in PERSONAL and name != "sasrec":
            withheld = np.where(dataset.histories.matrix().toarray() != 0, -np.inf, scores)
            assert withheld.argmax(axis=1).tolist() == list(range(N))


@pytest.mark.parametrize("name", [name for name in RECOMMENDERS if name != "random"])
def test_before_fit_a_model_says_what_to_call(name, dataset):
    model = make_recommender(name)
    with pytest.raises(NotFittedError, match=rf"{name} .*fit\(dataset\)"):
        model.score(dataset.histories, dataset.items)
    with pytest.raises(NotFittedError):
        model.state()


def test_random_has_nothing_to_learn(dataset):
    before = make_recommender("random").score(dataset.histories, dataset.items).values
    after = make_recommender("random").fit(dataset).score(dataset.histories, dataset.items).values
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("block", BLOCK_SOURCES)
def test_features_that_are_no_numbers_never_reach_a_model(bad, block):
    matrix = np.ones((3, 2), np.float32)
    matrix[1, 1] = bad
    with pytest.raises(InputError, match=rf"{block}.*NaN"):
        FeatureBlock(block, matrix, np.ones(3, bool), "made")


# ------------------------------------------------------------------ odd catalogues


def test_one_item_only(name):
    items = colour_features(1)
    model = make_recommender(name).fit(Dataset(histories_of([likes(0), likes(0)], 1), items))
    scores = model.score(histories_of([likes(0), []], 1), items).values
    assert scores.shape == (2, 1)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("value", [0.0, 0.1, 7.3])
def test_constant_features_give_finite_scores_that_say_nothing_of_content(name, value, dataset):
    blocks = {
        block: FeatureBlock(block, np.full((N, 5), value, np.float32), np.ones(N, bool), "made")
        for block in BLOCK_SOURCES
    }
    pictures = DrawnPictures([np.full((8, 8, 3), int(30 * value), np.uint8)] * N)
    flat = ItemFeatures(dataset.items.item_ids, blocks, pictures)
    scores = make_recommender(name).fit(Dataset(dataset.histories, flat)).score(dataset.histories, flat)
    assert np.isfinite(scores.values).all()
    for source in ("visual", "text", "category", "appeal"):
        if source in scores.parts:
            np.testing.assert_allclose(scores.parts[source], 0.0, atol=1e-6)


def test_users_without_any_history_can_be_fitted_on(name, dataset):
    histories = histories_of([*([[]] * 3), likes(0, 2, 4), likes(0, 2)], N)
    model = make_recommender(name).fit(Dataset(histories, dataset.items))
    assert np.isfinite(model.score(histories, dataset.items).values).all()
