"""What shapes a list, on a drawn shop: the command line and Python give the same lists."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from visrec import Example, Interaction, Query, Workspace

USER = "customer-003"


@pytest.fixture(scope="module")
def workspace(built):
    return Workspace.open(built)


def test_defaults_are_the_best_scores(workspace):
    plain = workspace.recommend(USER, 8)
    assert workspace.recommend(USER, 8, diversity=0.0, max_per={}, collapse_duplicates=False) == plain
    assert [item.score for item in plain.items] == sorted((item.score for item in plain.items), reverse=True)
    assert plain.trace == ()


def test_diversity_makes_lists_more_varied(workspace):
    def likeness(diversity):
        features = workspace.item_features()
        rows = features.item_ids.rows(workspace.recommend(USER, 8, diversity=diversity).item_ids)
        vectors = features.blocks["image"].matrix[rows]
        cosines = vectors @ vectors.T
        return (cosines.sum() - np.trace(cosines)) / (8 * 7)

    assert likeness(0.0) > likeness(0.5) > likeness(1.0)


def test_caps_count_columns(workspace, items):
    found = workspace.recommend(USER, 10, max_per={"category": 2}).item_ids
    kinds = [items[item_id]["category"] for item_id in found]
    assert len(found) == 10
    assert max(kinds.count(kind) for kind in kinds) == 2


def test_an_unknown_column_is_named(workspace, attempt, built):
    done = attempt("recommend", built, "--user", USER, "--max-per", "size=1")
    assert (done.code, "There is no column 'size'" in done.err, "category" in done.err) == (1, True, True)


def test_the_command_line_gives_the_same_lists(workspace, visrec, built):
    options = ("--diversity", 0.3, "--max-per", "category=2", "--collapse-duplicates", "--include-seen", "--trace")
    asked = {"diversity": 0.3, "max_per": {"category": 2}, "collapse_duplicates": True, "exclude_seen": False}
    by_command = visrec("recommend", built, "--user", USER, "-k", 5, *options, "--json").json
    by_python = workspace.recommend(USER, 5, **asked, trace=True).to_json()
    assert by_command["items"] == by_python["items"]
    stages = ["score", "pool", "duplicates", "caps", "diversity", "top k"]
    assert [stage["stage"] for stage in by_command["trace"]] == stages
    shown = visrec("recommend", built, "--user", USER, "-k", 5, *options).out
    assert all(f"\n {stage} " in shown for stage in stages)
    assert "removed" in shown
    many = visrec("recommend", built, "--users", "all", "-k", 5, *options).out.splitlines()
    alone = next(found for found in map(json.loads, many) if found["user_id"] == USER)
    assert [item["item_id"] for item in alone["items"]] == [item["item_id"] for item in by_python["items"]]


def test_a_cut_off_ends_the_list(workspace):
    least = workspace.recommend(USER, 4).items[2].score
    found = workspace.recommend(USER, 4, min_score=least)
    assert len(found) == 3
    assert "ends early" in found.note


# ------------------------------------------------------------------ sessions


def test_a_session_gets_the_list_of_a_user_who_did_the_same(workspace, shop, items, seen):
    own = Workspace.open(shop)
    liked = seen[USER][:3]
    events = [Interaction("", item_id, "like", None, 1_900_000_000 + n) for n, item_id in enumerate(liked)]
    found = own.recommend_session(events, 6)
    assert found.user_id is None
    assert not set(found.item_ids) & set(liked)
    other = own.recommend_session([Interaction("x", item_id) for item_id in seen["customer-010"][:3]], 6)
    assert next(own.recommend_sessions([events, []], 6)).item_ids == found.item_ids
    own.add_feedback([Interaction("twin", *[e.item_id, e.kind, e.value, e.timestamp]) for e in events])
    assert own.recommend("twin", 6).items == found.items
    assert other.item_ids != found.item_ids
    nothing = own.recommend_session([], 6)
    assert (nothing.items[0].source, "popular" in nothing.note) == ("popular", True)
    assert own.recommend("nobody at all", 6).items == nothing.items


def test_events_of_a_file_are_a_session(workspace, visrec, built, seen, tmp_path):
    lines = [{"item_id": seen[USER][0]}, {"item_id": seen[USER][1], "kind": "View", "timestamp": 3, "value": None}]
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    by_command = visrec("recommend", built, "--events", tmp_path / "events.jsonl", "--json").json
    events = [Interaction("", seen[USER][0]), Interaction("", seen[USER][1], "view", None, 3)]
    assert by_command == workspace.recommend_session(events).to_json()


# ------------------------------------------------------------------ examples


def test_examples_of_a_file_have_weights(workspace, visrec, built, items, tmp_path):
    ids = list(items)
    Image.new("RGB", (40, 30), (200, 40, 60)).save(tmp_path / "red.png")
    vector = workspace.item_features().blocks["image"].matrix[4].tolist()
    lines = [
        {"item": ids[0], "weight": 3},
        {"item": ids[9], "weight": -0.5},
        {"picture": "red.png"},
        {"vector": vector, "weight": 2},
    ]
    (tmp_path / "examples.jsonl").write_text("\n".join(map(json.dumps, lines)))
    by_command = visrec("query", built, "--like", ids[20], "--examples", tmp_path / "examples.jsonl", "--json").json
    picture = (tmp_path / "red.png").read_bytes()
    likes = [ids[20], Example(ids[0], 3), picture, Example(np.array(vector), 2)]
    by_python = workspace.query(likes, [Example(ids[9], 0.5)])
    assert by_command == by_python.to_json()
    assert workspace.query([ids[20], ids[0], picture, vector], [ids[9]]) != by_python
    first, second = workspace.query_many([Query([ids[0]]), Query(likes, [Example(ids[9], 0.5)])])
    assert first.item_ids == workspace.query([ids[0]]).item_ids
    assert second.item_ids == by_python.item_ids


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("examples", "", "is empty"),
        ("examples", "[1]", "line 1: expected lines such as"),
        ("examples", "{", "line 1: no JSON"),
        ("examples", '{"weight": 1}', "expected one of item, picture and vector"),
        ("examples", '{"item": "a", "picture": "b"}', "expected one of item, picture and vector"),
        ("examples", '{"item": "a", "weight": 0}', "no weight of 0"),
        ("examples", '{"item": "a", "wieght": 2}', "'wieght' is not known here"),
        ("examples", '{"item": 7}', "7 cannot be its item"),
        ("examples", '\n{"vector": [0.5]}', "Expected an embedding as 128"),
        ("examples", '{"vector": ["x"]}', "Expected an embedding as 128"),
        ("examples", '{"picture": "nowhere.png"}', "nowhere.png"),
        ("events", '{"item_id": "nothing such"}', "There is no item 'nothing such'"),
        ("events", '{"kind": "like"}', "None cannot be its item_id"),
        ("events", '{"item_id": "a", "user_id": "b"}', "'user_id' is not known here"),
        ("events", '{"item_id": "a", "timestamp": "now"}', "'now' cannot be its timestamp"),
    ],
)
def test_wrong_lines_are_named(option, text, message, attempt, built, tmp_path):
    (tmp_path / "wrong.jsonl").write_text(text)
    command = "query" if option == "examples" else "recommend"
    done = attempt(command, built, f"--{option}", tmp_path / "wrong.jsonl")
    assert (done.code, done.out) == (1, "")
    assert message in done.err


@pytest.mark.parametrize("text", ["category", "=2", "category=", "category=two", "category=-1", "category=0"])
def test_wrong_caps_are_refused(text, attempt, built):
    done = attempt("recommend", built, "--user", USER, "--max-per", text)
    assert (done.code, "Expected" in done.err) == (1, True)
