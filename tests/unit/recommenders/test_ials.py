"""iALS and folding in against plain loops in float64, hand-worked values, and the package's own solver."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_info, threadpool_limits

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError, UnsupportedError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.ids import IdMap
from visrec.core.settings import SearchSpace, change_settings
from visrec.recommenders import fold_in as fold_in_module
from visrec.recommenders.fold_in import fold_in
from visrec.recommenders.ials import Ials, IalsSettings

SMALL = IalsSettings(dim=4, alpha=2.0, regularisation=0.3, iterations=10, blocks=("image", "text"), feature_dim=3)


def plain_fold_in(confidence, target, vectors):
    """One ridge problem a user, by loops, as the equation is written."""
    dim = vectors.shape[1]
    users = np.zeros((confidence.shape[0], dim))
    for user in range(confidence.shape[0]):
        left, right = np.eye(dim), np.zeros(dim)
        for place in range(confidence.indptr[user], confidence.indptr[user + 1]):
            z = vectors[confidence.indices[place]].astype(np.float64)
            left += confidence.data[place] * np.outer(z, z)
            right += target.data[place] * z
        users[user] = np.linalg.inv(left) @ right
    return users


# ------------------------------------------------------------------ folding in


@pytest.mark.parametrize("budget", [1, 4_000_000], ids=["one user a block", "all that fit"])
def test_fold_in_is_the_ridge_solution_of_every_user(budget, monkeypatch):
    monkeypatch.setattr(fold_in_module, "_BUDGET", budget)
    generator = np.random.default_rng(0)
    # Lengths on both sides of dim = 6, empty ones among them, in no order.
    lengths = np.array([3, 0, 40, 1, 6, 7, 25, 0, 2, 90, 5, 30])
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    indices = np.concatenate([generator.choice(100, n, replace=False) for n in lengths])
    confidence = csr_matrix((generator.uniform(0.1, 9.0, indptr[-1]), indices, indptr), shape=(12, 100))
    target = csr_matrix((generator.normal(size=indptr[-1]), indices, indptr), shape=(12, 100))
    vectors = generator.normal(size=(100, 6)).astype(np.float32)
    users = fold_in(confidence, target, vectors)
    assert users.dtype == np.float32
    np.testing.assert_allclose(users, plain_fold_in(confidence, target, vectors), rtol=1e-5, atol=1e-6)
    assert (users[[1, 7]] == 0).all()


def test_fold_in_by_hand():
    # z = (1, 0) with c = 3, t = 4: x = 4 / (1 + 3) = 1. z = (0, 2) with c = 1, t = -5: x = -10 / (1 + 4) = -2.
    confidence = csr_matrix(np.array([[3.0, 1.0]]))
    target = csr_matrix(np.array([[4.0, -5.0]]))
    np.testing.assert_allclose(fold_in(confidence, target, np.diag([1.0, 2.0]).astype(np.float32)), [[1.0, -2.0]])


def test_fold_in_of_nobody():
    empty = csr_matrix((0, 3))
    assert fold_in(empty, empty, np.ones((3, 2), np.float32)).shape == (0, 2)


# ------------------------------------------------------------------ the factors


def weights_matrix(histories):
    """Users x items in float64, by a plain loop: the last event of a pair counts."""
    matrix = np.zeros((len(histories), histories.n_items))
    for user in range(len(histories)):
        for event in range(histories.indptr[user], histories.indptr[user + 1]):
            matrix[user, histories.item_index[event]] = histories.weight[event]
    return matrix


def alternate(weights, settings, sweeps):
    """Eq. 4 and 5 of the paper, exact and in float64; a dislike has p = 0. Returns user and item factors."""
    n_users, n_items = weights.shape
    n_events = np.count_nonzero(weights)
    regularisation = settings.regularisation * (1 + settings.alpha)
    regularisation *= np.sqrt(n_events / n_users) + np.sqrt(n_events / n_items)
    confidence = 1 + settings.alpha * np.abs(weights)
    liked = (weights > 0).astype(np.float64)
    generator = np.random.default_rng(3)
    items = generator.random((n_items, settings.dim))
    users = np.zeros((n_users, settings.dim))
    penalty = regularisation * np.eye(settings.dim)
    for _ in range(sweeps):
        for user in range(n_users):
            left = items.T @ (confidence[user][:, None] * items) + penalty
            users[user] = np.linalg.solve(left, items.T @ (confidence[user] * liked[user]))
        for item in range(n_items):
            left = users.T @ (confidence[:, item][:, None] * users) + penalty
            items[item] = np.linalg.solve(left, users.T @ (confidence[:, item] * liked[:, item]))
    return users, items, regularisation


def test_scores_are_those_of_exact_alternation(shop):
    settings = IalsSettings(dim=4, alpha=2.0, regularisation=0.3, iterations=300, blocks=())
    weights = weights_matrix(shop.histories)
    columns = np.flatnonzero((weights > 0).any(axis=0))
    _, items, regularisation = alternate(weights[:, columns], settings, 300)
    expected = np.zeros((len(weights), len(columns)))
    for user, row in enumerate(weights[:, columns]):
        confidence = 1 + settings.alpha * np.abs(row)
        left = items.T @ (confidence[:, None] * items) + regularisation * np.eye(settings.dim)
        # Where a history is folded in, a dislike is p = -1.
        expected[user] = items @ np.linalg.solve(left, items.T @ (confidence * np.sign(row)))
    scores = Ials(settings).fit(shop).score(shop.histories, shop.items).parts["collaborative"]
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(scores[:, columns], expected, atol=2e-3)
    others = np.setdiff1d(np.arange(shop.n_items), columns)
    assert others.size
    assert (scores[:, others] == 0).all()


def test_folding_in_a_training_history_gives_the_packages_own_user(shop):
    from implicit.cpu.als import AlternatingLeastSquares

    likes = shop.histories.select(shop.histories.weight > 0)
    dataset = Dataset(likes, shop.items)
    matrix = likes.liked()
    columns = np.flatnonzero(matrix.toarray().any(axis=0))
    matrix = matrix[:, columns]
    edge = np.sqrt(matrix.nnz / matrix.shape[0]) + np.sqrt(matrix.nnz / matrix.shape[1])
    matrix.data = 1 + 2.0 * matrix.data
    with threadpool_limits(1, "blas"):
        package = AlternatingLeastSquares(
            factors=4, regularization=0.3 * 3.0 * edge, iterations=10, random_state=SMALL.seed
        )
        package.fit(matrix, show_progress=False)
        users = package.recalculate_user(np.arange(len(likes)), matrix)
    expected = users @ package.item_factors.T
    scores = Ials(SMALL).fit(dataset).score(likes, shop.items).parts["collaborative"]
    np.testing.assert_allclose(scores[:, columns], expected, atol=1e-5)


# ------------------------------------------------------------------ new items


def with_a_new_item(shop, seed=5):
    generator = np.random.default_rng(seed)
    blocks = {}
    for name, block in shop.items.blocks.items():
        row = generator.normal(size=(1, block.dim)).astype(np.float32)
        blocks[name] = FeatureBlock(
            name, np.concatenate([block.matrix, row]), np.append(block.present, True), block.origin
        )
    return ItemFeatures(IdMap([*shop.items.item_ids, "new"]), blocks)


def test_a_new_item_has_the_factor_that_least_squares_reads_off_its_features(shop, histories_of):
    model = Ials(SMALL).fit(shop)
    settings, arrays = model.state()
    features = model._features(shop.items)
    rows = shop.items.item_ids.rows(settings["item_ids"])
    targets = arrays["factors"].astype(np.float64)
    root = np.sqrt(SMALL.feature_regularisation) * np.eye(features.shape[1])
    regression = np.linalg.lstsq(
        np.concatenate([features[rows], root]),
        np.concatenate([targets - targets.mean(axis=0), np.zeros((len(root), SMALL.dim))]),
        rcond=None,
    )[0]
    np.testing.assert_allclose(arrays["regression"], regression, atol=1e-6)

    items = with_a_new_item(shop)
    factor = model._features(items)[15] @ regression
    # An event on the new item alone: x = (1 + alpha) z / (1 + alpha |z|²), eq. 4 with one term.
    alpha = SMALL.alpha
    user = (1 + alpha) * factor / (1 + alpha * factor @ factor)
    parts = model.score(histories_of([[(15, 1.0)], []], 16), items).parts
    assert set(parts) == {"collaborative", "visual", "text"}
    np.testing.assert_allclose(parts["visual"][0, 15] + parts["text"][0, 15], user @ factor, atol=1e-6)
    np.testing.assert_allclose(parts["collaborative"][0, rows], targets @ user, atol=1e-6)
    assert np.abs(parts["collaborative"][0]).max() > 1e-4
    assert parts["collaborative"][0, 15] == 0
    assert all((part[1] == 0).all() for part in parts.values())


def test_shares_tell_which_block_speaks_of_behaviour(items_of, histories_of):
    # Pictures say which half of the catalogue an item is in, texts are noise; users stay within a half.
    generator = np.random.default_rng(0)
    half = np.arange(40) % 2 * 2.0 - 1
    pictures = np.stack([half, *generator.normal(size=(2, 40)) * 0.1], axis=1)
    items = items_of({"image": pictures.tolist(), "text": generator.normal(size=(40, 3)).tolist()})
    users = [[(int(item), 1.0) for item in generator.choice(np.flatnonzero(half == half[u]), 8)] for u in range(40)]
    model = Ials().fit(Dataset(histories_of(users, 40), items))
    assert sum(model.fusion_shares.values()) == pytest.approx(1.0)
    assert model.fusion_shares["image"] > 0.9
    loaded = Ials().load_state(*model.state())
    assert loaded.fusion_shares == model.fusion_shares


# ------------------------------------------------------------------ dislikes, errors, surroundings


def test_a_dislike_is_the_opposite_of_a_like(shop, histories_of):
    model = Ials(SMALL).fit(shop)
    scores = model.score(histories_of([[(4, 1.0)], [(4, -1.0)]], 15), shop.items).values
    assert np.abs(scores).max() > 1e-3
    np.testing.assert_allclose(scores[0], -scores[1], atol=1e-7)


def test_what_was_only_seen_says_nothing(shop, histories_of):
    model = Ials(SMALL).fit(shop)
    scores = model.score(histories_of([[(4, 1.0), (5, 0.0)], [(4, 1.0)]], 15), shop.items).values
    np.testing.assert_array_equal(scores[0], scores[1])


@pytest.mark.parametrize(
    "wrong", [{"dim": 0}, {"iterations": 0}, {"feature_dim": 0}, {"alpha": 0.0}, {"regularisation": 0.0}]
)
def test_settings_that_make_no_model_are_refused(wrong):
    with pytest.raises(InputError, match="ials expects"):
        IalsSettings(**wrong)


def test_without_likes_the_error_says_so(histories_of, items_of):
    dataset = Dataset(histories_of([[(0, -1.0)], [(1, 0.0)]], 2), items_of({}, 2))
    with pytest.raises(UnsupportedError, match="ials needs likes"):
        Ials().fit(dataset)


def test_a_fit_leaves_the_threads_of_blas_and_the_random_state_alone(shop):
    np.random.seed(1)
    state = np.random.get_state()[1].copy()
    with threadpool_limits(2, "blas"), warnings.catch_warnings():
        warnings.simplefilter("error")
        before = [pool["num_threads"] for pool in threadpool_info()]
        Ials(SMALL).fit(shop)
        assert [pool["num_threads"] for pool in threadpool_info()] == before
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_progress_counts_sweeps(shop, watched):
    seen, Watch = watched
    Ials(SMALL).fit(shop, Watch)
    assert seen == [("ials", 10, "sweeps"), *[1] * 10]


@pytest.mark.parametrize("name", IalsSettings.search)
def test_what_can_be_searched_can_be_set(name):
    space = IalsSettings.search[name]
    assert isinstance(space, SearchSpace)
    for value in space.choices or (space.low, space.high):
        assert getattr(change_settings("ials", IalsSettings(), {name: value}), name) == value
