"""Standard scores: mean 0 and deviation 1 over what is known, compressed, parts that add up."""

from __future__ import annotations

import numpy as np
import pytest

from visrec.recommenders.standard_scores import standard_parts, total_of


def compressed(z):
    return np.sign(z) * np.log1p(np.abs(z))


def parts_of(**rows):
    return {source: np.array(row, dtype=np.float32) for source, row in rows.items()}


def test_counts_enter_by_their_logarithm_and_none_stays_none(items_of):
    # log(1 + n) of 0, 3, 1, 0: of the known, mean 1.5 log 2 and deviation 0.5 log 2; unknown is measured from 0.
    part = standard_parts(parts_of(popular=[[0, 3, 1, 0]]), items_of({}, 4))["popular"]
    np.testing.assert_allclose(part, [[0.0, np.log(2), -np.log(2), 0.0]], atol=1e-6)


def test_content_is_standardised_over_all_that_have_it(items_of):
    # 1, 0, 0, 0 of the four with a picture: mean 1/4, deviation √3 / 4.
    items = items_of({"image": [[1.0], [1.0], [1.0], [1.0], None]})
    part = standard_parts(parts_of(visual=[[1, 0, 0, 0, 0]]), items)["visual"]
    low = -1 / np.sqrt(3)
    np.testing.assert_allclose(part, [[*compressed(np.array([np.sqrt(3), low, low, low])), 0.0]], atol=1e-6)


def test_behaviour_is_standardised_over_what_it_knows_and_the_rest_by_the_same_measure(items_of):
    # Known: 1 and 3, so mean 2 and deviation 1. The new item is scored by its look, from 0.
    parts = standard_parts(parts_of(collaborative=[[1, 3, 0]], visual=[[0, 0, 0.5]]), items_of({}, 3))
    np.testing.assert_allclose(parts["collaborative"], [[-np.log(2), np.log(2), 0]], atol=1e-6)
    np.testing.assert_allclose(parts["visual"], [[0, 0, np.log(1.5)]], atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_parts_add_up_to_the_compressed_standard_score(seed, items_of):
    generator = np.random.default_rng(seed)
    parts = {source: generator.normal(2.0, 3.0, size=(4, 9)).astype(np.float32) for source in ("visual", "text")}
    total = (parts["visual"] + parts["text"]).astype(np.float64)
    z = (total - total.mean(axis=1, keepdims=True)) / total.std(axis=1, keepdims=True)
    np.testing.assert_allclose(total_of(standard_parts(parts, items_of({}, 9)).values()), compressed(z), atol=1e-5)


def test_a_user_is_measured_alone(items_of):
    # The second user has nothing collaborative: what is known of them is the rest.
    rows = parts_of(collaborative=[[1, 3, 0], [0, 0, 0]], visual=[[0, 0, 1], [1, 3, 0]])
    together = total_of(standard_parts(rows, items_of({}, 3)).values())
    for user in (0, 1):
        alone = {source: part[[user]] for source, part in rows.items()}
        np.testing.assert_allclose(total_of(standard_parts(alone, items_of({}, 3)).values())[0], together[user])
    np.testing.assert_allclose(together[1], [-np.log(2), np.log(2), 0], atol=1e-6)


@pytest.mark.parametrize("weight", [0.1, 0.3, 0.7, 1.0, 1.1])
def test_equal_scores_are_no_difference_whatever_their_rounding(weight, items_of):
    score = np.float32(weight) * np.float32(3) / np.float32(3) + np.float32(weight) * 0
    rows = np.full((2, 1000), score, dtype=np.float32)
    rows[:, ::2] = np.nextafter(rows[:, ::2], np.float32(2))
    rows[:, 700:] = 0
    assert not standard_parts({"collaborative": rows}, items_of({}, 1000))["collaborative"].any()


def test_likes_that_cancel_out_are_no_taste(items_of):
    noise = np.random.default_rng(1).normal(scale=1e-9, size=(1, 350)).astype(np.float32)
    items = items_of({"category": np.eye(7)[np.arange(350) % 7].tolist()})
    assert not standard_parts({"category": noise}, items)["category"].any()
