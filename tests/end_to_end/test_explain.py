"""Reasons from the command line: they add up, follow what users change, and are refused in plain words."""

from __future__ import annotations

import pytest

from visrec.workspace.workspace import Workspace

USER, OTHER = "customer-003", "customer-004"


def explain(visrec, shop, item, user=USER, *options):
    return visrec("explain", shop, "--user", user, "--item", item, *options, "--json").json


@pytest.fixture(scope="module")
def ranked(built, visrec):
    return visrec("recommend", built, "--user", USER, "-k", 5, "--json").json["items"]


def test_base_and_past_items_add_up_to_the_score_that_recommend_shows(built, visrec, ranked, seen):
    for line in ranked:
        found = explain(visrec, built, line["item_id"])
        assert found["score"] == pytest.approx(line["score"], abs=1e-4)
        total = found["base"] + sum(past["contribution"] for past in found["history"])
        assert total == pytest.approx(found["score"], abs=1e-4)
        sizes = [abs(past["contribution"]) for past in found["history"]]
        assert sizes == sorted(sizes, reverse=True)
        assert {past["item_id"] for past in found["history"]} <= set(seen[USER])
        assert (found["user_id"], found["item_id"], found["model"], found["how"]) == (
            USER,
            line["item_id"],
            "blend",
            "exact",
        )
        assert found["evidence"]["kind"] == line["source"]
    text = visrec("explain", built, "--user", USER, "--item", ranked[0]["item_id"]).out
    first = explain(visrec, built, ranked[0]["item_id"])
    assert first["sentence"]["en"] in text
    assert first["sentence"]["zh"] in text
    assert f"{first['history'][0]['contribution']:+8.3f}  {first['history'][0]['item_id']}" in text


def test_a_list_says_why_with_every_item(built, visrec, ranked):
    items = visrec("recommend", built, "--user", USER, "-k", 5, "--reasons", "--json").json["items"]
    assert [{**item, "reasons": None} for item in items] == [{**item, "reasons": None} for item in ranked]
    one = explain(visrec, built, items[0]["item_id"])
    shown, first = items[0]["reasons"]["history"], one["history"][:3]
    assert [past["item_id"] for past in shown] == [past["item_id"] for past in first]
    assert items[0]["reasons"]["sentence"] == one["sentence"]
    text = visrec("recommend", built, "--user", USER, "-k", 5, "--reasons").out
    assert f"1. {one['sentence']['en']}" in text
    lines = visrec("recommend", built, "--users", "all", "-k", 1, "--reasons").out.splitlines()
    assert len(lines) == 60
    assert all('"reasons"' in line for line in lines)


def test_what_is_recognised_becomes_reasons(shop, visrec, ranked):
    assert explain(visrec, shop, ranked[0]["item_id"])["attributes"] == []
    visrec("recognize", shop)
    found = explain(visrec, shop, ranked[0]["item_id"])
    assert found["attributes"]
    assert found["evidence"]["attributes_r2"] <= 1
    told = {(a.name, a.value) for a in Workspace.open(shop).attributes.of([ranked[0]["item_id"]])[ranked[0]["item_id"]]}
    assert {(a["name"], a["value"]) for a in found["attributes"]} <= told


def test_a_like_counts_at_once_and_a_removed_interest_no_longer(shop, visrec, ranked, items, seen):
    target = ranked[0]["item_id"]
    new = next(item_id for item_id in items if item_id not in seen[USER] and item_id != target)
    visrec("feedback", shop, "--user", USER, "--item", new)
    assert new in {past["item_id"] for past in explain(visrec, shop, target)["history"]}
    before = explain(visrec, shop, target)
    removed = visrec("profile", shop, "--user", USER, "--json").json["interests"][0]["item_ids"]
    visrec("profile", shop, "--user", USER, "--remove-interest", 1)
    after = explain(visrec, shop, target)
    assert not {past["item_id"] for past in after["history"]} & set(removed)
    assert after["score"] != before["score"]
    line = next(
        line
        for line in visrec("recommend", shop, "--user", USER, "-k", 84, "--json").json["items"]
        if line["item_id"] == target
    )
    assert after["score"] == pytest.approx(line["score"], abs=1e-4)


def test_of_an_unknown_user_it_says_that_nothing_is_known(built, visrec, ranked):
    found = explain(visrec, built, ranked[0]["item_id"], "nobody")
    assert (found["model"], found["history"], found["evidence"]["strength"]) == ("popular", [], "none")
    assert found["sentence"]["en"].startswith("Nothing that you liked is known")
    assert found["base"] == found["score"]


def test_a_model_that_asks_nobodys_taste_says_so(shop, visrec, ranked):
    found = explain(visrec, shop, ranked[0]["item_id"], USER, "--model", "popular")
    assert found["history"] == []
    assert found["sentence"]["en"] == "This is not based on your taste: many people like it."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--user", USER, "--item", "no such item"], "There is no item 'no such item'"),
        (["--user", "", "--item", "x"], "Expected a user id"),
        (["--user", USER, "--item", "x", "--model", "ease"], "There is no trained model 'ease'"),
        (["--user", USER, "--item", "x", "--model", "nonsense"], "There is no recommender 'nonsense'"),
    ],
)
def test_wrong_input_is_one_clear_message(options, message, built, attempt):
    done = attempt("explain", built, *options)
    assert (done.code, done.out) == (1, "")
    assert message in done.err


def test_before_training_it_says_what_to_run(ingested, attempt):
    done = attempt("explain", ingested, "--user", USER, "--item", "x")
    assert done.code == 1
    assert "visrec train" in done.err
