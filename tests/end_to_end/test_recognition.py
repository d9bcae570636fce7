"""What is seen in the pictures of the drawn shop, through the command line."""

from __future__ import annotations

import shutil

import pytest
from PIL import Image


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


def test_before_recognition_the_error_says_what_to_do(built, attempt):
    wrong = attempt("recommend", built, "--user", "customer-007", "--where", "seen_colour = 'red'")
    assert (wrong.code, wrong.out) == (1, "")
    assert "visrec recognize" in wrong.err
    unknown = attempt("attributes", built, "--item", "nothing")
    assert unknown.code == 1
    assert "no item 'nothing'" in unknown.err
