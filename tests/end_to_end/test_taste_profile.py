"""Taste profiles from the command line: shown, compared, changed, carried elsewhere, and refused in plain words."""

from __future__ import annotations

import json
import shutil

import pytest
from PIL import Image

from visrec.workspace.workspace import Workspace

USER, OTHER = "customer-003", "customer-004"


def profile(visrec, shop, user=USER, *options):
    return visrec("profile", shop, "--user", user, *options, "--json").json


def items_of(shown):
    return {item_id for interest in shown["interests"] for item_id in interest["item_ids"]}


def test_a_profile_is_shown_and_repeats_itself(built, visrec, seen, tmp_path):
    shown = profile(visrec, built)
    assert shown["user_id"] == USER
    assert items_of(shown) <= set(seen[USER])
    weights = [interest["weight"] for interest in shown["interests"]]
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) + shown["elsewhere"] == pytest.approx(1)
    assert 0 < shown["confidence"] < 1
    assert profile(visrec, built) == shown
    assert Workspace.open(built).profile(USER).to_json() == shown
    text = visrec("profile", built, "--user", USER).out
    assert text.startswith(f"{USER}: {shown['n_liked']} liked, {shown['n_disliked']} disliked; sureness ")
    assert shown["interests"][0]["item_ids"][0] in text
    visrec("profile", built, "--user", USER, "--sheet", tmp_path / "taste.png")
    with Image.open(tmp_path / "taste.png") as sheet:
        assert sheet.height > 150 * len(weights)


def test_a_like_counts_at_once(shop, visrec, seen, items):
    before = profile(visrec, shop)
    new = next(item_id for item_id in items if item_id not in seen[USER])
    visrec("feedback", shop, "--user", USER, "--item", new, "--timestamp", "1750000000")
    assert profile(visrec, shop)["n_liked"] == before["n_liked"] + 1


def test_what_others_do_moves_nobodys_profile_until_the_next_training(shop, visrec, items):
    before = profile(visrec, shop)
    for item_id in list(items)[:12]:
        visrec("feedback", shop, "--user", "somebody else", "--item", item_id)
    assert profile(visrec, shop) == before
    visrec("train", shop)
    profile(visrec, shop)
    assert len(list((shop / "taste").glob("0*"))) == 2


def test_what_is_recognised_is_told_at_once_with_a_palette(shop, visrec, tmp_path):
    workspace = Workspace.open(shop)
    before = workspace.profile(USER)
    assert [interest.palette for interest in before.interests] == [()] * len(before.interests)
    workspace.attributes.recognize()
    after = workspace.profile(USER)
    assert [set(i.item_ids) for i in after.interests] == [set(i.item_ids) for i in before.interests]
    for interest in after.interests:
        assert {colour.column for colour in interest.palette} == {"colours"}
        shares = [colour.share for colour in interest.palette]
        assert shares == sorted(shares, reverse=True)
    assert profile(visrec, shop)["interests"][0]["palette"][0]["share"] == after.interests[0].palette[0].share
    visrec("profile", shop, "--user", USER, "--sheet", tmp_path / "taste.png")


def test_a_damaged_space_of_tastes_is_learned_again(shop, visrec):
    before = profile(visrec, shop)
    [manifest] = (shop / "taste").glob("*/manifest.json")
    for damaged in ("{}", '{"format": 1, "settings": {"training": 7}, "arrays": {}}', "no json"):
        manifest.write_text(damaged)
        assert profile(visrec, shop) == before
        manifest = max((shop / "taste").glob("*/manifest.json"))


def test_a_removed_interest_is_gone_from_profile_and_recommendations_until_it_is_taken_back(shop, visrec, seen):
    before, ranked = profile(visrec, shop), visrec("recommend", shop, "--user", USER, "--json").json
    removed = before["interests"][0]["item_ids"]
    done = visrec("profile", shop, "--user", USER, "--remove-interest", 1, "--json")
    assert "count as seen only" in done.err
    assert not items_of(done.json) & set(removed)
    assert done.json["left_out"] == len(removed)
    after = visrec("recommend", shop, "--user", USER, "--json")
    assert after.json["items"] != ranked["items"]
    assert not set(after.item_ids) & set(seen[USER])
    visrec("train", shop)
    assert not items_of(profile(visrec, shop)) & set(removed)
    visrec("profile", shop, "--user", USER, "--undo")
    assert profile(visrec, shop) == before


def test_what_is_liked_again_after_a_removal_counts_again(shop, visrec):
    removed = profile(visrec, shop)["interests"][0]["item_ids"][0]
    n_removed = visrec("profile", shop, "--user", USER, "--remove-interest", 1, "--json").json["left_out"]
    later = 1 + max(event["timestamp"] for event in Workspace.open(shop).catalogue.interactions().to_pylist())
    visrec("feedback", shop, "--user", USER, "--item", removed, "--timestamp", max(later, 4_000_000_000))
    shown = profile(visrec, shop)
    assert shown["left_out"] == n_removed - 1
    assert removed in Workspace.open(shop).liked_items(USER, 99)


def test_reset_begins_anew(shop, visrec, built):
    shown = visrec("profile", shop, "--user", USER, "--reset", "--json").json
    assert (shown["interests"], shown["n_liked"], shown["note"]) == ([], 0, "nothing liked is known of this user")
    assert shown["left_out"] == profile(visrec, built)["n_liked"]
    assert "no liked item" in visrec("recommend", shop, "--user", USER, "--json").json["note"]
    assert "nothing liked is known" in visrec("profile", shop, "--user", USER).out
    visrec("profile", shop, "--user", USER, "--sheet", shop / "empty.png")
    assert profile(visrec, shop, OTHER) == profile(visrec, built, OTHER)


def test_a_removed_user_leaves_no_changes_behind(shop, visrec):
    visrec("profile", shop, "--user", USER, "--reset")
    visrec("remove", shop, "--user", USER)
    assert Workspace.open(shop).tastes.edits.of(USER) == {}


def test_users_are_compared(built, visrec):
    found = visrec("profile", built, "--user", USER, "--compare", OTHER, "--json").json
    back = visrec("profile", built, "--user", OTHER, "--compare", USER, "--json").json
    assert 0 <= found["similarity"] <= 1
    assert back["similarity"] == pytest.approx(found["similarity"])
    same = visrec("profile", built, "--user", USER, "--compare", USER, "--json").json
    assert same["similarity"] == pytest.approx(1)
    assert [pair["first"] for pair in same["shared"]] == [pair["second"] for pair in same["shared"]]
    assert "similarity" in visrec("profile", built, "--user", USER, "--compare", OTHER).out


def test_a_taste_is_carried_to_another_workspace_and_user(shop, built, visrec, tmp_path):
    visrec("profile", shop, "--user", USER, "--remove-interest", 1)
    file = tmp_path / "taste.json"
    exported = profile(visrec, shop, USER, "--export", file)
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(built, elsewhere)
    done = visrec("profile", elsewhere, "--import", file, "--json")
    assert "0 of them new" in done.err
    assert done.json == exported
    visrec("profile", elsewhere, "--import", file, "--user", "newcomer")
    again = visrec("profile", elsewhere, "--import", file, "--user", "newcomer", "--json")
    assert "0 of them new" in again.err
    assert {**again.json, "user_id": USER} == exported
    document = json.loads(file.read_text())
    document["events"].append({"item_id": "no such item", "kind": "like", "value": None, "timestamp": None})
    file.write_text(json.dumps(document))
    assert "1 items are unknown here" in visrec("profile", elsewhere, "--import", file).err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--user", "nobody"], "Nothing is known of user 'nobody'"),
        (["--user", ""], "Expected a user id"),
        ([], "Expected --user ID"),
        (["--user", USER, "--reset", "--undo"], "Expected one of"),
        (["--user", USER, "--remove-interest", "0"], "no interest 0"),
        (["--user", USER, "--remove-interest", "99"], "no interest 99"),
        (["--user", USER, "--compare", "nobody"], "Nothing is known of user 'nobody'"),
        (["--user", USER, "--compare", OTHER, "--reset"], "--compare goes with"),
        (["--user", USER, "--half-life", "0"], "half_life_days above 0"),
        (["--user", USER, "--sheet", "taste.jpg"], "….png"),
        (["--import", "missing.json"], "There is no file missing.json"),
        (["--import", "README.txt"], "is no JSON"),
    ],
)
def test_wrong_input_is_one_clear_message(options, message, built, attempt, sample, monkeypatch):
    monkeypatch.chdir(sample.folder)
    done = attempt("profile", built, *options)
    assert done.code == 1
    assert message in done.err
    assert done.out == ""


def test_a_quiz_goes_on_from_the_answers_and_ends_as_a_profile(shop, visrec, items, tmp_path):
    first = visrec("quiz", shop, "-k", 4, "--json")
    assert len(set(first.item_ids)) == 4
    assert [item["rank"] for item in first.json["items"]] == [1, 2, 3, 4]
    assert "--like" in first.err
    one, two, three, four = first.item_ids
    sheet = tmp_path / "quiz.png"
    answers = ["--like", one, "--like", two, "--dislike", three, "--skip", four]
    then = visrec("quiz", shop, *answers, "-k", 4, "--json", "--sheet", sheet)
    assert not set(then.item_ids) & set(first.item_ids)
    assert visrec("quiz", shop, *answers, "-k", 4, "--json").item_ids == then.item_ids
    assert sheet.exists()
    opposite = ["--dislike", one, "--dislike", two, "--like", three, "--skip", four]
    assert visrec("quiz", shop, *opposite, "-k", 4, "--json").item_ids != then.item_ids
    assert "Which of these do you like?" in visrec("quiz", shop).out
    for item_id, kind in ((one, "like"), (two, "like"), (three, "dislike")):
        visrec("feedback", shop, "--user", "newcomer", "--item", item_id, "--kind", kind)
    shown = profile(visrec, shop, "newcomer")
    assert (shown["n_liked"], shown["n_disliked"]) == (2, 1)
    assert visrec("recommend", shop, "--user", "newcomer", "--json").json.get("note") is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-k", "0"], "k of 1 or more"),
        (["--like", "no such item"], "no item 'no such item'"),
        (["--like", "0001", "--dislike", "0001"], "one answer for each item"),
        (["--sheet", "quiz.gif"], "….png"),
    ],
)
def test_wrong_answers_to_the_quiz_are_one_clear_message(options, message, built, attempt, items):
    options = [next(iter(items)) if option == "0001" else option for option in options]
    done = attempt("quiz", built, *options)
    assert (done.code, done.out) == (1, "")
    assert message in done.err


def test_before_the_pictures_are_encoded_it_says_what_to_run(ingested, attempt):
    for command in (["profile", ingested, "--user", USER], ["quiz", ingested]):
        done = attempt(*command)
        assert done.code == 1
        assert "visrec encode" in done.err
