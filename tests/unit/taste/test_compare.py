"""Tastes side by side."""

from __future__ import annotations

from dataclasses import replace

import pytest

from visrec.core.errors import InputError
from visrec.taste.compare import compare


@pytest.fixture(scope="module")
def profile_of(builder, world):
    def make(user, **numbers):
        events = [(f"{style}-{n}", 1.0, 10) for style, ns in numbers.items() for n in ns]
        return builder.build(world.history(*events, user=user))[0]

    make.alike = builder.space.alike
    return make


def test_the_same_taste_with_other_items_is_nearly_one(profile_of):
    a, b = profile_of("a", red=[0, 1, 2]), profile_of("b", red=[3, 4, 5])
    found = compare(a, b, profile_of.alike)
    assert found.similarity > 0.95
    assert [(pair.first, pair.second) for pair in found.shared] == [(1, 1)]
    assert compare(a, a, profile_of.alike).similarity == pytest.approx(1.0)
    alone = profile_of("c", red=[0])
    assert compare(alone, alone, profile_of.alike).similarity == pytest.approx(1.0)


def test_nothing_in_common_is_nearly_zero(profile_of):
    found = compare(profile_of("a", red=[0, 1, 2]), profile_of("b", blue=[0, 1, 2]), profile_of.alike)
    assert found.similarity < 0.15
    assert found.shared == ()


def test_half_in_common_is_three_quarters_whichever_comes_first(profile_of):
    """All of a's taste is in b's, and half of b's in a's."""
    a, b = profile_of("a", red=[0, 1, 2]), profile_of("b", red=[3, 4, 5], green=[0, 1, 2])
    one, other = compare(a, b, profile_of.alike), compare(b, a, profile_of.alike)
    assert one.similarity == pytest.approx(0.75, abs=0.06)
    assert other.similarity == pytest.approx(one.similarity)
    red = next(interest.number for interest in b.interests if interest.item_ids[0].startswith("red"))
    assert [(pair.first, pair.second) for pair in one.shared] == [(1, red)]
    assert [(pair.first, pair.second) for pair in other.shared] == [(red, 1)]
    assert one.to_json()["shared"] == [{"first": 1, "second": red, "match": one.shared[0].match}]


def test_a_taste_of_nothing_is_like_no_other(profile_of):
    assert compare(profile_of("a"), profile_of("b", red=[0]), profile_of.alike).similarity == 0


def test_another_encoder_is_refused(profile_of):
    a = profile_of("a", red=[0])
    with pytest.raises(InputError, match="another-encoder"):
        compare(a, replace(a, features="another-encoder"), profile_of.alike)
