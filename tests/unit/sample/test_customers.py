import numpy as np
import pytest

from visrec.sample.customers import Chooser, Interest, Taste, draw_fashion, invent_taste
from visrec.sample.products import Look

LOOKS = [
    Look("vase", "globe", "ocean", "dots"),
    Look("vase", "globe", "ember", "dots"),
    Look("mug", "cup", "ocean", "plain"),
    Look("vase", "globe", "mono", "plain"),
    Look("rug", "round", "mono", "floral"),
]


def test_choices_follow_the_documented_equation():
    taste = Taste((Interest(1.0, "ocean", "dots", ("vase",)),))
    chooser = Chooser(LOOKS, np.random.default_rng(11))
    popularity = np.random.default_rng(11).normal(size=5)
    look = np.array([3.0 + 2.4, 2.4, 3.0, 0.0, 0.0])
    kind = np.array([1.4, 1.4, 0.0, 1.4, 0.0])
    expected = np.zeros(5)
    noise = np.random.default_rng(12).normal(size=(20_000, 5))
    for browsing, share in ((0.0, 1 / 8), (1.0, 7 / 8)):
        weight = np.exp(browsing * look + kind + 0.7 * popularity + 0.6 * noise)
        expected += share * (weight / weight.sum(axis=1, keepdims=True)).mean(axis=0)
    rng = np.random.default_rng(13)
    chosen = [chooser.choose(taste, 1, rng)[0][0] for _ in range(6_000)]
    assert np.bincount(chosen, minlength=5) / 6_000 == pytest.approx(expected, abs=0.02)


def test_choices_are_distinct_and_say_how_well_they_match():
    taste = Taste((Interest(0.6, "ocean", "dots", ("vase",)), Interest(0.4, "mono", "floral", ("rug",))))
    rows, match = Chooser(LOOKS, np.random.default_rng(0)).choose(taste, 99, np.random.default_rng(1))
    assert sorted(rows) == [0, 1, 2, 3, 4]
    by_row = dict(zip(rows, match, strict=True))
    whole = 3.0 + 2.4 + 1.4
    assert by_row[0] == by_row[4] == pytest.approx(1.0)
    assert by_row[1] == pytest.approx((2.4 + 1.4) / whole)
    assert by_row[2] == pytest.approx(3.0 / whole)
    # Of the second interest it has the palette, of the first the kind: the better one counts.
    assert by_row[3] == pytest.approx(3.0 / whole)


def test_interests_of_one_customer_share_neither_palette_nor_pattern():
    fashion = draw_fashion(np.random.default_rng(2))
    assert fashion.shape == (7, 6)
    assert fashion.sum() == pytest.approx(1)
    tastes = [invent_taste(fashion, np.random.default_rng(seed)) for seed in range(300)]
    double = [taste for taste in tastes if len(taste.interests) == 2]
    assert 0.5 < len(double) / len(tastes) < 0.7
    for taste in double:
        first, second = taste.interests
        assert first.palette != second.palette and first.pattern != second.pattern
        assert first.weight + second.weight == pytest.approx(1)
        assert first.weight >= second.weight
    assert all(len(set(interest.kinds)) == 3 for taste in tastes for interest in taste.interests)


def test_a_taste_matches_when_one_interest_has_both_palette_and_pattern():
    taste = Taste((Interest(0.6, "ocean", "dots", ("vase",)), Interest(0.4, "mono", "floral", ("rug",))))
    crossed = Look("vase", "globe", "ocean", "floral")
    assert taste.matches(LOOKS[0]) and taste.matches(LOOKS[4])
    assert not taste.matches(crossed)
    assert taste.likes_palette(crossed) and taste.likes_pattern(crossed)
    assert not taste.likes_palette(LOOKS[1]) and not taste.likes_pattern(LOOKS[2])
