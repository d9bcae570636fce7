"""Attributes of a shop's own, taught on the drawn shop through the command line."""

from __future__ import annotations

import csv

import pytest
from PIL import Image

from onnx_pair import write_pair


@pytest.fixture
def examples(items, tmp_path):
    """The palette's colour of every third item, as people would have said it."""
    shades = {row["colour"] for row in items.values()}
    chosen = sorted(shades, key=lambda shade: -sum(row["colour"] == shade for row in items.values()))[:3]
    said = [(item_id, row["colour"]) for item_id, row in items.items() if row["colour"] in chosen]
    file = tmp_path / "examples.csv"
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([("item_id", "value"), *said[::2], ("nobody", chosen[0])])
    return file, dict(said[::2]), dict(said[1::2])


def test_taught_used_asked_and_forgotten(shop, visrec, attempt, examples, tmp_path):
    file, given, hidden = examples
    done = visrec("label", shop, "--attribute", "shade", "--examples", file, "--json").json
    assert sum(done["examples"].values()) == done["n_new"] == len(given)
    assert sum(done["proposals"].values()) == 84 - len(given)
    assert done["totals"] == {"unknown item_id": 1}
    assert done["judged"]["low"] < done["judged"]["accuracy"] < done["judged"]["high"]
    value = max(done["examples"], key=done["examples"].get)
    told = visrec("attributes", shop, "--where", f"shade = '{value}' and shade_confidence = 1").out.splitlines()
    assert len(told) == done["examples"][value]
    assert all(f"shade {value}" in line for line in told)
    ranked = visrec("recommend", shop, "--user", "customer-007", "--where", f"shade = '{value}'", "--json")
    assert ranked.item_ids
    assert visrec("profile", shop, "--user", "customer-007").out

    sheet = tmp_path / "next.png"
    printed = visrec("label", shop, "--attribute", "shade", "--next", "4", "--sheet", sheet)
    lines = printed.out.splitlines()
    assert lines[0].startswith(f"shade: {len(given)} examples")
    assert "cross-validated accuracy" in lines[1]
    assert all("? 0." in line and line.split()[0] not in given for line in lines[-4:])
    with Image.open(sheet) as drawn:
        assert drawn.width > 500
    asked = visrec("label", shop, "--attribute", "shade", "--next", "4", "--json").json["next"]
    assert [one["item_id"] for one in asked] == [line.split()[0] for line in lines[-4:]]

    visrec("label", shop, "--attribute", "shade", "--forget")
    gone = attempt("attributes", shop, "--where", "shade = 'x'")
    assert (gone.code, "No field named shade" in gone.err) == (1, True)


def test_words_of_tastes_know_it(shop, visrec, items, seen, tmp_path):
    user = "customer-007"
    file = tmp_path / "all.csv"
    with file.open("w", newline="") as stream:
        rows = [(item_id, "dear" if item_id in seen[user] else "other") for item_id in items]
        csv.writer(stream).writerows([("item_id", "value"), *rows])
    visrec("label", shop, "--attribute", "value_to_them", "--examples", file)
    assert "dear (" in visrec("profile", shop, "--user", user).out.splitlines()[1]


def test_told_by_name_and_searched_by_text(shop, visrec, attempt, tmp_path):
    without = attempt("query", shop, "--text", "a red thing")
    assert without.code == 1
    assert "embeds pictures only" in without.err
    visrec("encode", shop, "--encoder", f"onnx:{write_pair(tmp_path / 'pair')}")
    told = visrec("label", shop, "--attribute", "hue", "--values", "red, green, blue", "--json").json
    assert sum(told["proposals"].values()) == 84
    ranked = visrec("query", shop, "--text", "a red thing", "-k", "5", "--where", "hue = 'red'", "--json")
    assert len(ranked.item_ids) == 5
    assert visrec("query", shop, "--text", "a red thing", "-k", "5").out.startswith("For 'a red thing'")
    both = attempt("query", shop, "--text", "red", "--like", ranked.item_ids[0])
    assert (both.code, "got both" in both.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--attribute", "shade"], "no labels 'shade'"),
        (["--attribute", "price", "--examples", "FILE"], "column of the catalogue"),
        (["--attribute", "shade", "--examples", "absent.csv"], "no such file"),
        (["--attribute", "shade", "--examples", "FILE", "--encoder", "clip-vit-b16"], "visrec encode"),
        (["--attribute", "shade", "--forget", "--next", "3"], "--forget goes without"),
        (["--attribute", "shade", "--sheet", "x.png"], "--next"),
        (["--attribute", "shade", "--values", "a, b"], "embeds pictures only"),
        (["--attribute", "shade", "--values", "a, b", "--examples", "FILE"], "got both"),
        (["--attribute", "shade", "--forget"], "no labels 'shade'"),
    ],
)
def test_mistakes_are_named(built, attempt, examples, arguments, message):
    file = str(examples[0])
    wrong = attempt("label", built, *[file if argument == "FILE" else argument for argument in arguments])
    assert (wrong.code, wrong.out) == (1, "")
    assert message in wrong.err
    assert not (built / "labels" / "shade").exists()


def test_before_encode(ingested, attempt, examples):
    wrong = attempt("label", ingested, "--attribute", "shade", "--examples", examples[0])
    assert wrong.code == 1
    assert "visrec encode" in wrong.err
