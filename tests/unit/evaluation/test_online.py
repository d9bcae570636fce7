from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import norm, ttest_ind

from visrec.core.errors import InputError
from visrec.evaluation.online import Shown, compare_variants, rate_columns


def shown(items, taken):
    return Shown(len(items), np.array(items, dtype=np.float64), np.array(taken, dtype=np.float64))


def drawn(rate, n=400, seed=0):
    """Users of very different appetites, so that what one user does hangs together."""
    generator = np.random.default_rng(seed)
    items = generator.integers(5, 40, n).astype(np.float64)
    theirs = np.clip(generator.normal(rate, rate / 2, n), 0, 1)
    return Shown(n, items, generator.binomial(items.astype(int), theirs).astype(np.float64))


def test_a_rate_is_what_was_taken_of_what_was_shown():
    found = compare_variants({"a": shown([10, 30], [1, 3]), "b": shown([10, 10], [5, 0])}, [1, 1])
    a, b = found.variants
    assert (a.n_users, a.n_items, a.n_taken, a.rate.mean) == (2, 40, 4, 0.1)
    assert (b.rate.mean, b.users.mean) == (0.25, 0.5)
    assert b.difference.mean == pytest.approx(0.15)
    assert (a.difference, a.p) == (None, None)


def test_with_one_item_a_user_it_is_the_test_of_two_means():
    generator = np.random.default_rng(1)
    taken = [generator.binomial(1, p, 500).astype(np.float64) for p in (0.3, 0.36)]
    ones = np.ones(500)
    found = compare_variants({"a": Shown(500, ones, taken[0]), "b": Shown(500, ones, taken[1])}, [1, 1]).variants[1]
    welch = ttest_ind(taken[1], taken[0], equal_var=False)
    assert found.p == pytest.approx(2 * norm.sf(abs(welch.statistic)))
    error = (found.difference.high - found.difference.mean) / 1.959963984540054
    assert error == pytest.approx((taken[1].mean() - taken[0].mean()) / welch.statistic)


def test_the_interval_holds_what_other_users_would_have_given():
    rates = [compare_variants({"a": drawn(0.1, seed=seed)}, [1]).variants[0].rate for seed in range(300)]
    spread = np.std([rate.mean for rate in rates])
    told = np.mean([(rate.high - rate.low) / (2 * 1.96) for rate in rates])
    # Were every item told by itself, the interval would be a third narrower.
    assert told == pytest.approx(spread, rel=0.15)


def test_no_difference_is_found_where_there_is_none():
    found = [
        compare_variants({"a": drawn(0.1, seed=2 * seed), "b": drawn(0.1, seed=2 * seed + 1)}, [1, 1]).variants[1].p
        for seed in range(200)
    ]
    assert np.mean(np.array(found) < 0.05) < 0.09
    assert np.median(found) > 0.35


def test_more_variants_are_held_to_a_stricter_level():
    found = compare_variants({name: drawn(0.1, seed=seed) for seed, name in enumerate("abcd")}, [1] * 4).variants
    p = sorted(variant.p for variant in found[1:])
    assert min(variant.p_adjusted for variant in found[1:]) == pytest.approx(min(1.0, 3 * p[0]))


def test_a_clear_difference_is_said_with_its_direction():
    found = compare_variants({"old": drawn(0.1), "new": drawn(0.2, seed=5), "bad": drawn(0.03, seed=6)}, [1] * 3)
    _, new, bad = found.variants
    assert new.sentence("old").startswith("new: above old (+")
    assert bad.sentence("old").startswith("bad: below old (-")
    assert found.notes == ()


def test_an_uneven_split_is_told():
    parts = {"a": drawn(0.1, n=600), "b": drawn(0.1, n=400)}
    (note,) = compare_variants(parts, [1, 1]).notes
    assert "not split as they should be" in note
    assert compare_variants(parts, [3, 2]).notes == ()


def test_what_cannot_be_told_yet_is_not_told():
    nobody = Shown(0, np.zeros(0), np.zeros(0))
    found = compare_variants({"a": nobody, "b": shown([10], [0])}, [1, 1])
    assert "Too few users" in found.notes[0]
    assert "Nothing was taken yet" in found.notes[1]
    assert "nothing to compare" in found.variants[1].sentence("a")
    body = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert body["variants"][0]["rate"] == {"mean": None, "low": None, "high": None}
    assert rate_columns(found)[1][-4:] == ["n/a", "", "n/a", ""]


def test_variants_want_a_weight_each():
    with pytest.raises(InputError, match="a weight each"):
        compare_variants({"a": shown([1], [1])}, [])
