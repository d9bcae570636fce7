"""The learned directions, on planted agreement, against plain loops, and where there is nothing to learn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from visrec.taste.space import TasteSpace, _agreement

DIM, PLANTED = 30, 10


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def shop(strength, n_users=300, n_items=400, n_likes=10, seed=0):
    """Users who like items by the first PLANTED directions; the others are chance."""
    rng = np.random.default_rng(seed)
    vectors = unit(rng.normal(size=(n_items, DIM)))
    tastes = rng.normal(size=(n_users, PLANTED))
    score = strength * tastes @ vectors[:, :PLANTED].T + rng.gumbel(size=(n_users, n_items))
    liked = np.zeros((n_users, n_items), dtype=np.float32)
    np.put_along_axis(liked, np.argsort(-score, axis=1)[:, :n_likes], 1.0, axis=1)
    return vectors, csr_matrix(liked)


def test_directions_on_which_people_agree_are_found():
    vectors, liked = shop(strength=6.0)
    space = TasteSpace.fit(vectors, liked)
    assert space.learned
    rows = space(vectors)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    projection = space._projection
    assert np.square(projection[:PLANTED]).sum() > 0.9 * np.square(projection).sum()
    new_vectors, new_liked = shop(strength=6.0, seed=1)

    def agreement(v):
        """How much nearer two likes of one user are than two items, in standard deviations."""
        pairs = v @ v.T
        of_users = [pairs[np.ix_(row.indices, row.indices)][np.triu_indices(10, 1)].mean() for row in new_liked]
        return (np.mean(of_users) - pairs.mean()) / pairs.std()

    # Of other users and other items: it is no memory of the likes that it learned from.
    assert agreement(space(new_vectors)) > 1.35 * agreement(new_vectors)


def test_without_agreement_or_likes_the_embeddings_stay_as_they_are():
    vectors, liked = shop(strength=0.0)
    for likes in (liked, csr_matrix((3, 400), dtype=np.float32), csr_matrix((0, 400), dtype=np.float32), liked[:1]):
        space = TasteSpace.fit(vectors, likes)
        assert not space.learned
        assert space(vectors) is vectors


def test_covariances_are_those_of_a_plain_loop():
    vectors, liked = shop(strength=1.0, n_users=7, n_items=12, n_likes=4)
    liked = liked.tolil()
    liked[0, :] = 0
    liked[1, :] = 0
    liked[1, 3] = 1
    liked = csr_matrix(liked)
    vectors[5] = 0
    between, total, mean = _agreement(vectors, liked)
    first, second, single, weights = [], [], [], []
    for row in liked:
        items = [item for item in row.indices if item != 5]
        if len(items) < 2:
            continue
        single += [vectors[item] for item in items]
        for a in items:
            for b in items:
                if a != b:
                    first.append(vectors[a])
                    second.append(vectors[b])
                    weights.append(1 / (len(items) - 1))
    m = np.mean(single, axis=0)
    np.testing.assert_allclose(mean, m, atol=1e-6)
    np.testing.assert_allclose(total, np.cov(np.array(single).T, bias=True), atol=1e-6)
    expected = np.average([np.outer(a, b) for a, b in zip(first, second, strict=True)], axis=0, weights=weights)
    np.testing.assert_allclose(between, expected - np.outer(m, m), atol=1e-6)


def test_directions_are_scaled_by_the_root_of_their_agreement():
    """Of w with wᵀ T w = 1 and wᵀ C w = λ, √λ w remains: then Pᵀ C P is the square of Pᵀ T P, which is λ."""
    vectors, liked = shop(strength=6.0)
    projection = TasteSpace.fit(vectors, liked)._projection
    between, total, _ = _agreement(vectors, liked)
    total += np.eye(DIM) * 0.1 * np.trace(total) / DIM
    agreement = projection.T @ total @ projection
    np.testing.assert_allclose(agreement, np.diag(np.diag(agreement)), atol=1e-4)
    np.testing.assert_allclose(projection.T @ between @ projection, agreement @ agreement, atol=1e-4)
    assert (np.diff(np.diag(agreement)) < 0).all()


def test_items_without_a_picture_stay_at_zero_and_it_repeats_itself():
    vectors, liked = shop(strength=6.0)
    vectors[[3, 7]] = 0
    rows = TasteSpace.fit(vectors, liked)(vectors)
    assert not rows[[3, 7]].any()
    assert rows.any(axis=1).sum() == len(rows) - 2
    np.testing.assert_array_equal(rows, TasteSpace.fit(vectors.copy(), liked.copy())(vectors))
    assert rows.dtype == np.float32
    with pytest.raises(ValueError):
        TasteSpace.fit(vectors, liked)(vectors[:, :5] + 1)


def test_a_saved_space_is_the_same():
    vectors, liked = shop(strength=6.0)
    space = TasteSpace.fit(vectors, liked)
    settings, arrays = space.state()
    again = TasteSpace.load_state(json.loads(json.dumps(settings)), arrays)
    np.testing.assert_array_equal(again(vectors), space(vectors))
    assert (again.alike, again.pair, again.learned) == (space.alike, space.pair, True)


def test_a_tenth_of_the_pairs_is_alike():
    vectors, liked = shop(strength=6.0)
    space = TasteSpace.fit(vectors, liked)
    cosines = (space(vectors) @ space(vectors).T)[np.triu_indices(len(vectors), 1)]
    assert np.mean(cosines >= space.alike) == pytest.approx(0.1, abs=0.01)
    assert np.mean(cosines >= space.pair) == pytest.approx(0.02, abs=0.003)
