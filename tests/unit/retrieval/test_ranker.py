"""From scores to ranked lists, with models whose scores are written down."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from visrec.core.errors import InputError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.list_options import ListOptions
from visrec.core.protocols import Capabilities, Scores
from visrec.retrieval.plan import ListPlan, Narrowing
from visrec.retrieval.ranker import Ranker


@dataclass
class Written:
    """Gives each user, by id, the rows that were written down, and remembers how many it was asked for."""

    parts: dict
    id: str = "written"
    capabilities: Capabilities = field(default_factory=Capabilities)
    asked: list = field(default_factory=list)

    def fit(self, dataset):
        return self

    def score(self, histories, items):
        self.asked.append(len(histories))
        rows = [int(user.removeprefix("u")) for user in histories.user_ids]
        return Scores({source: table[rows] for source, table in self.parts.items()})

    def state(self):
        return {}, {}

    def load_state(self, settings, arrays):
        return self


def table(rows):
    return np.array(rows, dtype=np.float32)


def histories_of(users, n_items):
    events = [(user, *event) for user, history in enumerate(users) for event in history]
    columns = np.array(events, dtype=np.float64).reshape(-1, 3).T
    return Histories.from_events(
        IdMap(f"u{row}" for row in range(len(users))),
        n_items,
        columns[0].astype(np.int64),
        columns[1].astype(np.int32),
        columns[2].astype(np.float32),
        np.arange(len(events), dtype=np.int64),
    )


ITEMS = ItemFeatures(IdMap(["a", "b/1", "003", "d", "五"]))
POPULAR = Written({"popular": table([[5, 4, 3, 2, 1]] * 4)}, "popular")


def plan(k, allowed=None, titles=None, **options):
    narrowed = () if allowed is None else (Narrowing("filter", allowed),)
    return ListPlan(ListOptions(k, **options), narrowed, titles=titles or {})


def ranker(parts):
    return Ranker(Written({name: table(rows) for name, rows in parts.items()}), POPULAR)


# Liked "a"; saw "d" and disliked "五".
HISTORY = [(0, 1.0), (3, 0.0), (4, -1.0)]


@pytest.fixture
def one():
    return ranker({"visual": [[0.1, 0.2, 0.3, 0.4, 0.5]]}), histories_of([HISTORY], 5)


def test_best_first_with_ranks_from_1(one):
    (ranking,) = one[0].rank(one[1], ITEMS, plan(5, exclude_seen=False))
    assert ranking.item_ids == ["五", "d", "003", "b/1", "a"]
    assert [item.rank for item in ranking.items] == [1, 2, 3, 4, 5]
    assert [item.score for item in ranking.items] == pytest.approx([0.5, 0.4, 0.3, 0.2, 0.1])
    assert (ranking.user_id, ranking.note) == ("u0", "")


def test_what_was_seen_is_left_out_liked_or_not(one):
    (ranking,) = one[0].rank(one[1], ITEMS, plan(5))
    assert ranking.item_ids == ["003", "b/1"]
    assert [item.rank for item in ranking.items] == [1, 2]


def test_only_what_is_allowed_is_ranked(one):
    allowed = np.array([True, False, False, True, True])
    (ranking,) = one[0].rank(one[1], ITEMS, plan(2, allowed, exclude_seen=False))
    assert ranking.item_ids == ["五", "d"]
    (ranking,) = one[0].rank(one[1], ITEMS, plan(2, ~allowed))
    assert ranking.item_ids == ["003", "b/1"]


def test_nothing_allowed_is_an_empty_list(one):
    (ranking,) = one[0].rank(one[1], ITEMS, plan(3, np.zeros(5, bool)))
    assert ranking.item_ids == []
    assert ranking.user_id == "u0"


def test_k_cuts_and_k_beyond_the_catalogue_gives_what_there_is(one):
    assert [len(next(one[0].rank(one[1], ITEMS, plan(k, exclude_seen=False)))) for k in (1, 2, 5, 500)] == [1, 2, 5, 5]


def test_of_equal_scores_the_first_in_the_catalogue_wins():
    (ranking,) = ranker({"visual": [[1, 2, 1, 2, 1]]}).rank(
        histories_of([[(4, 1.0)]], 5), ITEMS, plan(5, exclude_seen=False)
    )
    assert ranking.item_ids == ["b/1", "d", "a", "003", "五"]


def test_an_empty_catalogue_gives_empty_lists():
    items = ItemFeatures(IdMap(()))
    histories = histories_of([[], []], 0)
    model = Written({"visual": np.zeros((2, 0), np.float32)})
    rankings = list(Ranker(model, model).rank(histories, items, plan(3)))
    assert [(r.user_id, r.item_ids) for r in rankings] == [("u0", []), ("u1", [])]


def test_nobody_gives_no_list(one):
    assert list(one[0].rank(histories_of([], 5), ITEMS, plan(3))) == []


# ------------------------------------------------------------------ reasons


def test_the_source_is_the_largest_part_and_parts_add_up():
    parts = {
        "visual": [[0.5, 0.25, -1.0, 0.0, 2.0]],
        "collaborative": [[0.25, 0.5, -0.5, 0.0, -1.0]],
        "popular": [[0.0, 0.0, 0.125, 1.0, 0.0]],
    }
    (ranking,) = ranker(parts).rank(histories_of([[(0, 1.0)]], 5), ITEMS, plan(5, exclude_seen=False))
    assert ranking.item_ids == ["d", "五", "a", "b/1", "003"]
    assert [item.source for item in ranking.items] == ["popular", "visual", "visual", "collaborative", "popular"]
    assert ranking.items[0].parts == {"popular": 1.0}
    assert ranking.items[1].parts == {"visual": 2.0, "collaborative": -1.0}
    assert ranking.items[4].parts == {"visual": -1.0, "collaborative": -0.5, "popular": 0.125}
    for item in ranking.items:
        assert sum(item.parts.values()) == pytest.approx(item.score)


def test_titles_go_with_their_rows(one):
    (ranking,) = one[0].rank(one[1], ITEMS, plan(5, titles={2: "A blue vase", 0: "not shown"}))
    assert [item.title for item in ranking.items] == ["A blue vase", ""]


# ------------------------------------------------------------------ the fallback

USERS = [[(0, 1.0)], [], [(1, -1.0), (2, 0.0)], [(2, 0.3)]]
WRITTEN = {"visual": [[1, 2, 3, 4, 5], [9] * 5, [9] * 5, [5, 4, 3, 2, 1]]}


def test_users_without_a_like_get_the_fallback_and_are_told():
    rankings = list(ranker(WRITTEN).rank(histories_of(USERS, 5), ITEMS, plan(2)))
    assert [r.user_id for r in rankings] == ["u0", "u1", "u2", "u3"]
    assert [r.item_ids for r in rankings] == [["五", "d"], ["a", "b/1"], ["a", "d"], ["a", "b/1"]]
    assert [{item.source for item in r.items} for r in rankings] == [{"visual"}, {"popular"}, {"popular"}, {"visual"}]
    note = "no liked item is known of this user: these are the popular items"
    assert [r.note for r in rankings] == ["", note, note, ""]


def test_a_like_that_was_taken_back_is_no_like():
    (ranking,) = ranker({"visual": [[1, 2, 3, 4, 5]]}).rank(histories_of([[(0, 1.0), (0, -1.0)]], 5), ITEMS, plan(5))
    assert ranking.items[0].source == "popular"
    assert "a" not in ranking.item_ids


def test_filters_hold_for_the_fallback_too():
    allowed = np.array([False, False, True, False, True])
    rankings = list(ranker(WRITTEN).rank(histories_of(USERS, 5), ITEMS, plan(5, allowed=allowed)))
    assert [r.item_ids for r in rankings] == [["五", "003"], ["003", "五"], ["五"], ["五"]]


def test_a_model_is_asked_only_for_the_users_that_are_its_own():
    model, fallback = Written({"visual": table(WRITTEN["visual"])}), Written(POPULAR.parts, "popular")
    list(Ranker(model, fallback).rank(histories_of(USERS, 5), ITEMS, plan(2)))
    assert (model.asked, fallback.asked) == ([2], [2])
    list(Ranker(model, fallback).rank(histories_of(USERS[:1], 5), ITEMS, plan(2)))
    assert (model.asked, fallback.asked) == ([2, 1], [2])


# ------------------------------------------------------------------ many users


@pytest.fixture(scope="module")
def many():
    """90 users, 60 items; scores with many ties, in two parts; a third of the users likes nothing."""
    generator = np.random.default_rng(6)
    n_users, n_items = 90, 60
    users = []
    for user in range(n_users):
        seen = generator.choice(n_items, size=generator.integers(0, 12), replace=False)
        kinds = [-1.0, 0.0] if user % 3 == 0 else [1.0, 0.5, 0.0, -1.0]
        users.append([(int(item), float(generator.choice(kinds))) for item in seen])
    parts = {
        "visual": np.round(generator.normal(size=(n_users, n_items)), 1).astype(np.float32),
        "text": np.round(generator.normal(size=(n_users, n_items)), 1).astype(np.float32),
    }
    popular = {"popular": np.tile(np.round(generator.random(n_items), 1).astype(np.float32), (n_users, 1))}
    items = ItemFeatures(IdMap(f"item {row}" for row in range(n_items)))
    return users, histories_of(users, n_items), items, parts, popular, generator.random(n_items) < 0.8


def by_sorting(many, k, exclude_seen):
    """The same in plain Python."""
    users, _, items, parts, popular, allowed = many
    total = parts["visual"] + parts["text"]
    lists = []
    for user, history in enumerate(users):
        scores = total[user] if any(weight > 0 for _, weight in history) else popular["popular"][user]
        rows = [row for row in range(len(items)) if allowed[row]]
        if exclude_seen:
            rows = [row for row in rows if row not in {item for item, _ in history}]
        lists.append([items.item_ids[row] for row in sorted(rows, key=lambda row: (-scores[row], row))[:k]])
    return lists


@pytest.mark.parametrize("exclude_seen", [True, False])
def test_order_agrees_with_plain_sorting(exclude_seen, many):
    _, histories, items, parts, popular, allowed = many
    model = Ranker(Written(parts), Written(popular, "popular"))
    for k in (1, 10, 60):
        rankings = model.rank(histories, items, plan(k, allowed, exclude_seen=exclude_seen))
        assert [r.item_ids for r in rankings] == by_sorting(many, k, exclude_seen)


@pytest.mark.parametrize("block", [1, 7, 89, 90, 1000])
def test_lists_do_not_depend_on_the_block(block, many):
    _, histories, items, parts, popular, allowed = many
    model, fallback = Written(parts), Written(popular, "popular")
    whole = list(Ranker(model, fallback).rank(histories, items, plan(10, allowed)))
    model.asked.clear()
    assert list(Ranker(model, fallback).rank(histories, items, plan(10, allowed), block=block)) == whole
    assert max(model.asked) <= block


def test_blocks_shrink_with_the_catalogue(monkeypatch, many):
    _, histories, items, parts, popular, _ = many
    monkeypatch.setattr("visrec.retrieval.ranker._BLOCK_SCORES", 200)
    model, fallback = Written(parts), Written(popular, "popular")
    assert len(list(Ranker(model, fallback).rank(histories, items, plan(3)))) == 90
    assert max(model.asked) <= 3


def test_scores_of_the_model_are_left_as_they_were(many):
    _, histories, items, parts, popular, allowed = many
    for array in (*parts.values(), *popular.values()):
        array.setflags(write=False)
    model = Written({"visual": parts["visual"]})
    model.score = lambda histories, items: Scores({"visual": parts["visual"][: len(histories)]})
    list(Ranker(model, Written(popular, "popular")).rank(histories, items, plan(3, allowed)))


@pytest.mark.parametrize(("k", "block"), [(0, 1), (-1, 1), (1, 0)])
def test_k_and_block_start_at_1(k, block, one):
    with pytest.raises(InputError, match="1 or more"):
        list(one[0].rank(one[1], ITEMS, plan(k), block=block))
