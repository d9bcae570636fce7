from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from visrec.core.errors import (
    FilterError,
    InputError,
    NotFittedError,
    NotFoundError,
    WorkspaceError,
)
from visrec.workspace.workspace import Workspace

#: Warm and cold colours; the shade differs, so that no two pictures are the same.
N = 12


def colour(item_id):
    number = int(item_id[1:])
    return (200 + number, 60 - number, 30) if item_id[0] == "w" else (30, 60 + number, 200 - number)


def write_items(folder, item_ids, pictured):
    (folder / "images").mkdir(exist_ok=True)
    for item_id in pictured:
        Image.new("RGB", (32, 32), colour(item_id)).save(folder / "images" / f"{item_id}.png")
    with (folder / "items.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["item_id", "price"], *([item_id, 1] for item_id in item_ids)])
    return {"items": folder / "items.csv", "images": folder / "images"}


IDS = [f"{kind}{number}" for number in range(N) for kind in "wc"]
EXAMPLES = {item_id: "warm" if item_id[0] == "w" else "cold" for item_id in IDS[:8]}


@pytest.fixture(scope="module")
def encoded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labels")
    shop = Workspace.create(folder / "shop")
    shop.ingest(**write_items(folder, [*IDS, "bare"], IDS))
    shop.encode("colour-histogram")
    return folder / "shop"


@pytest.fixture
def shop(encoded, tmp_path):
    shutil.copytree(encoded, tmp_path / "shop")
    return Workspace.open(tmp_path / "shop")


def value_of(shop, item_id):
    found = {one.name: one for one in shop.attributes.of([item_id])[item_id]}
    return found["warmth"]


def test_every_item_with_a_picture_gets_a_value(shop):
    report = shop.labels.learn("warmth", EXAMPLES)
    assert report.examples == {"warm": 4, "cold": 4}
    assert (report.n_new, report.n_changed, report.problems) == (8, 0, ())
    assert report.proposals == {"warm": N - 4, "cold": N - 4}
    assert report.judged["accuracy"] == 1.0
    assert report.judged["majority"] == 0.5
    assert value_of(shop, "w0").to_json() == {"name": "warmth", "value": "warm", "confidence": 1.0}
    proposed = value_of(shop, "c11")
    assert proposed.value == "cold"
    assert 0.5 < proposed.confidence < 1.0
    assert shop.attributes.of(["bare"])["bare"] == []


def test_it_is_used_like_a_recognised_attribute(shop):
    shop.labels.learn("warmth", EXAMPLES)
    cold = [item_id for item_id in IDS if item_id[0] == "c"]
    assert shop.attributes.matching("warmth = 'cold'") == cold
    assert shop.attributes.matching("seen_warmth = 'cold' and warmth_confidence = 1") == cold[:4]
    assert shop.attributes.matching("warmth is null") == ["bare"]
    with pytest.raises(FilterError, match="visrec recognize"):
        shop.attributes.matching("warmth = 'cold' and pattern = 'plain'")
    block = shop.attributes.block()
    assert block.labels == ("warmth=cold", "warmth=warm")
    assert block.matrix[:2].tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert not block.present[-1]
    assert list(shop.attributes.columns()) == ["warmth"]
    assert shop.attributes.columns() is shop.attributes.columns()


def test_what_was_learned_is_there_in_another_process(shop):
    shop.labels.learn("warmth", EXAMPLES)
    column = shop.labels.columns()["warmth"]
    again = Workspace.open(shop.root)
    assert again.labels.names() == ["warmth"]
    np.testing.assert_array_equal(again.labels.columns()["warmth"].confidence, column.confidence)


def test_a_change_in_another_process_is_seen(shop):
    shop.labels.learn("warmth", EXAMPLES)
    assert value_of(shop, "w10").value == "warm"
    Workspace.open(shop.root).labels.learn("warmth", {"w10": "cold"})
    assert value_of(shop, "w10").to_json()["confidence"] == 1.0
    assert value_of(shop, "w10").value == "cold"


def test_more_examples_join_and_correct_the_earlier_ones(shop):
    shop.labels.learn("warmth", EXAMPLES)
    report = shop.labels.learn("warmth", {"w0": "cold", "w9": "warm", "c1": "cold"})
    assert (report.n_new, report.n_changed) == (1, 1)
    assert shop.labels.examples("warmth") == {**EXAMPLES, "w0": "cold", "w9": "warm"}
    assert value_of(shop, "w0").value == "cold"


def test_forgetting(shop):
    shop.labels.learn("warmth", EXAMPLES)
    shop.labels.forget("warmth")
    assert shop.labels.names() == []
    assert shop.attributes.columns() == {}
    with pytest.raises(NotFoundError, match="no labels 'warmth'.*none yet"):
        shop.labels.report("warmth")
    with pytest.raises(NotFoundError):
        shop.labels.forget("warmth")
    with pytest.raises(FilterError, match="No field named warmth"):
        shop.attributes.matching("warmth = 'cold'")
    assert shop.labels.learn("warmth", EXAMPLES).n_new == 8


def test_a_new_item_gets_its_proposal_whatever_encoder_is_in_use(shop, tmp_path):
    shop.labels.learn("warmth", EXAMPLES)
    used = shop.settings.image_features
    assert "attribute warmth" in shop.feature_sets.users()[used]
    shop.encode("efficientnet-lite0")
    shop.ingest(**write_items(tmp_path, ["w20", "c20"], ["w20", "c20"]))
    shop.encode_new()
    assert [value_of(shop, item_id).value for item_id in ("w20", "c20")] == ["warm", "cold"]
    assert shop.labels.learn("warmth", {"w1": "warm"}, encoder="colour-histogram").encoder == "colour-histogram"
    assert shop.labels.learn("warmth", {"w1": "warm"}).encoder == "efficientnet-lite0"


def test_an_item_that_is_gone_is_no_example_any_more(shop):
    shop.labels.learn("warmth", EXAMPLES)
    shop.remove_item("w0")
    assert value_of(shop, "w1").value == "warm"
    assert sum(shop.labels.report("warmth").proposals.values()) == 2 * N - 8
    assert shop.labels.learn("warmth", {"w9": "warm"}).judged["accuracy"] == 1.0


def test_what_to_label_next(shop):
    shop.labels.learn("warmth", EXAMPLES)
    proposed = shop.labels.next("warmth", 5)
    assert len(proposed) == 5
    assert not set(proposed) & {*EXAMPLES, "bare"}
    assert next(iter(proposed.values())) == value_of(shop, next(iter(proposed)))
    assert len(shop.labels.next("warmth", 100)) == 2 * N - 8
    shop.labels.learn("warmth", {item_id: "warm" if item_id[0] == "w" else "cold" for item_id in IDS})
    assert shop.labels.next("warmth") == {}
    with pytest.raises(InputError):
        shop.labels.next("warmth", 0)
    with pytest.raises(NotFoundError):
        shop.labels.next("nothing")


def test_rows_that_cannot_be_used_are_counted_and_named(shop, tmp_path):
    file = tmp_path / "examples.csv"
    rows = [[item_id, f" {value} "] for item_id, value in EXAMPLES.items()]
    extra = [["nobody", "warm"], ["bare", "warm"], ["w9", ""], ["", "cold"], ["w0", "cold"], ["w0", ""]]
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([["item_id", "value"], *rows, *extra])
    report = shop.labels.learn("warmth", file)
    assert report.examples == {"cold": 5, "warm": 3}
    assert report.totals == {
        "no item_id": 1,
        "unknown item_id": 1,
        "the item has no encoded picture": 1,
        "no value": 2,
        "item_id repeated further down, where the last row counts": 1,
    }
    named = {problem["reason"]: (problem["line"], problem["subject"]) for problem in report.problems}
    assert named["unknown item_id"] == (10, "item_id 'nobody', value 'warm'")
    assert "not used, 1 x unknown item_id: item_id 'nobody', value 'warm'" in report.summary()
    assert json.dumps(report.to_json())


def test_json_lines_with_values_that_are_no_text(shop, tmp_path):
    file = tmp_path / "examples.jsonl"
    lines = [json.dumps({"item_id": item_id, "value": int(value == "warm")}) for item_id, value in EXAMPLES.items()]
    file.write_text("\n".join(lines) + "\n")
    assert shop.labels.learn("warmth", file).examples == {"1": 4, "0": 4}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("price", "column of the catalogue"),
        ("Item_ID", "column of the catalogue"),
        ("colour", "visrec recognize tells"),
        ("seen_it", "meaning of its own"),
        ("warmth_confidence", "meaning of its own"),
        ("Not", "meaning of its own"),
        ("two words", "letters, digits"),
        ("1st", "letters, digits"),
        ("", "letters, digits"),
        ("../models", "letters, digits"),
        ("w" * 61, "letters, digits"),
    ],
)
def test_names_that_cannot_be_had(shop, name, message):
    with pytest.raises(InputError, match=message):
        shop.labels.learn(name, EXAMPLES)
    assert not (shop.root / "labels").exists()


@pytest.mark.parametrize(
    "examples",
    [{}, {"w0": "warm"}, {"w0": "warm", "c0": "cold"}, {"w0": "warm", "w1": "warm"}, {"nobody": "a", "bare": "b"}],
)
def test_too_few_examples_change_nothing(shop, examples):
    with pytest.raises(InputError, match=r"Expected 2 values or more with 2 examples.*Nothing was changed"):
        shop.labels.learn("warmth", examples)
    assert shop.labels.names() == []
    shop.labels.learn("warmth", EXAMPLES)
    before = shop.labels.examples("warmth")
    with pytest.raises(InputError, match="'lukewarm': 1"):
        shop.labels.learn("warmth", {"w0": "lukewarm"})
    assert Workspace.open(shop.root).labels.examples("warmth") == before


def test_before_encode_and_with_an_unknown_encoder(shop, tmp_path):
    bare = Workspace.create(tmp_path / "bare")
    with pytest.raises(NotFittedError, match="visrec encode"):
        bare.labels.learn("warmth", EXAMPLES)
    with pytest.raises(NotFoundError, match="visrec encode .* --encoder clip-vit-b16"):
        shop.labels.learn("warmth", EXAMPLES, encoder="clip-vit-b16")
    with pytest.raises(InputError, match="no such file"):
        shop.labels.learn("warmth", tmp_path / "absent.csv")


def test_two_at_once_exclude_each_other(shop):
    from visrec.workspace.label_store import LabelStore

    shop.labels.learn("warmth", EXAMPLES)
    with LabelStore(shop.root).writing("warmth"), pytest.raises(WorkspaceError, match="another process"):
        shop.labels.learn("warmth", {"w0": "cold"})
    assert shop.labels.examples("warmth") == EXAMPLES


def test_damaged_files_are_an_error_that_says_so(shop):
    shop.labels.learn("warmth", EXAMPLES)
    version = (shop.root / "labels" / "warmth" / "current").read_text()
    (shop.root / "labels" / "warmth" / version / "weight.npy").write_bytes(b"nothing")
    with pytest.raises(WorkspaceError, match="damaged"):
        Workspace.open(shop.root).labels.columns()
