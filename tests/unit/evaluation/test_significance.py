import itertools
import json

import numpy as np
import pytest
from scipy import stats

from visrec.core.errors import InputError
from visrec.evaluation import significance
from visrec.evaluation.intervals import Interval
from visrec.evaluation.significance import Comparison, Significance, compare_with, holm, sign_flip_test


def test_p_value_is_the_share_of_all_sign_choices():
    # 12 users: every choice can be tried.
    differences = np.random.default_rng(0).normal(0.4, 1, 12)
    sums = [abs(np.dot(signs, differences)) for signs in itertools.product([1, -1], repeat=12)]
    exact = np.mean(np.array(sums) >= abs(differences.sum()) - 1e-12)
    assert sign_flip_test(differences[:, None])[0] == pytest.approx(exact, abs=0.015)
    assert 0.02 < exact < 0.5


def test_p_value_agrees_with_scipy():
    differences = np.random.default_rng(1).normal(0.2, 1, 200)
    theirs = stats.permutation_test(
        (differences, np.zeros(200)), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=3999, rng=0
    )
    ours = sign_flip_test(differences[:, None])[0]
    assert ours == pytest.approx(theirs.pvalue, abs=0.01)
    assert 0.01 < ours < 0.1
    assert ours == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=0.01)


def test_p_values_are_even_where_nothing_differs():
    # 400 tests without an effect: about 5% may be below 0.05.
    p = sign_flip_test(np.random.default_rng(2).normal(0, 1, (80, 400)), n_flips=999)
    assert 0.02 <= np.mean(p <= 0.05) <= 0.09
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_ends():
    assert sign_flip_test(np.zeros((30, 1))).tolist() == [1.0]
    assert sign_flip_test(np.full((40, 1), 0.1), n_flips=999).tolist() == [0.001]
    # One user proves nothing: both signs are as far from 0.
    assert sign_flip_test(np.array([[0.3]])).tolist() == [1.0]


def test_unknown_users_are_left_out():
    known = np.random.default_rng(3).normal(0.3, 1, 60)
    mixed = np.stack([np.concatenate([known, np.full(60, np.nan)]), np.full(120, np.nan)], axis=1)
    found = sign_flip_test(mixed)
    assert found[0] == pytest.approx(sign_flip_test(known[:, None])[0], abs=0.015)
    assert found[1] == 1.0


@pytest.mark.parametrize("n_users", [7, 33])
def test_same_whatever_the_block_and_however_many_tests(monkeypatch, n_users):
    differences = np.random.default_rng(4).normal(0.2, 1, (n_users, 3))
    together = sign_flip_test(differences)
    monkeypatch.setattr(significance, "_BLOCK_SIGNS", 100)
    assert sign_flip_test(differences).tolist() == together.tolist()
    assert sign_flip_test(differences[:, 1:2])[0] == together[1]
    assert sign_flip_test(differences, seed=1).tolist() != together.tolist()


def test_holm_by_plain_loop():
    p = np.random.default_rng(5).random(9) ** 3
    ordered = sorted(p.tolist())
    expected = {}
    highest = 0.0
    for place, value in enumerate(ordered):
        highest = max(highest, min(1.0, value * (len(ordered) - place)))
        expected[value] = highest
    assert holm(p).tolist() == [expected[value] for value in p.tolist()]
    assert holm(np.array([0.2])).tolist() == [0.2]
    assert holm(np.zeros(0)).tolist() == []


@pytest.fixture
def models():
    generator = np.random.default_rng(6)
    hard = generator.random(200)
    return {
        "good": hard + 0.30,
        "same": hard + 0.30 + generator.normal(0, 0.1, 200),
        "popular": hard,
        "worse": hard - 0.1 + generator.normal(0, 0.1, 200),
    }


def test_against_one_model(models):
    found = compare_with("popular", models, metric="ndcg@10")
    assert (set(found.above), found.undecided, found.below) == ({"good", "same"}, [], ["worse"])
    assert [line.model for line in found.comparisons][-1] == "worse"
    line = found.comparisons[-1]
    difference = models["worse"] - models["popular"]
    assert line.difference.mean == pytest.approx(difference.mean())
    assert line.difference.low < line.difference.mean < line.difference.high
    assert line.p == sign_flip_test(difference[:, None])[0]
    # Three tests, each as clear as the flips can tell: Holm takes the smallest p three times.
    assert line.p_adjusted == pytest.approx(3 * 1e-4)


def test_against_the_best(models):
    found = compare_with("good", models, metric="ndcg@10")
    assert found.undecided == ["same"]
    assert set(found.below) == {"popular", "worse"}


def line(model, mean, p):
    return Comparison(model, Interval(mean, mean - 0.1, mean + 0.1), p, p)


def test_sentences():
    def sentence(*lines):
        return str(Significance("ndcg@5", "ease", 0.05, lines)).split(
            " (ndcg@5; paired sign-flip tests, Holm, level 5%)"
        )

    assert sentence(line("a", -0.2, 0.01)) == ["Significantly below the best, ease: every other model", "."]
    assert sentence(line("a", -0.2, 0.2), line("b", -0.3, 0.01)) == ["Not significantly below the best, ease: a", "."]
    # A higher mean, be it by chance, is not "below the best".
    assert sentence(line("a", 0.2, 0.2)) == ["Against ease: no clear difference: a", "."]
    assert sentence(line("a", 0.2, 0.01), line("b", 0.1, 0.2), line("c", -0.2, 0.05)) == [
        "Against ease: above: a; no clear difference: b; below: c",
        ".",
    ]


def test_json(models):
    found = compare_with("good", models, metric="ndcg@10").to_json()
    assert list(found) == ["metric", "reference", "alpha", "test", "comparisons"]
    assert list(found["comparisons"][0]) == ["model", "difference", "p", "p_adjusted"]
    json.dumps(found, allow_nan=False)
    undefined = compare_with("a", {"a": np.full(3, np.nan), "b": np.ones(3)}).to_json()
    assert undefined["comparisons"][0]["difference"] == {"mean": None, "low": None, "high": None}


def test_single_model(models):
    assert compare_with("good", {"good": models["good"]}).comparisons == ()


def test_wrong_input(models):
    with pytest.raises(InputError, match="good, same, popular, worse"):
        compare_with("ease", models)
    with pytest.raises(InputError, match="level"):
        compare_with("good", models, alpha=1.0)
    with pytest.raises(InputError):
        sign_flip_test(np.zeros(4))
    with pytest.raises(InputError):
        sign_flip_test(np.zeros((4, 1)), n_flips=0)
