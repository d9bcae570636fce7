"""Cut-off, rules, caps and traces of whole lists, with scores that are written down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from visrec.core.errors import InputError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.list_options import ListArguments, ListOptions
from visrec.core.protocols import Scores
from visrec.retrieval.choice import _placed
from visrec.retrieval.likeness import Likeness
from visrec.retrieval.pick import Cap
from visrec.retrieval.plan import ListPlan, Narrowing, RowRules
from visrec.retrieval.ranker import Ranker


@dataclass
class Written:
    """The same scores for everybody."""

    values: np.ndarray
    id: str = "written"

    def score(self, histories, items):
        return Scores({"visual": np.tile(self.values, (len(histories), 1))})


def ranked(scores, seen=(), narrowed=(), caps=(), likeness=None, rules=None, features=None, **options):
    """The list of one user who saw some rows."""
    n = len(scores)
    items = features or ItemFeatures(IdMap(f"{row}" for row in range(n)))
    rows = np.array(seen, dtype=np.int32)
    zeros = np.zeros(len(rows), dtype=np.int64)
    histories = Histories.from_events(IdMap(["u"]), n, zeros, rows, zeros.astype(np.float32), zeros)
    plan = ListPlan(ListOptions(**options), tuple(narrowed), tuple(caps), likeness, rules)
    return next(Ranker(Written(np.array(scores, dtype=np.float32))).rank(histories, items, plan))


def rules(n, blocked=(), lift=None, pins=(), names=()):
    mask = np.zeros(n, bool)
    mask[list(blocked)] = True
    lifts = np.zeros(n, np.float32)
    for row, value in (lift or {}).items():
        lifts[row] = value
    lifting = tuple((name, np.isin(np.arange(n), rows)) for name, rows in names)
    return RowRules(mask, lifts, tuple((*pin, "new") for pin in pins), lifting)


def rows_of(ranking):
    return [int(item_id) for item_id in ranking.item_ids]


def test_arguments_and_options_have_the_same_names():
    assert {"k", *ListArguments.__annotations__} == set(ListOptions.__dataclass_fields__)


@pytest.mark.parametrize(
    "wrong",
    [{"k": 0}, {"diversity": -0.1}, {"diversity": 1.1}, {"diversity": float("nan")}, {"min_score": float("nan")}]
    + [{"min_score": float("inf")}, {"max_per": {"c": 0}}, {"max_per": {"c": 1.5}}, {"max_per": {"c": True}}],
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(InputError, match="Expected"):
        ListOptions(**wrong)


# ------------------------------------------------------------------ cut-off


def test_a_list_ends_at_the_lowest_score_and_says_so():
    ranking = ranked([0.1, 0.5, 0.9, 0.4], min_score=0.5)
    assert (rows_of(ranking), ranking.note) == ([2, 1], "the list ends early: no other item scores 0.5 or more")
    ranking = ranked([0.1, 0.5, 0.9, 0.4], min_score=0.5, k=2)
    assert (rows_of(ranking), ranking.note) == ([2, 1], "")
    assert (rows_of(ranked([0.1, 0.2], min_score=9)), ranked([0.5], min_score=0.1).note) == ([], "")


# ------------------------------------------------------------------ rules


def test_blocked_items_are_gone_and_lifts_are_in_units_of_the_spread():
    scores = [8.0, 6.0, 4.0, 0.0]
    ranking = ranked(scores, rules=rules(4, blocked=[0], lift={3: 1.0, 1: -0.5}, names=[("sale", [3]), ("out", [1])]))
    # Item 0 is blocked: the spread is 6 - 0; item 3 gets 6, item 1 loses 3.
    assert rows_of(ranking) == [3, 2, 1]
    assert [item.score for item in ranking.items] == [6.0, 4.0, 3.0]
    assert [item.parts for item in ranking.items] == [{"rule": 6.0}, {"visual": 4.0}, {"visual": 6.0, "rule": -3.0}]
    assert [item.source for item in ranking.items] == ["rule", "visual", "visual"]
    assert [item.rules for item in ranking.items] == [("sale",), (), ("out",)]
    assert ranking.items[0].to_json()["rules"] == ["sale"]


def test_the_spread_reaches_to_the_hundredth():
    ranking = ranked(np.arange(150.0)[::-1], rules=rules(150, lift={149: 1.0}), k=200)
    # From 149 down to 50; the last item has 0.
    assert ranking.items[ranking.item_ids.index("149")].score == 99.0


def test_where_all_are_equal_the_spread_is_1():
    assert rows_of(ranked([2.0, 2.0, 2.0], rules=rules(3, lift={2: 0.5, 0: -0.5}))) == [2, 1, 0]
    assert ranked([2.0], rules=rules(1, lift={0: 0.5})).items[0].score == 2.5


def test_a_lift_does_not_bring_back_what_is_left_out():
    narrowed = [Narrowing("filter", np.array([True, True, False]))]
    assert rows_of(ranked([1.0, 2, 3], seen=[0], narrowed=narrowed, rules=rules(3, lift={0: 9.0, 2: 9.0}))) == [1]
    # The cut-off looks at the model's own score.
    assert rows_of(ranked([1.0, 2, 3], min_score=2, rules=rules(3, lift={0: 9.0, 1: -9.0}))) == [2, 1]


def test_pins_are_in_their_places_and_keep_their_scores():
    ranking = ranked([5.0, 4, 3, 2, 1], rules=rules(5, pins=[(1, 4), (3, 0), (5, 1)]), k=4)
    assert rows_of(ranking) == [4, 1, 0, 2]
    assert [item.score for item in ranking.items] == [1.0, 4.0, 5.0, 3.0]
    assert [item.rules for item in ranking.items] == [("new",), (), ("new",), ()]
    assert [item.rank for item in ranking.items] == [1, 2, 3, 4]


def test_a_pin_beyond_the_list_is_no_pin_in_it():
    assert rows_of(ranked([5.0, 4, 3, 2], rules=rules(4, pins=[(3, 3)]), k=2)) == [0, 1]
    assert rows_of(ranked([5.0, 4, 3, 2], rules=rules(4, pins=[(3, 0)]), k=2)) == [0, 1]


def test_pins_hold_to_filters_and_to_what_was_seen_and_not_to_the_cut_off():
    narrowed = [Narrowing("filter", np.array([True, True, True, False]))]
    pinned = rules(4, pins=[(1, 3), (1, 2), (2, 1)])
    assert rows_of(ranked([5.0, 4, 3, 2], seen=[2], narrowed=narrowed, rules=pinned)) == [0, 1]
    assert rows_of(ranked([5.0, 4, 3, 2], min_score=4.5, rules=rules(4, pins=[(1, 3)]))) == [3, 0]
    assert rows_of(ranked([5.0, 4, 3, 2], rules=rules(4, blocked=[3], pins=[(1, 3)]), k=2)) == [0, 1]


@pytest.mark.parametrize(
    ("pins", "others", "k", "expected"),
    [
        ([], [], 3, []),
        ([(2, 9)], [1, 2, 3], 3, [1, 9, 2]),
        ([(2, 9), (2, 8), (1, 7)], [1], 9, [7, 9, 8, 1]),
        ([(5, 9), (2, 8)], [], 9, [8, 9]),
        ([(3, 9), (3, 8)], [1, 2, 3], 3, [1, 2, 9]),
    ],
)
def test_places(pins, others, k, expected):
    assert _placed(pins, others, k) == expected


# ------------------------------------------------------------------ pools


def test_a_pool_that_does_not_fill_the_list_is_searched_deeper():
    n = 1000
    kinds = csr_matrix((np.ones(n, np.float32), (np.arange(n), np.where(np.arange(n) < 600, 0, 1))))
    ranking = ranked(np.arange(n)[::-1], caps=[Cap("kind", 2, kinds)], k=4)
    assert rows_of(ranking) == [0, 1, 600, 601]


def test_lists_are_as_varied_as_asked():
    rows = np.array([[2.0, 1.0], [2.0, 1.0], [0.0, 2.0], [0.0, 0.0]], np.float32)
    items = ItemFeatures(IdMap("0123"), {"image": FeatureBlock("image", rows, np.ones(4, bool), "set")})
    ranking = ranked([1.0, 0.9, 0.5, 0.0], likeness=Likeness(items), features=items, diversity=0.5, k=3)
    assert rows_of(ranking) == [0, 2, 3]
    assert [item.score for item in ranking.items] == [1.0, 0.5, 0.0]


# ------------------------------------------------------------------ traces


def test_a_trace_accounts_for_every_item():
    n = 300
    kinds = csr_matrix(np.arange(n)[:, None] % 2 == np.arange(2), dtype=np.float32)
    narrowed = [
        Narrowing("candidates", np.arange(n) < 290, 2.0),
        Narrowing("filter", np.arange(n) % 10 > 0, 3.0),
    ]
    ranking = ranked(
        np.arange(n)[::-1],
        seen=[1, 2, 10],
        narrowed=narrowed,
        caps=[Cap("kind", 4, kinds)],
        rules=rules(n, blocked=[3], pins=[(1, 200)]),
        min_score=100,
        trace=True,
        k=5,
    )
    kept = {stage.name: (stage.kept, stage.removed) for stage in ranking.trace}
    assert kept == {
        "candidates": (290, 10),
        "filter": (261, 29),
        "seen": (259, 2),
        "score": (259, 0),
        "min_score": (178, 81),
        "rules": (177, 1),
        "pool": (100, 77),
        "caps": (100 - kept["caps"][1], kept["caps"][1]),
        "top k": (5, 100 - kept["caps"][1] - 5),
    }
    assert all(stage.ms >= 0 for stage in ranking.trace)
    assert ranking.trace[0].ms >= 2.0
    assert ranking.to_json()["trace"][0]["stage"] == "candidates"
    assert [stage["kept"] for stage in ranking.to_json()["trace"]] == [stage.kept for stage in ranking.trace]


def test_a_trace_of_a_plain_list_is_short_and_none_is_made_unasked():
    ranking = ranked([1.0, 2, 3], k=2, trace=True)
    assert [(stage.name, stage.kept, stage.removed) for stage in ranking.trace] == [
        ("seen", 3, 0),
        ("score", 3, 0),
        ("top k", 2, 1),
    ]
    assert ranked([1.0, 2, 3], k=2).trace == ()
    assert ranked([1.0, 2, 3], k=2).items == ranking.items


def test_a_trace_says_what_diversity_changed():
    rows = np.array([[2.0, 1.0], [2.0, 1.0], [0.0, 2.0], [0.0, 0.0]], np.float32)
    items = ItemFeatures(IdMap("0123"), {"image": FeatureBlock("image", rows, np.ones(4, bool), "set")})
    ranking = ranked(
        [1.0, 0.9, 0.5, 0.0],
        likeness=Likeness(items),
        features=items,
        diversity=0.5,
        collapse_duplicates=True,
        k=2,
        trace=True,
    )
    stages = {stage.name: stage for stage in ranking.trace}
    assert (stages["duplicates"].removed, stages["diversity"].kept, stages["top k"].removed) == (1, 3, 1)
    assert stages["diversity"].note == "1 of the list are not among the 2 best scores"


# ------------------------------------------------------------------ whatever comes


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.integers(-4, 4), min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(1, 6), st.integers(0, 29)), max_size=4, unique_by=lambda pin: pin[1]),
    st.sets(st.integers(0, 29), max_size=8),
    st.integers(1, 8),
    st.integers(1, 3),
)
def test_no_item_twice_pins_in_place_caps_hold(scores, pins, seen, k, limit):
    n = len(scores)
    seen = sorted(row for row in seen if row < n)
    pins = [pin for pin in pins if pin[1] < n]
    kinds = np.arange(n) % 4
    caps = [Cap("kind", limit, csr_matrix((np.ones(n, np.float32), (np.arange(n), kinds))))]
    rows = rows_of(ranked(scores, seen=seen, caps=caps, rules=rules(n, pins=pins), k=k))
    assert len(rows) == len(set(rows)) <= k
    assert not set(rows) & set(seen)
    assert np.bincount(kinds[rows], minlength=1).max(initial=0) <= limit
    there = [(position, row) for position, row in pins if row in rows and position <= k]
    for position, row in there:
        clash = sum(other <= position for other, _ in there) > 1
        assert rows.index(row) + 1 == position or clash or len(rows) < position
    if len(rows) < k:
        left = set(range(n)) - set(rows) - set(seen)
        assert all(np.sum(kinds[rows] == kinds[row]) >= limit for row in left)
