"""Profiles of toy histories, against values worked by hand and by plain loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from visrec.core.errors import InputError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.taste.builder import TasteBuilder
from visrec.taste.settings import TasteSettings
from visrec.taste.space import TasteSpace


def likes(style, numbers, weight=1.0, day=10):
    return [(f"{style}-{number}", weight, day) for number in numbers]


def test_interests_are_the_styles_with_their_weights_medoids_and_spread(builder, world):
    [profile] = builder.build(world.history(*likes("blue", range(2)), *likes("red", range(4))))
    first, second = profile.interests
    assert set(first.item_ids) == {f"red-{n}" for n in range(4)}
    assert set(second.item_ids) == {"blue-0", "blue-1"}
    assert (first.number, second.number) == (1, 2)
    assert (first.weight, second.weight) == pytest.approx((4 / 6, 2 / 6))
    assert (first.confidence, profile.confidence) == pytest.approx((4 / 7, 6 / 11))
    cosines = {(a, b): float(world.vector(a) @ world.vector(b)) for a, b in itertools.permutations(first.item_ids, 2)}
    assert first.spread == pytest.approx(1 - np.mean(list(cosines.values())), abs=1e-5)
    closeness = {a: sum(cosines[a, b] for b in first.item_ids if b != a) for a in first.item_ids}
    assert first.item_ids[0] == max(closeness, key=closeness.get)
    assert [word.value for word in first.words] == ["red"]
    assert (first.words[0].share, first.words[0].catalogue) == pytest.approx((1.0, 27 / 79))
    assert (profile.n_liked, profile.n_disliked, profile.elsewhere, profile.note) == (6, 0, 0.0, "")
    assert profile.features == "toy-encoder"


def test_an_event_older_by_a_half_life_weighs_half(builder, world):
    events = [*likes("red", range(3), day=1), *likes("blue", range(3), day=31)]
    for half_life, red in ((30, 1 / 3), (15, 1 / 5), (None, 1 / 2)):
        [profile] = builder.build(world.history(*events), TasteSettings(half_life_days=half_life))
        weights = {interest.item_ids[0].split("-")[0]: interest.weight for interest in profile.interests}
        assert weights["red"] == pytest.approx(red, abs=1e-6)
        assert weights["blue"] == pytest.approx(1 - red, abs=1e-6)


def test_of_an_item_the_latest_event_counts(builder, world):
    liked, changed = likes("red", range(3)), ("red-0", -1.0, 11)
    [profile] = builder.build(world.history(*liked, changed))
    assert set(profile.item_ids) == {"red-1", "red-2"}
    assert (profile.n_liked, profile.n_disliked) == (2, 1)


def test_what_lies_apart_is_elsewhere(builder, world):
    [profile] = builder.build(world.history(*likes("red", range(3)), *likes("plain", [1]), *likes("green", [2])))
    assert [set(interest.item_ids) for interest in profile.interests] == [{"red-0", "red-1", "red-2"}]
    assert profile.elsewhere == pytest.approx(2 / 5)


def test_two_that_are_hardly_alike_are_no_interest(builder, world):
    """The pair joins, for it is nearer than nine pairs in ten, but not nearer than 98 in a hundred."""
    hardly = next(
        (a, b)
        for a, b in itertools.combinations([f"plain-{n}" for n in range(60)], 2)
        if builder.space.alike < float(world.vector(a) @ world.vector(b)) < builder.space.alike + 0.02
    )
    events = [*likes("red", range(3)), *((item, 1.0, 10) for item in hardly)]
    [profile] = builder.build(world.history(*events))
    assert [set(interest.item_ids) for interest in profile.interests] == [{"red-0", "red-1", "red-2"}]


def test_no_more_interests_than_wanted_and_no_more_items_than_count(builder, world):
    history = world.history(
        *likes("red", range(4)), *likes("blue", range(3), day=11), *likes("green", range(3), day=12)
    )
    [profile] = builder.build(history, TasteSettings(max_interests=2))
    assert len(profile.interests) == 2
    assert profile.elsewhere == pytest.approx(1 - sum(interest.weight for interest in profile.interests))
    [profile] = builder.build(history, TasteSettings(max_items=6))
    assert {item_id.split("-")[0] for item_id in profile.item_ids} == {"blue", "green"}
    assert profile.n_liked == 10


def test_what_is_avoided_is_unlike_the_interests(builder, world):
    events = [*likes("red", range(4)), ("red-5", -1.0, 10), *likes("blue", range(2), -1.0)]
    [profile] = builder.build(world.history(*events))
    [avoided] = profile.avoids
    assert set(avoided.item_ids) == {"blue-0", "blue-1"}
    assert [word.value for word in avoided.words] == ["blue"]
    assert avoided.weight == pytest.approx(2 / 3)
    assert profile.n_disliked == 3


@pytest.mark.parametrize(
    ("events", "interests", "avoids", "note"),
    [
        ([], 0, 0, "nothing liked is known of this user"),
        ([("red-0", 0.0, 1)], 0, 0, "nothing liked is known of this user"),
        ([("red-0", 1.0, 1)], 1, 0, "only one liked picture is known: this is a first guess"),
        ([("red-0", 1.0, 1), ("blue-0", 1.0, 1)], 2, 0, ""),
        ([("red-0", -1.0, 1), ("red-1", -1.0, 1)], 0, 1, "nothing liked is known of this user: only what they avoid"),
        ([("unseen", 1.0, 1)], 0, 0, "none of the liked items has an embedded picture"),
    ],
)
def test_too_little_is_said_so(events, interests, avoids, note, builder, world):
    [profile] = builder.build(world.history(*events))
    assert (len(profile.interests), len(profile.avoids), profile.note) == (interests, avoids, note)
    assert profile.without_picture == sum(event[0] == "unseen" for event in events)
    assert sum(interest.weight for interest in profile.interests) + profile.elsewhere == pytest.approx(
        int(interests > 0)
    )


def test_many_at_once_are_what_each_is_alone_and_again(builder, world):
    one = world.history(*likes("red", range(4)), user="one")
    two = world.history(*likes("blue", range(3)), ("green-1", -1.0, 3), user="two")
    both = Histories(
        IdMap(["one", "two"]),
        one.n_items,
        np.concatenate([one.indptr, two.indptr[1:] + one.indptr[-1]]),
        np.concatenate([one.item_index, two.item_index]),
        np.concatenate([one.weight, two.weight]),
        np.concatenate([one.timestamp, two.timestamp]),
    )
    together = builder.build(both)
    assert together == [*builder.build(one), *builder.build(two)]
    space = TasteSpace.fit(world.vectors.copy(), world.history().liked())
    again = TasteBuilder(world.items, world.vectors, space).build(both)
    assert [profile.to_json() for profile in again] == [profile.to_json() for profile in together]


@pytest.mark.parametrize("new", ["red-5", "green-0", "plain-7", "blue-4"])
def test_one_event_more_changes_little(new, builder, world):
    events = [*likes("red", range(5)), *likes("blue", range(4)), *likes("plain", [0])]
    [before] = builder.build(world.history(*events))
    [after] = builder.build(world.history(*events, (new, 1.0, 10)))
    old, now = ({frozenset(i.item_ids) - {new}: i.weight for i in p.interests} for p in (before, after))
    assert len(old) == 2
    assert old.keys() <= now.keys()
    assert all(abs(now[items] - old[items]) <= 1 / 10 for items in old)
    assert abs(after.confidence - before.confidence) < 0.05


def on_a_circle(*degrees):
    """The profile of one who liked pictures at these angles, where a cosine of .8 is alike."""
    angles = np.radians(degrees)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    n = len(degrees)
    items = ItemFeatures(IdMap(map(str, degrees)))
    history = Histories.from_events(
        IdMap(["u"]), n, np.zeros(n, np.int64), np.arange(n, dtype=np.int32), np.ones(n, np.float32), np.arange(n)
    )
    space = TasteSpace(np.zeros(2, np.float32), np.zeros((2, 0), np.float32), 0.8, 0.8)
    return TasteBuilder(items, vectors, space).build(history)[0]


def test_the_medoid_comes_first_and_of_equals_the_newest():
    assert [interest.item_ids for interest in on_a_circle(0, 10, 20).interests] == [("10", "20", "0")]


def test_a_group_is_alike_on_average_not_from_one_to_the_next():
    """cos 20 = .94 and cos 30 = .87, but cos 50 = .64: 50 is on average (.75) too far from the other two."""
    assert [set(interest.item_ids) for interest in on_a_circle(0, 20, 50).interests] == [{"0", "20"}]


@pytest.mark.parametrize(
    "wrong", [{"half_life_days": 0}, {"half_life_days": float("nan")}, {"max_interests": 0}, {"max_items": 0}]
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        TasteSettings(**wrong)


def test_a_catalogue_of_one_picture(world):
    one = world.items.take(np.array([0]))
    history = Histories.from_events(
        IdMap(["u"]), 1, np.zeros(1, np.int64), np.zeros(1, np.int32), np.ones(1, np.float32), np.zeros(1, np.int64)
    )
    space = TasteSpace.fit(world.vectors[:1], history.liked())
    [profile] = TasteBuilder(one, world.vectors[:1], space).build(history)
    assert profile.item_ids == ["red-0"]
