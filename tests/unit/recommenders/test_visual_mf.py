"""Factorisation of ratings: posteriors against their formulas, the space against what was planted in it."""

from __future__ import annotations

import numpy as np
import pytest
from pyarrow.csv import read_csv
from scipy.sparse import csr_matrix

from rating_shops import N_ITEMS, items_of_two_looks, rated, two_tastes
from visrec.core.dataset import Dataset
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.recommenders.bias import Bias
from visrec.recommenders.factor_ensemble import FactorEnsemble
from visrec.recommenders.factor_sampler import Draw, RowPrior, row_posteriors, sample_factors
from visrec.recommenders.implicit_space import ImplicitSpace
from visrec.recommenders.visual_mf import VisualMF, VisualMFSettings, biased_products


@pytest.fixture(scope="module")
def shop() -> Dataset:
    return two_tastes()


@pytest.fixture(scope="module")
def model(shop) -> VisualMF:
    return VisualMF().fit(shop)


def rate(model, histories, items, user, item):
    return float(model.predict(histories, items, np.array([user]), np.array([item]))[0])


# ------------------------------------------------------------------ the formula


def test_the_worked_example_with_biases_added():
    users, items = np.array([[0.5, 1.0, 2.0]]), np.array([[0.25, 2.0, 1.0], [-1.0, 1.0, 0.5]])
    np.testing.assert_allclose(biased_products(users, items), [[4.75, 1.5]])


def test_a_row_is_the_ridge_regression_of_its_ratings():
    generator = np.random.default_rng(0)
    others = generator.normal(size=(6, 3))
    root = generator.normal(size=(3, 3))
    precision = root @ root.T + np.eye(3)
    prior = generator.normal(size=(3, 3))
    noise = np.array([2.0, 2.0, 0.5, 2.0, 2.0, 0.5])
    # Row 1 has no rating; a stored 0 is a rating.
    ratings = csr_matrix((np.array([1.0, -0.5, 0.0]), np.array([0, 2, 5]), np.array([0, 2, 2, 3])), shape=(3, 6))
    ((_, posterior, right),) = row_posteriors(ratings, others, prior, precision, noise)
    means = np.linalg.solve(posterior, right[:, :, None])[:, :, 0]
    for row in range(3):
        # Least squares on the stacked system: ratings by their noise, then the prior.
        events = range(ratings.indptr[row], ratings.indptr[row + 1])
        events = [(ratings.indices[e], ratings.data[e]) for e in events]
        left = [np.sqrt(noise[i]) * np.append(1.0, others[i, 1:]) for i, _ in events]
        target = [np.sqrt(noise[i]) * (value - others[i, 0]) for i, value in events]
        upper = np.linalg.cholesky(precision).T
        system = np.concatenate([np.array(left).reshape(-1, 3), upper])
        expected = np.linalg.lstsq(system, np.concatenate([target, upper @ prior[row]]), rcond=None)[0]
        np.testing.assert_allclose(means[row], expected, atol=1e-10)


def test_blocks_of_rows_give_what_one_block_gives(monkeypatch):
    generator = np.random.default_rng(1)
    ratings = csr_matrix(generator.normal(size=(7, 5)) * (generator.random((7, 5)) < 0.5))
    arguments = (ratings, generator.normal(size=(5, 3)), generator.normal(size=(7, 3)), np.eye(3), 1.5)
    ((_, whole, right),) = row_posteriors(*arguments)
    monkeypatch.setattr("visrec.recommenders.factor_sampler._BLOCK_ROWS", 3)
    parts = list(row_posteriors(*arguments))
    assert [(rows.start, rows.stop) for rows, _, _ in parts] == [(0, 3), (3, 6), (6, 7)]
    np.testing.assert_allclose(np.concatenate([a for _, a, _ in parts]), whole)
    np.testing.assert_allclose(np.concatenate([b for _, _, b in parts]), right)


def test_the_sampler_finds_planted_factors_noise_and_link():
    generator = np.random.default_rng(2)
    x = generator.normal(size=(80, 2))
    true_link = np.array([[0.0, 0.8], [0.5, 0.0]])
    items = x @ true_link + generator.normal(size=(80, 2)) * 0.05
    users = generator.normal(size=(200, 2))
    full = biased_products(users, items) + generator.normal(size=(200, 80)) * 0.3
    mask = generator.random((200, 80)) < 0.4
    known = csr_matrix(np.where(mask, full, 0.0))
    priors = RowPrior(np.zeros((200, 0)), {}, 2), RowPrior(x, {"all": slice(0, 2)}, 2)
    draws = list(sample_factors(known, *priors, warm_up=40, samples=30, generator=generator))
    assert len(draws) == 30
    mean = np.mean([biased_products(d.users, d.items) for d in draws], axis=0)
    assert np.sqrt(np.mean((mean - full)[~mask] ** 2)) < 0.33
    assert np.mean([d.noise for d in draws]) == pytest.approx(1 / 0.09, rel=0.1)
    # The product is determined, the length of either side is not: compare the rating that content alone gives.
    biases = np.mean([d.item_link[:, 0] for d in draws], axis=0)
    np.testing.assert_allclose(biases, true_link[:, 0], atol=0.15)


def draw_of(items, users=None):
    dim = items.shape[1]
    users = np.zeros((2, dim)) if users is None else users
    return Draw(users, items, 4.0, np.zeros(dim), np.eye(dim), np.zeros((1, dim)), np.zeros((1, dim)))


def test_new_items_are_regressed_over_ratings_by_hand():
    # Ratings 3 and 1: weights 1.5 and 0.5; mean factor (3 · 1 + 1 · (-1)) / 4 = 0.5. Content 1 and -1:
    # link = (1.5 · 1 · 0.5 + 0.5 · (-1) · (-1.5)) / (1.5 + 0.5 + lambda 1) = 1.5 / 3 = 0.5.
    items = np.array([[1.0], [-1.0]])
    content = np.array([[1.0], [-1.0]])
    ensemble = FactorEnsemble.of([draw_of(items)], content, np.array([3.0, 1.0]), 1.0)
    found = ensemble.item_factors(0, np.array([-1, 1, -1, -1]), np.array([[1.0], [7.0], [-2.0], [0.0]]))
    np.testing.assert_allclose(found[:, 0], [1.0, -1.0, -0.5, 0.5])
    # Left over: 0 and -1, so a variance of (1.5 · 0 + 0.5 · 1) / 2 = 0.25 besides the noise of 1/4.
    assert ensemble.new_noise[0] == pytest.approx(1 / (0.25 + 0.25))


# ------------------------------------------------------------------ behaviour


def test_it_learns_tastes_that_biases_cannot_see(shop, model):
    users, things = (grid.ravel() for grid in np.indices((shop.n_users, N_ITEMS)))
    truth = np.where(users % 2 == things % 2, 4.5, 1.5)
    error = [np.sqrt(np.mean((m.predict(shop.histories, shop.items, users, things) - truth) ** 2))
             for m in (model, Bias().fit(shop))]  # fmt: skip
    assert error[0] < 0.5
    assert error[1] > 1.3


def test_one_rating_says_which_taste_a_stranger_has(shop, model):
    for colour in (0, 1):
        for rating in (1.0, 5.0):
            scores = model.score(rated([[(6 + colour, rating)]], N_ITEMS), shop.items).values[0].copy()
            scores[6 + colour] = np.nan
            same, other = np.nanmean(scores[colour::2]), np.nanmean(scores[1 - colour :: 2])
            assert (same > other) == (rating == 5.0)


def test_new_items_are_rated_by_their_looks_and_without_any_as_the_mean(shop, model):
    items = items_of_two_looks(N_ITEMS + 4, bare=[N_ITEMS + 2, N_ITEMS + 3])
    histories = Histories(
        shop.histories.user_ids, N_ITEMS + 4, shop.histories.indptr, shop.histories.item_index,
        shop.histories.weight, shop.histories.timestamp, shop.histories.rating,
    )  # fmt: skip
    for user in (0, 1):
        even, odd = (rate(model, histories, items, user, N_ITEMS + c) for c in (0, 1))
        assert (even > odd + 1.0) == (user == 0)
        assert abs(even - odd) > 1.0
        bare = [rate(model, histories, items, user, N_ITEMS + place) for place in (2, 3)]
        assert bare[0] == pytest.approx(bare[1])
        assert min(even, odd) < bare[0] < max(even, odd)


def test_a_rating_of_a_new_item_counts_at_once(shop, model):
    items = items_of_two_looks(N_ITEMS + 1)
    histories = rated([[(N_ITEMS, 1.0)], [], [(N_ITEMS, 5.0)]], N_ITEMS + 1)
    low, none, high = (s[0:N_ITEMS:2].mean() - s[1:N_ITEMS:2].mean() for s in model.score(histories, items).values)
    assert low + 0.5 < none < high - 0.5


def test_a_rating_of_a_guessed_item_moves_a_user_less():
    items = np.array([[0.0, 1.0], [0.0, -1.0]])
    ensemble = FactorEnsemble.of([draw_of(items, np.ones((2, 2)))], np.array([[0.5], [0.5]]), np.array([1.0, 1.0]), 1.0)
    ratings = csr_matrix(np.array([[2.0, 0.0]]))
    known, guessed = (
        ensemble.user_factors(0, ratings[:, :1], np.zeros((1, 1)), items[:1], np.array([flag]))
        for flag in (True, False)
    )
    # Prior N(0, I), inputs (1, 1), noise precision p: both entries are 2 p / (1 + 2 p).
    np.testing.assert_allclose(known, [[8 / 9, 8 / 9]])
    p = ensemble.new_noise[0]
    assert p < 4
    np.testing.assert_allclose(guessed, [[2 * p / (1 + 2 * p)] * 2])


def test_content_is_a_part_of_its_own_for_known_items_and_new_ones(shop, model):
    items = items_of_two_looks(N_ITEMS + 2)
    scores = model.score(rated([[(0, 5.0), (1, 1.0), (2, 5.0)]], N_ITEMS + 2), items)
    assert set(scores.parts) == {"collaborative", "visual"}
    visual = scores.parts["visual"][0]
    assert visual[0::2].min() > visual[1::2].max()
    # Of a new item nothing but its look tells it from another new one.
    np.testing.assert_allclose(scores.parts["collaborative"][0, N_ITEMS], scores.parts["collaborative"][0, N_ITEMS + 1],
                               atol=1e-5)  # fmt: skip
    assert model.fusion_shares == {"image": 1.0}


def test_without_features_it_is_plain_factorisation(shop):
    model = VisualMF(VisualMFSettings(samples=5)).fit(Dataset(shop.histories, ItemFeatures(shop.items.item_ids)))
    assert model.fusion_shares == {}
    assert set(model.score(shop.histories, shop.items).parts) == {"collaborative"}


def test_settings_reach_the_saved_arrays(shop):
    arrays = VisualMF(VisualMFSettings(dim=3, samples=4, implicit_dim=2, warm_up=1)).fit(shop).state()[1]
    assert arrays["factors.items"].shape == (4, N_ITEMS, 4)
    assert arrays["factors.user_link"].shape == (4, 3, 4)


def test_ratings_on_another_scale_are_predicted_on_it(shop, model):
    h = shop.histories
    tenfold = Histories(h.user_ids, h.n_items, h.indptr, h.item_index, h.weight, h.timestamp, h.rating * 10 - 50)
    users, things = np.arange(10), np.arange(10)
    before = model.predict(h, shop.items, users, things)
    after = VisualMF().fit(Dataset(tenfold, shop.items)).predict(tenfold, shop.items, users, things)
    np.testing.assert_allclose(after, before * 10 - 50, atol=1e-2)


# ------------------------------------------------------------------ the implicit term


def test_histories_are_sums_of_singular_vectors_by_numpy():
    dense = (np.random.default_rng(4).random((12, 7)) < 0.5).astype(np.float64)
    dense[0] = 0.0
    dense[1, :] = 1.0
    space, item_rows = ImplicitSpace.fit(csr_matrix(dense), 3)
    lengths, counts = dense.sum(axis=1), dense.sum(axis=0)
    scaled = dense / np.sqrt(np.maximum(lengths, 1))[:, None] / np.sqrt(counts)
    _, _, vectors = np.linalg.svd(scaled, full_matrices=False)
    expected = (dense / np.sqrt(np.maximum(lengths, 1))[:, None]) @ (vectors[:3].T / np.sqrt(counts)[:, None])
    rows = space(csr_matrix(dense)) * space.scale + space.mean
    np.testing.assert_allclose(np.abs(rows[1:, :3]), np.abs(expected[1:]), atol=1e-8)
    np.testing.assert_allclose(rows[1:, 3], np.log1p(lengths[1:]))
    assert (space(csr_matrix(dense))[0] == 0).all()
    assert item_rows.shape == (7, 4)
    np.testing.assert_allclose(item_rows.mean(axis=0), 0.0, atol=1e-12)


def test_a_log_of_low_rank_has_no_more_directions_than_that():
    space, _ = ImplicitSpace.fit(csr_matrix(np.ones((5, 4))), 3)
    assert space.width == 2
    assert (space.scale > 0).all()


@pytest.mark.slow
@pytest.mark.realdata
def test_on_movielens_it_is_far_below_the_biases(real_data):
    log = read_csv(real_data / "ml100k-posters" / "interactions.csv")
    (user_ids, users), (item_ids, things) = (
        np.unique(log[name].to_numpy(), return_inverse=True) for name in ("user_id", "item_id")
    )
    n = len(users)
    histories = Histories.from_events(
        IdMap(map(str, user_ids)), len(item_ids), users, things.astype(np.int32), np.ones(n, np.float32),
        log["timestamp"].to_numpy(), log["rating"].to_numpy().astype(np.float32),
    )  # fmt: skip
    items = ItemFeatures(IdMap(map(str, item_ids)))
    held_out = np.random.default_rng(0).random(n) < 0.2
    train = histories.select(~held_out)
    asked = histories.user_index[held_out], histories.item_index[held_out].astype(np.int64)
    truth = histories.rating[held_out]
    error = {m.id: np.sqrt(np.mean((m.fit(Dataset(train, items)).predict(train, items, *asked) - truth) ** 2))
             for m in (Bias(), VisualMF())}  # fmt: skip
    assert 0.93 < error["bias"] < 0.96
    assert error["visual-mf"] < 0.905
