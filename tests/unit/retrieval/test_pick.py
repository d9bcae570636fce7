"""Items chosen out of a pool, by hand and by a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from visrec.core.errors import UnsupportedError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.ids import IdMap
from visrec.retrieval.likeness import SAME_PICTURE, Likeness
from visrec.retrieval.pick import Cap, pick


class Keys:
    def __init__(self, *keys):
        self.keys = keys


def features(rows, present=None, keys=None, name="image"):
    matrix = np.array(rows, dtype=np.float32)
    there = np.ones(len(matrix), bool) if present is None else np.array(present)
    matrix[~there] = 0
    block = FeatureBlock(name, matrix, there, "set")
    return ItemFeatures(IdMap(map(str, range(len(matrix)))), {name: block}, None if keys is None else Keys(*keys))


def ordered(scores):
    """Pool and scores, best first, the lower row first among equals."""
    scores = np.array(scores, dtype=np.float32)
    pool = np.argsort(-scores, kind="stable")
    return pool, scores[pool]


def members(*values):
    """CSR (n_items, n_values) of lists of values."""
    dense = np.zeros((len(values), max((v for own in values for v in own), default=-1) + 1), np.float32)
    for row, own in enumerate(values):
        dense[row, list(own)] = 1
    return csr_matrix(dense)


# ------------------------------------------------------------------ diversity

#: Centred they are (1, 0), (1, 0), (-1, 1), (-1, -1), of length 1: the first two look the same.
CORNERS = [[2.0, 1.0], [2.0, 1.0], [0.0, 2.0], [0.0, 0.0]]


def test_by_hand():
    pool, scores = ordered([1.0, 0.9, 0.5, 0.0])
    likeness = Likeness(features(CORNERS))
    root = 2**-0.5
    np.testing.assert_allclose(likeness.directions(pool), [[1, 0], [1, 0], [-root, root], [-root, -root]], atol=1e-6)
    # After 0: item 1 is worth .5 * .9 - .5 * 1 = -.05, item 2 .5 * .5 + .5 * .707 = .604, item 3 .354.
    # After 0 and 2: item 1 -.05, item 3 0 - .5 * max(-.707, 0) = 0.
    assert pick(pool, scores, 4, likeness=likeness, diversity=0.5).rows == [0, 2, 3, 1]
    # At .1: item 1 .81 - .1, item 2 .45 + .07.
    assert pick(pool, scores, 4, likeness=likeness, diversity=0.1).rows == [0, 1, 2, 3]
    # At 1 scores decide nothing but the first.
    assert pick(pool, scores, 2, likeness=likeness, diversity=1.0).rows == [0, 2]
    assert pick(pool, scores, 3).rows == [0, 1, 2]


def plain_mmr(pool, scores, directions, k, diversity):
    low, high = scores.min(), scores.max()
    relevance = [(score - low) / (high - low) if high > low else 0.0 for score in scores]
    chosen: list[int] = []
    while len(chosen) < min(k, len(pool)):
        worth = {}
        for place in range(len(pool)):
            if place not in chosen:
                closest = max((float(directions[place] @ directions[other]) for other in chosen), default=0.0)
                worth[place] = (1 - diversity) * relevance[place] - diversity * closest
        chosen.append(max(worth, key=lambda place: (worth[place], -place)))
    return [int(pool[place]) for place in chosen]


@pytest.mark.parametrize("diversity", [0.05, 0.3, 0.7, 1.0])
def test_as_a_plain_loop(diversity):
    rng = np.random.default_rng(8)
    items = features(rng.normal(size=(60, 8)) + 3, present=rng.random(60) < 0.9)
    pool, scores = ordered(rng.normal(size=60))
    likeness = Likeness(items)
    expected = plain_mmr(pool, scores, likeness.directions(pool), 25, diversity)
    assert pick(pool, scores, 25, likeness=likeness, diversity=diversity).rows == expected


def test_an_item_without_a_picture_is_like_nothing():
    likeness = Likeness(features([[1, 0], [1, 0], [5, 5], [-1, 0]], present=[True, True, False, True]))
    assert not likeness.directions(np.array([2])).any()
    pool, scores = ordered([1.0, 0.9, 0.8, 0.0])
    # .6 * .9 - .4 for item 1, .6 * .8 for item 2, .4 for item 3; then 0 for item 3.
    assert pick(pool, scores, 3, likeness=likeness, diversity=0.4).rows == [0, 2, 1]


def test_without_pictures_texts_are_compared_and_without_anything_it_is_refused():
    likeness = Likeness(features(CORNERS, name="text"))
    assert likeness.directions(np.array([0])).tolist() == [[1.0, 0.0]]
    with pytest.raises(UnsupportedError, match="visrec encode"):
        Likeness(ItemFeatures(IdMap("ab")))


# ------------------------------------------------------------------ copies


def test_the_best_of_copies_counts():
    angle = np.arccos(SAME_PICTURE)
    near, far = 0.99 * angle, 1.02 * angle
    rows = [[1, 0], [np.cos(near), np.sin(near)], [np.cos(far), -np.sin(far)], [0, 1], [0, -1]]
    likeness = Likeness(features(rows, keys=["a", "b", "c", "d", "d"]))
    pool, scores = ordered([5.0, 4, 3, 2, 1])
    picked = pick(pool, scores, 5, likeness=likeness, collapse_duplicates=True)
    assert picked.rows == [0, 2, 3]
    assert picked.duplicates == 2
    pool, scores = ordered([4.0, 5, 3, 1, 2])
    assert pick(pool, scores, 5, likeness=likeness, collapse_duplicates=True).rows == [1, 2, 4]


def test_items_without_a_picture_are_no_copies_of_each_other():
    likeness = Likeness(features([[1, 0], [1, 0], [0, 1]], present=[False, False, True], keys=["", "", "c"]))
    pool, scores = ordered([3.0, 2, 1])
    assert pick(pool, scores, 3, likeness=likeness, collapse_duplicates=True).rows == [0, 1, 2]


# ------------------------------------------------------------------ caps


def test_caps_hold_for_every_value_of_an_item():
    pool, scores = ordered([6.0, 5, 4, 3, 2, 1])
    # Values 0 and 1; item 1 has both, item 4 none.
    kinds = members([0], [0, 1], [0], [1], [], [1])
    picked = pick(pool, scores, 6, caps=[Cap("kind", 2, kinds)])
    assert picked.rows == [0, 1, 3, 4]
    assert picked.capped == 2
    assert pick(pool, scores, 6, caps=[Cap("kind", 1, kinds)]).rows == [0, 3, 4]
    colours = members([0], [1], [2], [0], [0], [3])
    assert pick(pool, scores, 6, caps=[Cap("kind", 2, kinds), Cap("colour", 1, colours)]).rows == [0, 1, 5]


def test_the_first_come_first_unless_they_are_copies_or_too_many():
    pool, scores = np.array([4, 3, 0, 1, 2]), np.array([1, 2, 5, 4, 3], np.float32)
    assert pick(pool, scores, 4, n_first=2).rows == [4, 3, 0, 1]
    kinds = members([0], [1], [2], [3], [3])
    assert pick(pool, scores, 4, n_first=2, caps=[Cap("kind", 1, kinds)]).rows == [4, 0, 1, 2]
    # What comes first counts for diversity, and its score for nothing.
    likeness = Likeness(features([*CORNERS, [2.0, 1.0]]))
    pool, scores = np.array([4, 0, 1, 2, 3]), np.array([-99, 1.0, 0.9, 0.5, 0.0], np.float32)
    assert pick(pool, scores, 3, n_first=1, likeness=likeness, diversity=0.6).rows == [4, 2, 3]


# ------------------------------------------------------------------ whatever comes


@st.composite
def pools(draw):
    n = draw(st.integers(1, 25))
    rows = np.array(draw(st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=n, max_size=n)))
    rows[0, 0] = 1
    keys = draw(st.lists(st.sampled_from(["", "a", "b", "c", "d", "e"]), min_size=n, max_size=n))
    scores = draw(st.lists(st.integers(-3, 3), min_size=n, max_size=n))
    kinds = draw(st.lists(st.sets(st.integers(0, 4), max_size=2), min_size=n, max_size=n))
    return features(rows, present=rows.any(axis=1), keys=keys), ordered(scores), kinds


@settings(max_examples=150, deadline=None)
@given(pools(), st.integers(1, 30), st.integers(0, 3), st.sampled_from([0.0, 0.4, 1.0]), st.integers(1, 3))
def test_no_item_twice_no_copies_no_cap_broken(drawn, k, n_first, diversity, limit):
    items, (pool, scores), kinds = drawn
    likeness, caps = Likeness(items), [Cap("kind", limit, members(*kinds))]
    n_first = min(n_first, len(pool))
    picked = pick(
        pool, scores, k, n_first=n_first, likeness=likeness, diversity=diversity, collapse_duplicates=True, caps=caps
    )
    rows = picked.rows
    assert len(rows) == len(set(rows)) <= k
    assert set(rows) <= set(pool.tolist())
    copies = likeness.copies(np.array(rows))
    assert all(copies.of(place).sum() == 1 for place in range(len(rows)))
    counts = np.bincount([value for row in rows for value in kinds[row]], minlength=1)
    assert counts.max() <= limit
    # What is left out has a reason: a copy in the list, or a kind that is full.
    for row in set(pool.tolist()) - set(rows) if len(rows) < k else ():
        copy = likeness.copies(np.array([row, *rows])).of(0)[1:].any()
        assert copy or any(counts[value] >= limit for value in kinds[row] if value < len(counts))
    again = pick(
        pool, scores, k, n_first=n_first, likeness=likeness, diversity=diversity, collapse_duplicates=True, caps=caps
    )
    assert again.rows == rows
