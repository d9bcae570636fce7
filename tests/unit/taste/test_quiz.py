"""The choice of a quiz's pictures, against plain loops and simulated new users."""

from __future__ import annotations

import numpy as np
import pytest

from visrec.taste.quiz import next_questions

NOBODY = np.zeros(0, dtype=np.int64), np.zeros(0)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def pictures():
    return unit(np.random.default_rng(3).normal(size=(60, 6)))


def remaining(pictures, weights, rows, noise=1.0):
    """Weighted variance of what is thought of all pictures once some were answered: Bayes' rule, no shortcut."""
    asked = pictures[rows].astype(np.float64)
    covariance = np.linalg.inv(np.eye(pictures.shape[1]) + asked.T @ asked / noise)
    return sum(w * float(z @ covariance @ z) for w, z in zip(weights, pictures.astype(np.float64), strict=True))


def test_each_picture_is_the_one_that_tells_most_after_those_before(pictures):
    popularity = np.arange(60.0)
    found = next_questions(pictures, popularity, *NOBODY, 4)
    weights = np.sqrt(1 + popularity) / 2
    before = []
    for question in found:
        left = {row: remaining(pictures, weights, [*before, row]) for row in range(30, 60) if row not in before}
        assert question.row == min(left, key=left.get)
        told = 1 - left[question.row] / remaining(pictures, weights, before)
        assert question.gain == pytest.approx(told, rel=1e-5)
        before.append(question.row)


def test_answers_turn_the_quiz_to_what_was_liked(pictures):
    """Between two clusters that are asked about alike, a like makes its own the more important one."""
    a, b = np.eye(6)[0], np.eye(6)[1]
    rng = np.random.default_rng(4)
    rows = unit(np.concatenate([a + rng.normal(size=(20, 6)) / 3, b + rng.normal(size=(20, 6)) / 3]))
    popularity = np.zeros(40)
    for liked, disliked, cluster in ((0, 20, range(20)), (20, 0, range(20, 40))):
        found = next_questions(rows, popularity, np.array([liked, disliked]), np.array([1.0, -1.0]), 3)
        assert found[0].row in cluster
        assert sum(question.row in cluster for question in found) == 2


def test_first_pictures_contrast(pictures):
    groups = unit(np.repeat(np.eye(6), 10, axis=0) + np.random.default_rng(1).normal(size=(60, 6)) / 20)
    found = next_questions(groups, np.zeros(60), *NOBODY, 6)
    assert sorted(question.row // 10 for question in found) == list(range(6))


def test_popular_pictures_are_preferred():
    twins = unit(np.repeat(np.eye(3), 2, axis=0) + 1e-3 * np.random.default_rng(2).normal(size=(6, 3)))
    popular = next_questions(twins, np.array([0, 0, 50.0, 50.0, 0, 0]), *NOBODY, 1)
    assert popular[0].row in (2, 3)


def test_only_the_popular_half_is_shown_as_long_as_it_lasts(pictures):
    popularity = np.arange(60.0)[::-1].copy()
    found = next_questions(pictures, popularity, *NOBODY, 30)
    assert sorted(question.row for question in found) == list(range(30))
    then = next_questions(pictures, popularity, np.arange(28), np.zeros(28), 2)
    assert sorted(question.row for question in then) == [28, 29]
    assert len(next_questions(pictures, popularity, np.arange(28), np.zeros(28), 3)) == 3


def test_what_was_answered_or_has_no_picture_is_not_asked_and_an_end_comes(pictures):
    few = pictures[:5].copy()
    few[3] = 0
    found = next_questions(few, np.zeros(5), np.array([1]), np.array([0.0]), 10)
    assert sorted(question.row for question in found) == [0, 2, 4]
    assert next_questions(few, np.zeros(5), np.array([0, 1, 2, 4]), np.zeros(4), 3) == []
    again = next_questions(few, np.zeros(5), np.array([1]), np.array([0.0]), 10)
    assert again == found


def test_a_quiz_learns_more_than_pictures_by_chance_or_by_popularity(pictures):
    """New users with a taste t; after 6 pictures their taste is guessed as the posterior mean, and compared with t."""
    rng = np.random.default_rng(7)
    rows = unit(rng.normal(size=(300, 12)) * np.linspace(2, 0.3, 12))
    popularity = rng.integers(0, 20, size=300).astype(float)
    asked = [question.row for question in next_questions(rows, popularity, *NOBODY, 6)]
    by_popularity = np.argsort(-popularity, kind="stable")[:6].tolist()

    def error(chosen):
        total = 0.0
        for _ in range(200):
            taste = rng.normal(size=12)
            shown = rows[chosen].astype(np.float64)
            answers = shown @ taste + rng.normal(size=6)
            guess = np.linalg.solve(np.eye(12) + shown.T @ shown, shown.T @ answers)
            total += float(np.square(rows @ (guess - taste)).mean())
        return total / 200

    chance = np.mean([error(rng.choice(300, 6, replace=False).tolist()) for _ in range(5)])
    assert error(asked) < 0.9 * min(chance, error(by_popularity))
