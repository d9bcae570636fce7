import json
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array

from visrec.core.errors import InputError
from visrec.evaluation.metrics import (
    METRICS,
    average_precision,
    hit_rate,
    hits,
    ndcg,
    precision,
    recall,
    reciprocal_rank,
)

N_USERS, N_ITEMS, K = 80, 60, 10


@pytest.fixture(scope="module")
def case():
    """Random lists and likes; every user has one like or more, some more than K."""
    generator = np.random.default_rng(3)
    dense = random_array((N_USERS, N_ITEMS), density=0.15, rng=generator).toarray() > 0
    dense[:5, :25] = True
    dense[np.arange(N_USERS), generator.integers(0, N_ITEMS, N_USERS)] = True
    top = np.argsort(generator.random((N_USERS, N_ITEMS)), axis=1)[:, :K]
    return top, csr_matrix(dense.astype(np.float64))


RANX_NAMES = ["ndcg", "recall", "precision", "mrr", "map", "hit_rate"]

# Another process, because compiling ranx takes a minute or more and numba reads the switch at import only.
RANX_PROGRAM = """
import json, sys
import ranx
case = json.load(sys.stdin)
run = ranx.Run(case["run"])
ranx.evaluate(ranx.Qrels(case["qrels"]), run, case["metrics"])
json.dump({name: dict(run.scores[name]) for name in case["metrics"]}, sys.stdout)
"""


@pytest.fixture(scope="module")
def ranx_figures(case):
    """The same lists judged by ranx."""
    top, relevant = case
    request = {
        "qrels": {str(u): {str(i): 1 for i in relevant[[u]].indices.tolist()} for u in range(N_USERS)},
        "run": {str(u): {str(i): float(K - place) for place, i in enumerate(top[u].tolist())} for u in range(N_USERS)},
        "metrics": [f"{name}@{K}" for name in RANX_NAMES],
    }
    answer = subprocess.run(
        [sys.executable, "-c", RANX_PROGRAM],
        input=json.dumps(request),
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    scores = json.loads(answer.stdout)
    return {name: np.array([scores[f"{name}@{K}"][str(u)] for u in range(N_USERS)]) for name in RANX_NAMES}


@pytest.mark.parametrize("name", ["ndcg", "recall", "precision", "mrr", "hit_rate"])
def test_agrees_with_ranx(case, ranx_figures, name):
    np.testing.assert_allclose(METRICS[name](*case), ranx_figures[name], rtol=1e-12)
    assert ranx_figures[name].std() > 0


def test_map_agrees_with_ranx_but_for_the_divisor(case, ranx_figures):
    n_relevant = np.diff(case[1].indptr)
    assert (n_relevant > K).any()
    ours = average_precision(*case)
    np.testing.assert_allclose(ours * np.minimum(n_relevant, K) / n_relevant, ranx_figures["map"], rtol=1e-12)


def test_by_hand():
    # Likes: 0, 3, 5. Shown: 3 (hit), 1, 5 (hit), and an empty place.
    top, relevant = np.array([[3, 1, 5, -1]]), csr_matrix([[1, 0, 0, 1, 0, 1]])
    assert hits(top, relevant).tolist() == [[True, False, True, False]]
    assert precision(top, relevant) == pytest.approx([2 / 4])
    assert recall(top, relevant) == pytest.approx([2 / 3])
    assert hit_rate(top, relevant) == pytest.approx([1.0])
    assert reciprocal_rank(top, relevant) == pytest.approx([1.0])
    assert average_precision(top, relevant) == pytest.approx([(1 / 1 + 2 / 3) / 3])
    ideal = 1 + 1 / np.log2(3) + 1 / np.log2(4)
    assert ndcg(top, relevant) == pytest.approx([(1 + 1 / np.log2(4)) / ideal])


def test_more_likes_than_places():
    top, relevant = np.array([[0, 1]]), csr_matrix(np.ones((1, 8)))
    assert recall(top, relevant).tolist() == [0.25]
    for metric in (ndcg, precision, average_precision, hit_rate, reciprocal_rank):
        assert metric(top, relevant) == pytest.approx([1.0])


def test_misses_and_users_without_likes_give_zero():
    top, relevant = np.array([[0, 1], [0, 1], [-1, -1]]), csr_matrix([[0, 0, 1], [0, 0, 0], [1, 1, 1]])
    for metric in METRICS.values():
        assert metric(top, relevant).tolist() == [0.0, 0.0, 0.0]
        assert metric(top, csr_matrix((3, 3))).tolist() == [0.0, 0.0, 0.0]


def test_empty_place_is_not_the_last_item_of_the_user_before():
    top, relevant = np.array([[0], [-1]]), csr_matrix([[0, 1], [1, 0]])
    assert hits(top, relevant).tolist() == [[False], [False]]


def test_only_positive_entries_are_relevant():
    relevant = csr_matrix((np.array([0.0, -1.0, 5.0]), np.array([0, 1, 2]), np.array([0, 3])), shape=(1, 3))
    top = np.array([[0, 1, 2]])
    assert hits(top, relevant).tolist() == [[False, False, True]]
    assert recall(top, relevant).tolist() == [1.0]
    assert ndcg(top, relevant) == pytest.approx([0.5])


def test_unsorted_rows_are_understood():
    relevant = csr_matrix((np.ones(3), np.array([4, 0, 2]), np.array([0, 3])), shape=(1, 5))
    assert hits(np.array([[2, 3, 4]]), relevant).tolist() == [[True, False, True]]


@pytest.mark.parametrize("top", [np.zeros((3, 2), int), np.zeros(2, int), np.zeros((2, 0), int), np.full((2, 1), 9)])
def test_wrong_shapes(top):
    with pytest.raises(InputError, match="Expected"):
        recall(top, csr_matrix((2, 4)))
