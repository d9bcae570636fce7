from __future__ import annotations

import csv
from functools import partial
from unittest import mock

import numpy as np
import pytest
from PIL import Image, ImageDraw

from visrec.core.errors import FilterError, InputError, NotFittedError, NotFoundError
from visrec.encoders.pipeline import encode_images
from visrec.recognition import appearance
from visrec.recognition.appearance import Appearance
from visrec.workspace.workspace import Workspace

COLOURS = {"a": (25, 35, 80), "b": (190, 25, 35), "c": (25, 35, 80), "d": (90, 60, 40)}


def draw(path, colour):
    picture = Image.new("RGB", (60, 80), (240, 239, 236))
    ImageDraw.Draw(picture).rectangle((15, 15, 44, 64), fill=colour)
    picture.save(path)


def flowers(seed):
    """Blots of several colours, anywhere."""
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", (180, 240), (225, 205, 180))
    pen = ImageDraw.Draw(picture)
    for x, y, reach in rng.uniform([0, 0, 8], [180, 240, 40], (25, 3)):
        pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=tuple(rng.integers(0, 256, 3).tolist()))
    return picture


def items_file(folder, header, rows):
    path = folder / "items.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture
def files(tmp_path):
    (tmp_path / "images").mkdir()
    for item_id, colour in COLOURS.items():
        draw(tmp_path / "images" / f"{item_id}.png", colour)
    return tmp_path


@pytest.fixture
def shop(files):
    shop = Workspace.create(files / "shop")
    shop.ingest(
        items=items_file(files, ["item_id", "price"], [["a", 1], ["b", 2], ["no picture", 3], ["c", 4], ["d", 5]]),
        images=files / "images",
    )
    return shop


def test_a_picture_is_looked_at_once(shop, files):
    assert (shop.attributes.recognize().n_new, shop.attributes.recognize().n_new) == (3, 0)  # a and c look the same
    draw(files / "images" / "e.png", (30, 120, 60))
    shop.ingest(items=items_file(files, ["item_id", "price"], [["e", 6]]), images=files / "images")
    report = shop.attributes.recognize_new()
    assert (report.n_new, report.n_known) == (1, 3)
    assert shop.attributes.of(["e"])["e"][0].value == "green"


def test_what_was_never_recognized_is_not_recognized_on_the_way(shop):
    assert shop.attributes.recognize_new() is None
    assert shop.attributes.columns() == {}
    assert shop.attributes.of(["a"]) == {"a": []}
    assert shop.attributes.block().matrix.shape == (5, 0)


def test_an_interrupted_run_goes_on(shop):
    seen = []
    measure = Appearance.preprocess

    def stop_at_the_third(self, image):
        seen.append(image)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return measure(self, image)

    one_by_one = partial(encode_images, batch_size=1, workers=1)
    with (
        mock.patch.object(Appearance, "preprocess", stop_at_the_third),
        mock.patch("visrec.workspace.encode.encode_images", one_by_one),
        pytest.raises(KeyboardInterrupt),
    ):
        shop.attributes.recognize()
    with mock.patch.object(Appearance, "preprocess", autospec=True, side_effect=measure) as again:
        shop.attributes.recognize()
    assert again.call_count == 1
    assert shop.attributes.of(["d"])["d"][0].value == "brown"


def test_attributes_of_items(shop):
    shop.attributes.recognize()
    found = shop.attributes.of(["b", "no picture"])
    assert found["no picture"] == []
    assert [(a.name, a.value) for a in found["b"][:2]] == [("colour", "red"), ("colours", "red")]
    assert found["b"][1].amount == pytest.approx(1.0, abs=0.1)
    with pytest.raises(NotFoundError, match="no item 'nobody'"):
        shop.attributes.of(["a", "nobody"])


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("colour = 'navy'", ["a", "c"]),
        ("colour = 'navy' and price > 2", ["c"]),
        ("seen_colour = 'red' or price = 5", ["b", "d"]),
        ("array_has(colours, 'brown')", ["d"]),
        ("colour is null", ["no picture"]),
        ("colour_confidence > 0.1 and colour_amount > 0.1", ["a", "b", "c", "d"]),
        ("colour_confidence > 1", []),
        ("price < 2", ["a"]),
    ],
)
def test_filters(shop, where, ids):
    shop.attributes.recognize()
    assert shop.attributes.matching(where) == ids


def test_the_shops_own_column_of_the_same_name_is_meant(shop, files):
    rows = [["a", "Dark Blue"], ["b", "Red"], ["c", None], ["d", "red"]]
    shop.ingest(items=items_file(files, ["item_id", "colour"], rows))
    shop.attributes.recognize()
    assert shop.attributes.matching("colour = 'Dark Blue'") == ["a"]
    assert shop.attributes.matching("colour = 'Dark Blue' and seen_colour = 'navy'") == ["a"]
    assert shop.attributes.matching("seen_colour = 'navy'") == ["a", "c"]


def test_a_filter_by_what_was_not_seen_yet_says_what_to_do(shop):
    with pytest.raises(FilterError, match="visrec recognize"):
        shop.attributes.matching("colour = 'navy'")
    shop.attributes.recognize()
    with pytest.raises(FilterError, match="No field named shade.*colour"):
        shop.attributes.matching("shade = 'navy' and colour = 'red'")


def test_an_attribute_named_in_a_text_is_no_column(shop):
    with mock.patch.object(type(shop.attributes), "columns") as columns:
        assert shop.attributes.matching("item_id = 'colour'") == []
    columns.assert_not_called()


def test_as_features(shop):
    shop.attributes.recognize()
    block = shop.attributes.block()
    assert block.present.tolist() == [True, True, False, True, True]
    navy, red = (block.labels.index(f"colour={name}") for name in ("navy", "red"))
    assert (block.matrix[:, navy] > 0.5).tolist() == [True, False, False, True, False]
    assert (block.matrix[:, red] > 0.5).tolist() == [False, True, False, False, False]
    assert block.matrix.shape[1] == len(block.labels)
    some = shop.attributes.block(["pattern"])
    assert {label.split("=")[0] for label in some.labels} == {"pattern"}


def test_words_come_anew_when_the_catalogue_changes(shop):
    shop.attributes.recognize()
    columns = shop.attributes.columns()
    assert shop.attributes.columns() is columns
    shop.remove_item("a")
    assert [a.value for a in shop.attributes.of(["b"])["b"]][0] == "red"
    assert shop.attributes.columns() is not columns


def test_many_items_at_once_or_few_are_the_same(shop):
    shop.attributes.recognize()
    whole = shop.attributes.columns()
    with mock.patch("visrec.workspace.attributes._AT_ONCE", 2):
        parts = Workspace.open(shop.root).attributes.columns()
    for name, column in whole.items():
        for array in ("row", "label", "confidence", "amount"):
            np.testing.assert_array_equal(getattr(parts[name], array), getattr(column, array))


def test_selected(shop):
    shop.attributes.recognize()
    assert shop.attributes.selected(k=2) == ["a", "d"]
    assert shop.attributes.selected(where="colour = 'navy'") == ["a", "c"]
    assert shop.attributes.selected(["c", "b"], where="price > 1", k=5) == ["c", "b"]
    assert shop.attributes.selected(where="price > 100", k=5) == []
    with pytest.raises(InputError):
        shop.attributes.selected(k=0)


def test_measurements_of_an_older_version_go_when_there_are_new_ones(shop):
    shop.attributes.recognize()
    with mock.patch.object(appearance, "_VERSION", appearance._VERSION + 1):
        newer = Workspace.open(shop.root)
        assert "colour" not in newer.attributes.columns()
        assert newer.attributes.recognize().n_new == 3
    assert [s.encoder_id for s in newer.catalogue.measurements.sets()] == ["appearance", "objects"]


def test_a_picture_that_is_gone_is_named(shop, files):
    (files / "images" / "b.png").unlink()
    report = shop.attributes.recognize()
    assert report.failures == (("b", "missing file"),)
    assert "b: missing file" in report.summary()
    assert shop.attributes.of(["b"]) == {"b": []}


def test_a_shop_without_pictures(tmp_path):
    shop = Workspace.create(tmp_path / "shop")
    shop.ingest(items=items_file(tmp_path, ["item_id", "price"], [["a", 1]]))
    assert "no pictures" in shop.attributes.recognize().summary()
    assert shop.attributes.of(["a"]) == {"a": []}


def test_items_that_show_one_picture(shop, files):
    picture = flowers(1)
    picture.save(files / "images" / "whole.png")
    picture.resize((90, 120)).save(files / "images" / "small.png")
    flowers(2).save(files / "images" / "other.png")
    rows = [["whole", 7], ["other", 8], ["small", 9]]
    shop.ingest(items=items_file(files, ["item_id", "price"], rows), images=files / "images")
    with pytest.raises(NotFittedError, match="visrec recognize"):
        shop.attributes.duplicates()
    shop.attributes.recognize()
    groups = shop.attributes.duplicates()
    # a and c are one file; whole and small are one picture.
    assert [(group.item_ids, group.same_file) for group in groups] == [(("a", "c"), True), (("whole", "small"), False)]
    assert groups[0].similarity == 1.0
    assert 0.75 <= groups[1].similarity < 1.0
    assert groups[1].to_json()["item_ids"] == ["whole", "small"]
