from __future__ import annotations

import numpy as np

from visrec.recognition.next_pictures import least_sure

NONE = np.zeros((0, 2), dtype=np.float32)


def array(values):
    return np.array(values, dtype=np.float32)


def test_the_least_sure_of_equally_far_ones_comes_first():
    probability = array([[0.9, 0.1], [0.55, 0.45], [0.7, 0.3]])
    places = least_sure(probability, array(np.eye(3)), 3, np.zeros((0, 3), dtype=np.float32))
    assert places.tolist() == [1, 2, 0]


def test_a_copy_of_a_chosen_picture_waits():
    probability = array([[0.5, 0.5], [0.5, 0.5], [0.6, 0.4]])
    rows = array([[1, 0], [1, 0], [0, 1]])
    assert least_sure(probability, rows, 2, NONE).tolist() == [0, 2]
    assert least_sure(probability, rows, 5, NONE).tolist() == [0, 2, 1]


def test_a_copy_of_a_labelled_picture_waits():
    probability = array([[0.5, 0.5], [0.6, 0.4]])
    rows = array([[1, 0], [0, 1]])
    assert least_sure(probability, rows, 1, array([[1, 0]])).tolist() == [1]


def test_margin_times_distance_by_hand():
    # Unsure .8, .6, .4; distances to the one labelled picture 1, 1.8, 2: 0.8, 1.08, 0.8.
    probability = array([[0.6, 0.4], [0.7, 0.3], [0.8, 0.2]])
    rows = array([[1, 0], [1.8, 0], [-2, 0]])
    # Then the first is .8 from the second: 0.64, and the third as far as before.
    assert least_sure(probability, rows, 3, array([[0, 0]])).tolist() == [1, 2, 0]


def test_those_it_is_sure_of_are_not_looked_at():
    """The eleventh least sure one is the farthest by far, but beyond ten times k."""
    probability = array([[0.5 + 0.01 * n, 0.5 - 0.01 * n] for n in range(11)])
    rows = array([[n, 0] for n in range(10)] + [[1000, 0]])
    assert least_sure(probability, rows, 1, array([[0, 0]])).tolist() == [9]
