"""The shop's rules on a drawn shop: set, shown, applied, left out."""

from __future__ import annotations

import json

import pytest

from visrec import Workspace
from visrec.core.errors import InputError, WorkspaceError

USER = "customer-003"


@pytest.fixture
def workspace(shop):
    return Workspace.open(shop)


def written(*rules):
    return json.dumps({"rules": list(rules)})


def test_rules_are_set_shown_applied_and_left_out(shop, workspace, visrec, items, tmp_path):
    plain = workspace.recommend(USER, 20)
    first, second, last = plain.item_ids[0], plain.item_ids[1], plain.item_ids[-1]
    kind = items[last]["category"]
    rules = [
        {"name": "gone", "action": "block", "items": [first]},
        {"name": "new here", "action": "pin", "items": [last], "position": 2},
        {"name": "season", "action": "boost", "where": f"category = '{kind}'", "strength": 3.0},
        {"name": "past", "action": "pin", "items": [first], "until": "2020-01-01"},
    ]
    (tmp_path / "rules.json").write_text(written(*rules))
    assert "There are no rules" in visrec("rules", shop).err
    checked = visrec("rules", shop, "--check", tmp_path / "rules.json", "--json").json
    assert checked == {"rules": [*rules[:3], {**rules[3], "position": 1}]}
    assert workspace.recommend(USER, 20) == plain
    visrec("rules", shop, "--set", tmp_path / "rules.json")
    shown = visrec("rules", shop).out.splitlines()
    assert shown[1:3] == [f"new here: pin at 2 {last}", f"season: boost by 3 category = '{kind}'"]
    assert shown[3].endswith("(until 2020-01-01; not now)")
    # Another process set them; the very next list knows.
    ruled = workspace.recommend(USER, 8)
    assert first not in ruled.item_ids
    assert ruled.items[1].item_id == last
    assert set(ruled.items[1].rules) == {"season", "new here"}
    assert {items[item_id]["category"] for item_id in ruled.item_ids[:2]} == {kind}
    assert all(("rule" in item.parts) == (items[item.item_id]["category"] == kind) for item in ruled.items)
    assert all(sum(item.parts.values()) == pytest.approx(item.score, rel=1e-5) for item in ruled.items)
    assert ruled.to_json()["items"] == visrec("recommend", shop, "--user", USER, "-k", 8, "--json").json["items"]
    assert workspace.recommend(USER, 20, rules=False) == plain
    assert visrec("recommend", shop, "--user", USER, "-k", 20, "--no-rules", "--json").json == plain.to_json()
    stages = {stage.name: stage for stage in workspace.recommend(USER, 8, trace=True).trace}
    assert stages["rules"].removed == 1
    # Queries and similar items keep to them too.
    assert workspace.query([second], k=20).item_ids[1] == last
    assert first not in workspace.similar(second, 80).item_ids
    assert first in workspace.similar(second, 80, rules=False).item_ids


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"name": "a", "action": "block", "where": "prize < 3"}, "rule 'a': Filter 'prize < 3'"),
        ({"name": "a", "action": "block", "where": "price <"}, "rule 'a': Filter"),
        ({"name": "a", "action": "pin", "items": ["nothing such"]}, "rule 'a': there is no item 'nothing such'"),
        ({"name": "a", "action": "lift"}, "expected as action"),
    ],
)
def test_a_wrong_file_changes_nothing(rule, message, shop, workspace, attempt, items, tmp_path):
    workspace.rules.replace(written({"name": "old", "action": "block", "items": [next(iter(items))]}))
    (tmp_path / "wrong.json").write_text(written(rule))
    for option in ("--check", "--set"):
        done = attempt("rules", shop, option, tmp_path / "wrong.json")
        assert (done.code, done.out) == (1, "")
        assert message in done.err
        assert "wrong.json" in done.err
    assert [known.name for known in workspace.rules.read()] == ["old"]


def test_files_that_are_not_there_and_both_options(shop, attempt, tmp_path):
    assert "There is no file" in attempt("rules", shop, "--set", tmp_path / "none.json").err
    assert "got both" in attempt("rules", shop, "--set", "a", "--check", "b").err


def test_a_damaged_file_is_said_and_not_passed_over(shop, workspace):
    (shop / "rules.json").write_text('{"rules": [')
    with pytest.raises(WorkspaceError, match="visrec rules SHOP --set"):
        workspace.recommend(USER)
    assert len(workspace.recommend(USER, rules=False)) == 10


def test_an_item_that_was_removed_is_passed_over_and_a_lost_column_is_not(shop, workspace, items):
    gone = list(items)[5]
    workspace.rules.replace(written({"name": "a", "action": "pin", "items": [gone, list(items)[6]]}))
    workspace.remove_item(gone)
    found = workspace.recommend("nobody", 3)
    assert found.items[0].item_id == list(items)[6]
    (shop / "rules.json").write_text(written({"name": "b", "action": "block", "where": "size = 3"}))
    with pytest.raises(InputError, match="rule 'b'"):
        workspace.recommend(USER)
