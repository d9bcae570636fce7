"""What is seen in the pictures of the drawn shop, through the command line."""

from __future__ import annotations

import shutil

import pytest
from PIL import Image

from visrec.workspace.workspace import Workspace


@pytest.fixture(scope="module")
def looked_at(built, visrec, tmp_path_factory):
    shop = tmp_path_factory.mktemp("looked") / "shop"
    shutil.copytree(built, shop)
    return shop, visrec("recognize", shop, "--json").json


def test_every_picture_is_seen_once(looked_at, visrec):
    shop, first = looked_at
    assert (first["new"], first["known"], first["failures"]) == (84, 0, [])
    assert sum(first["attributes"]["colour"].values()) == 84
    printed = visrec("recognize", shop).out
    assert printed.startswith("0 images recognized, 84 were already")
    assert "  colour: " in printed


def test_filters_and_attributes_agree(looked_at, visrec):
    shop, first = looked_at
    colour, count = next(iter(first["attributes"]["colour"].items()))
    found = visrec("attributes", shop, "--where", f"seen_colour = '{colour}'", "--json").out.splitlines()
    assert len(found) == count
    assert all(f'"name": "colour", "value": "{colour}"' in line for line in found)
    ranked = visrec("recommend", shop, "--user", "customer-007", "--where", f"seen_colour = '{colour}'", "--json")
    assert ranked.item_ids
    assert all(any(f'"item_id": "{item_id}"' in line for line in found) for item_id in ranked.item_ids)


def test_one_item_and_a_sheet(looked_at, visrec, tmp_path):
    shop, _ = looked_at
    sheet = tmp_path / "seen.png"
    lines = visrec("attributes", shop, "-k", "6", "--sheet", sheet).out.splitlines()
    assert len(lines) == 6
    assert all("colour " in line for line in lines)
    with Image.open(sheet) as drawn:
        assert drawn.width > 500
    item_id = lines[0].split()[0]
    assert visrec("attributes", shop, "--item", item_id).out == f"{lines[0]}\n"


def test_duplicates_are_listed(looked_at, visrec, tmp_path):
    shop, _ = looked_at
    copy = tmp_path / "copies"
    copy.mkdir()
    first = next(iter(Workspace.open(shop).catalogue.images().to_pylist()))
    for suffix in ("same", "small"):
        with Image.open(first["path"]) as picture:
            size = picture.size if suffix == "same" else (picture.width // 2, picture.height // 2)
            picture.convert("RGB").resize(size).save(copy / f"copy-{suffix}.png")
    shutil.copyfile(copy / "copy-same.png", copy / "copy-again.png")
    items = tmp_path / "items.csv"
    items.write_text("item_id\ncopy-same\ncopy-small\ncopy-again\n", encoding="utf-8")
    # Two files, for two of the three are the same.
    assert "2 images recognized" in visrec("ingest", shop, "--items", items, "--images", copy).out
    sheet = tmp_path / "copies.png"
    groups = visrec("duplicates", shop, "--json", "--sheet", sheet).json["groups"]
    (found,) = [group for group in groups if "copy-same" in group["item_ids"]]
    assert {first["item_id"], "copy-same", "copy-small", "copy-again"} <= set(found["item_ids"])
    assert found["same_file"] is False
    assert sheet.stat().st_size > 1000
    assert "pictures that several items show." in visrec("duplicates", shop).out


def test_before_recognition_the_error_says_what_to_do(built, attempt):
    wrong = attempt("recommend", built, "--user", "customer-007", "--where", "seen_colour = 'red'")
    assert (wrong.code, wrong.out) == (1, "")
    assert "visrec recognize" in wrong.err
    unknown = attempt("attributes", built, "--item", "nothing")
    assert unknown.code == 1
    assert "no item 'nothing'" in unknown.err
