"""Neighbours of a history: against a plain loop, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from visrec.core.dataset import Dataset
from visrec.recommenders.content_knn import ContentKNN, ContentKNNSettings, content_knn
from visrec.recommenders.whitening import Whitening

DAY = 86_400


def cosines(block):
    """Of centred rows, in float64; 0 with an absent one."""
    rows = block.matrix.astype(np.float64) - block.matrix[block.present].astype(np.float64).mean(axis=0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[~block.present] = 0.0
    return rows @ rows.T


def by_loop(histories, cosine, kernel):
    scores = np.zeros((len(histories), histories.n_items))
    for user in range(len(histories)):
        weights = {}
        for event in range(histories.indptr[user], histories.indptr[user + 1]):
            weights[histories.item_index[event]] = float(histories.weight[event])
        total = sum(abs(weight) for weight in weights.values())
        for item in range(histories.n_items):
            if total:
                scores[user, item] = sum(w * kernel(cosine[seen, item]) for seen, w in weights.items()) / total
    return scores


@pytest.mark.parametrize(
    ("power", "kernel"),
    [(1.0, lambda c: c), (2.0, lambda c: max(c, 0.0) ** 2), (3.0, lambda c: max(c, 0.0) ** 3)],
    ids=["1", "2", "3"],
)
@pytest.mark.parametrize(("block", "source"), [("image", "visual"), ("text", "text")])
def test_scores_agree_with_a_plain_loop(power, kernel, block, source, shop):
    # All components kept and none stretched: a rotation, which leaves cosines as they are.
    model = ContentKNN(ContentKNNSettings(block=block, power=power, whiten=0.0)).fit(shop)
    expected = by_loop(shop.histories, cosines(shop.items.blocks[block]), kernel)
    scores = model.score(shop.histories, shop.items).parts[source]
    np.testing.assert_allclose(scores, expected, atol=2e-6)
    assert (expected < -0.01).any()


def test_more_distinct_events_than_one_chunk_holds(items_of, histories_of):
    generator = np.random.default_rng(2)
    n = 1100
    items = items_of({"image": generator.normal(size=(n, 3))})
    users = [[(item, 1.0) for item in range(n)], [(1099, 1.0), (0, -0.5)]]
    histories = histories_of(users, n)
    model = ContentKNN(ContentKNNSettings(whiten=0.0)).fit(Dataset(histories, items))
    expected = by_loop(histories.take(np.array([1])), cosines(items.blocks["image"]), lambda c: max(c, 0.0) ** 2)
    np.testing.assert_allclose(model.score(histories, items).values[1:], expected, atol=2e-6)


@pytest.fixture
def cross(items_of):
    """Four items at the ends of a cross: neighbours at right angles, opposites at cosine -1."""
    return items_of({"image": [[2.0, 1.0], [0.0, 1.0], [1.0, 2.0], [1.0, 0.0]]})


def fitted(items, histories_of, **settings):
    return ContentKNN(ContentKNNSettings(**settings)).fit(Dataset(histories_of([[]], len(items)), items))


@pytest.mark.parametrize("first", [0, 1_600_000_000, -2_000_000_000])
def test_half_life_by_hand(first, cross, histories_of):
    # Item 0 is ten days older than item 2: weights 1/2 and 1, together 3/2. User 1 has the one event only.
    histories = histories_of([[(0, 1.0, first), (2, 1.0, first + 10 * DAY)], [(0, 1.0, first)]], 4)
    model = fitted(cross, histories_of, half_life_days=10.0)
    scores = model.score(histories, cross).values
    np.testing.assert_allclose(scores, [[1 / 3, 0, 2 / 3, 0], [1, 0, 0, 0]], atol=1e-6)
    ageless = fitted(cross, histories_of).score(histories, cross).values
    np.testing.assert_allclose(ageless, [[1 / 2, 0, 1 / 2, 0], [1, 0, 0, 0]], atol=1e-6)


def test_half_life_of_the_latest_event_of_a_repeated_pair(cross, histories_of):
    # The like of item 2 was taken back on day 30: only the dislike is left, at full weight, beside 1/8 of item 0.
    histories = histories_of([[(0, 1.0, 0), (2, 1.0, 0), (2, -1.0, 30 * DAY)]], 4)
    scores = fitted(cross, histories_of, half_life_days=10.0).score(histories, cross).values
    np.testing.assert_allclose(scores, [[1 / 9, 0, -8 / 9, 0]], atol=1e-6)


def test_opposites_count_at_power_1_only(cross, histories_of):
    histories = histories_of([[(0, 1.0)]], 4)
    at_1 = fitted(cross, histories_of, power=1.0).score(histories, cross).values
    np.testing.assert_allclose(at_1, [[1, -1, 0, 0]], atol=1e-6)
    at_2 = fitted(cross, histories_of, power=2.0).score(histories, cross).values
    np.testing.assert_allclose(at_2, [[1, 0, 0, 0]], atol=1e-6)


def test_two_interests_are_not_averaged_into_none(items_of, histories_of):
    items = items_of({"image": [[9, 0, 0], [9, 0.5, 0], [0, 9, 0], [0.5, 9, 0], [5, 5, 0], [0, 0, 9], [0, 0, 8]]})
    scores = fitted(items, histories_of, whiten=0.0).score(histories_of([[(0, 1.0), (2, 1.0)]], 7), items).values[0]
    assert min(scores[1], scores[3]) > scores[4]


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_whitening_makes_the_variances_what_it_says(strength):
    rows = np.random.default_rng(4).normal(size=(200, 6)).astype(np.float32) * [5, 3, 2, 1, 1, 0.5]
    rows = rows.astype(np.float32)
    whitening = Whitening.fit(rows, 6, strength)
    projected = rows.astype(np.float64) @ whitening.projection
    singular = np.linalg.svd(rows.astype(np.float64), compute_uv=False)
    # A component of singular value s keeps s^(1 - strength): its square is on the diagonal, nothing beside it.
    np.testing.assert_allclose(projected.T @ projected, np.diag(singular ** (2 - 2 * strength)), rtol=1e-3, atol=2e-3)


def test_whitening_keeps_the_largest_components_and_none_without_variance():
    rows = np.diag([4.0, 1.0, 3.0, 2.0]).astype(np.float32)
    np.testing.assert_allclose(np.abs(Whitening.fit(rows, 2, 0.0).projection), [[1, 0], [0, 0], [0, 1], [0, 0]])
    flat = np.array([[1.0, 0, 0], [-2.0, 0, 0]], dtype=np.float32)
    assert Whitening.fit(flat, 3, 0.5).projection.shape == (3, 1)
    assert Whitening.fit(np.zeros((5, 3), np.float32), 3, 0.5).projection.shape == (3, 0)


def test_whitened_rows_have_length_1_and_zeros_stay_zero():
    rows = np.random.default_rng(4).normal(size=(20, 4)).astype(np.float32)
    rows[7] = 0.0
    lengths = np.linalg.norm(Whitening.fit(rows, 3, 0.5)(rows), axis=1)
    np.testing.assert_allclose(lengths, np.where(np.arange(20) == 7, 0.0, 1.0), atol=1e-6)


def test_the_sign_of_a_component_is_fixed(monkeypatch):
    rows = np.random.default_rng(4).normal(size=(30, 5)).astype(np.float32)
    expected = Whitening.fit(rows, 5, 0.5).projection
    eigh = np.linalg.eigh

    def flipped(matrix):
        values, vectors = eigh(matrix)
        return values, vectors * np.array([-1, 1, -1, 1, -1])

    monkeypatch.setattr(np.linalg, "eigh", flipped)
    np.testing.assert_array_equal(Whitening.fit(rows, 5, 0.5).projection, expected)
    largest = np.abs(expected).argmax(axis=0)
    assert (expected[largest, np.arange(5)] > 0).all()


def test_default_settings_of_each_block():
    assert {content_knn(block).settings.power for block in ("image", "text", "category")} == {None}
    assert content_knn("text", half_life_days=30.0).settings.half_life_days == 30.0


def test_a_loaded_model_takes_the_saved_ones_block(shop):
    text = content_knn("text").fit(shop)
    loaded = content_knn("image").load_state(*text.state())
    assert (loaded.id, loaded.capabilities.needs) == ("text-knn", ("text",))
