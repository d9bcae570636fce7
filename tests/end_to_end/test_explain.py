"""Reasons from the command line: they add up, follow what users change, and are refused in plain words."""

from __future__ import annotations

import pytest
from PIL import Image

from visrec.core.list_options import ListOptions
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
    assert f"{first['history'][0]['contribution']:+9.3g}  {first['history'][0]['item_id']}" in text


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


@pytest.mark.parametrize("method", ["lime", "shap", "occlusion"])
def test_regions_say_where_in_the_picture_the_score_comes_from(built, visrec, ranked, method):
    options = ["--regions", method, "--samples", 60]
    [regions] = explain(visrec, built, ranked[0]["item_id"], USER, *options)["regions"]
    assert (regions["method"], regions["item_id"]) == (method, ranked[0]["item_id"])
    weights = [abs(region["weight"]) for region in regions["regions"]]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] > 0
    assert explain(visrec, built, ranked[0]["item_id"], USER, *options)["regions"] == [regions]
    told = visrec("explain", built, "--user", USER, "--item", ranked[0]["item_id"], *options).out
    assert f"{ranked[0]['item_id']}, {method}: " in told


def test_the_whole_picture_scores_as_the_item_does_when_it_is_new(shop, visrec, ranked, seen):
    visrec("train", shop, "--model", "visual-knn")
    target = next(line["item_id"] for line in visrec("recommend", shop, "--user", USER, "--json").json["items"])
    found = explain(visrec, shop, target, USER, "--regions", "shap", "--samples", 40)
    [regions] = found["regions"]
    # The neighbours compare looks alone, so that a new item of the same look has the same score.
    assert regions["score"] == pytest.approx(found["score"], abs=1e-5)
    assert regions["hidden"] < regions["score"]


def test_it_is_all_drawn_as_one_picture(shop, visrec, ranked, tmp_path):
    visrec("recognize", shop)
    whole, bare = tmp_path / "why.png", tmp_path / "bare.png"
    command = ["explain", shop, "--user", USER, "--item", ranked[0]["item_id"], "--samples", 40]
    assert f"Picture: {whole}" in visrec(*command, "--picture", whole).err
    done = visrec(*command, "--model", "popular", "--picture", bare)
    assert "Without regions: popular reads no embedded pictures" in done.err
    with Image.open(whole) as one, Image.open(bare) as other:
        assert one.size != other.size
        colours = [max(abs(r - g), abs(g - b)) for _, (r, g, b) in one.convert("RGB").getcolors(1 << 24)]
        assert max(colours) > 80


def test_two_alike_items_match_by_regions(built, visrec, ranked, tmp_path):
    first = ranked[0]["item_id"]
    other = visrec("similar", built, "--item", first, "-k", 1, "--json").item_ids[0]
    command = ["explain", built, "--item", first, "--similar-to", other, "--regions", "lime", "--samples", 40]
    found = visrec(*command, "--json").json
    assert [one["item_id"] for one in found["regions"]] == [first, other]
    assert all(one["score"] > one["hidden"] for one in found["regions"])
    visrec(*command, "--picture", tmp_path / "alike.png")
    with Image.open(tmp_path / "alike.png") as sheet:
        assert sheet.width > 1000


def test_an_item_without_a_picture_has_reasons_but_no_regions(shop, visrec, attempt, tmp_path):
    table = tmp_path / "new.csv"
    table.write_text("item_id,title,category\nbare,Nothing to see,lamp\n")
    visrec("ingest", shop, "--items", table)
    assert explain(visrec, shop, "bare")["sentence"]["en"]
    done = attempt("explain", shop, "--user", USER, "--item", "bare", "--regions", "lime")
    assert done.code == 1
    assert "no embedded picture" in done.err
    done = visrec("explain", shop, "--user", USER, "--item", "bare", "--picture", tmp_path / "bare.png")
    assert "Without regions: Item 'bare' has no embedded picture" in done.err


def test_a_picture_that_is_gone_or_of_another_encoder_is_said(shop, visrec, attempt, ranked, sample, tmp_path):
    command = ["explain", shop, "--user", USER, "--item", ranked[0]["item_id"], "--regions", "lime"]
    image = next(sample.images.glob(f"{ranked[0]['item_id']}.*"))
    image.rename(tmp_path / image.name)
    try:
        done = attempt(*command)
    finally:
        (tmp_path / image.name).rename(image)
    assert done.code == 1
    assert "cannot be used: missing file" in done.err


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
        (["--item", "x"], "Expected either --user ID or --similar-to ID"),
        (["--user", USER, "--similar-to", "y", "--item", "x"], "Expected either --user ID or --similar-to ID"),
        (["--user", USER, "--item", "FIRST", "--regions", "guess"], "no region method 'guess'"),
        (["--user", USER, "--item", "FIRST", "--regions", "lime", "--samples", "2"], "20 samples or more"),
        (["--user", USER, "--item", "FIRST", "--picture", "why.jpg"], "….png"),
        (["--user", USER, "--item", "FIRST", "--model", "popular", "--regions", "lime"], "popular reads no embedded"),
        (["--user", "nobody", "--item", "FIRST", "--regions", "lime"], "popular reads no embedded pictures"),
        (["--item", "FIRST", "--similar-to", "no such item"], "There is no item 'no such item'"),
    ],
)
def test_wrong_input_is_one_clear_message(options, message, built, attempt, items):
    options = [next(iter(items)) if option == "FIRST" else option for option in options]
    done = attempt("explain", built, *options)
    assert (done.code, done.out) == (1, "")
    assert message in done.err


def test_before_training_it_says_what_to_run(ingested, attempt):
    done = attempt("explain", ingested, "--user", USER, "--item", "x")
    assert done.code == 1
    assert "visrec train" in done.err


def test_an_answer_is_explained_without_scoring_again(shop, monkeypatch):
    opened = Workspace.open(shop)
    told, options = opened.explanations, ListOptions(5)
    users = ["customer-007", "nobody", "customer-011"]
    calls, model = [], type(opened.model())
    score = model.score
    monkeypatch.setattr(model, "score", lambda self, *asked: calls.append(asked) or score(self, *asked))
    for ranking, answer in told.recommend(users, options):
        before = len(calls)
        found = told.of(answer, ranking.item_ids[2:], n_past=3)
        assert len(calls) == before
        assert [why.score for why in found] == [line.score for line in ranking.items[2:]]
        assert found == told.reasons(str(ranking.user_id), ranking.item_ids[2:], n_past=3)
        assert ranking.items == opened.recommend(str(ranking.user_id), 5).items
    assert calls


def test_the_reasons_of_a_list_say_what_an_explanation_says(shop):
    opened = Workspace.open(shop)
    for user in ("customer-007", "customer-011", "customer-023"):
        ids = opened.recommend(user, 10).item_ids
        for short, item_id in zip(opened.explanations.reasons(user, ids, n_past=3), ids, strict=True):
            whole = opened.explanations.explain(user, item_id)
            assert short.sentence == whole.sentence
            assert [past.item_id for past in short.history[:3]] == [past.item_id for past in whole.history[:3]]
            assert short.attributes == whole.attributes
            assert len(short.history) <= 23
