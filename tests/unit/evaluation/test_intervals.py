from unittest import mock

import numpy as np
import pytest
from scipy import stats

from visrec.core.errors import InputError
from visrec.evaluation import intervals
from visrec.evaluation.intervals import Interval, bootstrap, bootstrap_columns, jackknife_interval, paired_difference


def test_bootstrap_agrees_with_scipy():
    values = np.random.default_rng(0).exponential(size=400)
    ours = bootstrap(values, n_resamples=4000)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
    assert ours.mean == pytest.approx(values.mean())
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.05 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.05 * width)


def test_bootstrap_by_plain_loop():
    values = np.random.default_rng(0).random(30)
    generator = np.random.default_rng(5)
    means = [values[generator.integers(0, 30, 30)].mean() for _ in range(200)]
    found = bootstrap(values, n_resamples=200, seed=5)
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])))


def test_interval_covers_the_truth_about_95_times_in_100():
    generator = np.random.default_rng(2)
    found = bootstrap_columns(generator.normal(1.0, 1.0, (150, 400)), n_resamples=500)
    covered = np.mean([interval.low <= 1.0 <= interval.high for interval in found])
    assert 0.90 <= covered <= 0.98


def test_same_whatever_the_block_and_however_many_columns():
    values = np.random.default_rng(0).random((50, 3))
    together = bootstrap_columns(values)
    with mock.patch.object(intervals, "_BLOCK_DRAWS", 120):
        assert [i.low for i in bootstrap_columns(values)] == pytest.approx([i.low for i in together])
    assert bootstrap(values[:, 1]).high == pytest.approx(together[1].high)
    assert bootstrap(values[:, 1], seed=1).high != together[1].high


def test_unknown_figures_are_left_out():
    known = np.random.default_rng(0).random(40)
    found = bootstrap(np.concatenate([known, np.full(40, np.nan)]))
    assert found.mean == pytest.approx(known.mean())
    alone = bootstrap(known)
    assert found.high - found.low == pytest.approx(alone.high - alone.low, rel=0.2)
    assert all(np.isnan(figure) for figure in vars(bootstrap(np.full(3, np.nan))).values())
    assert bootstrap(np.array([np.nan, np.nan, 0.5])) == Interval(0.5, 0.5, 0.5)


def test_paired_difference_sees_what_single_intervals_hide():
    generator = np.random.default_rng(3)
    hard = generator.random(300)
    better = hard + 0.02 + generator.normal(0, 0.02, 300)
    first, second = bootstrap(better), bootstrap(hard)
    assert first.low < second.high, "the single intervals overlap"
    found = paired_difference(better, hard)
    assert found.low > 0
    assert found.mean == pytest.approx(0.02, abs=0.005)
    assert paired_difference(hard, better).mean == pytest.approx(-found.mean)
    assert paired_difference(hard, hard) == Interval(0.0, 0.0, 0.0)


def test_jackknife_of_a_mean_is_the_standard_error():
    values = np.random.default_rng(6).random(50)
    without = np.array([np.delete(values, user).mean() for user in range(50)])
    found = jackknife_interval(values.mean(), without)
    error = values.std(ddof=1) / np.sqrt(50)
    assert (found.low, found.high) == pytest.approx((found.mean - 1.959964 * error, found.mean + 1.959964 * error))


def test_jackknife_stays_between_0_and_1_and_needs_figures():
    assert jackknife_interval(1.0, np.array([1.0, 0.1])).high == 1.0
    assert jackknife_interval(0.1, np.array([0.1, 0.9])).low == 0.0
    assert jackknife_interval(0.5, np.array([np.nan, 0.5])) == Interval(0.5, 0.5, 0.5)
    assert np.isnan(jackknife_interval(float("nan"), np.full(3, np.nan)).low)


def test_interval_as_json_has_no_nan():
    assert Interval(0.5, float("nan"), 1.0).to_json() == {"mean": 0.5, "low": None, "high": 1.0}


def test_wrong_input():
    with pytest.raises(InputError):
        bootstrap(np.zeros(0))
    with pytest.raises(InputError):
        bootstrap(np.zeros(3), n_resamples=0)
    with pytest.raises(InputError, match="same users"):
        paired_difference(np.zeros(3), np.zeros(4))
