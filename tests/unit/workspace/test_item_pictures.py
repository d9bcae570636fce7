"""The catalogue's pictures as pixels."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from visrec.core.errors import InputError
from visrec.core.ids import IdMap
from visrec.core.settings import ImageLimits
from visrec.encoders import pipeline
from visrec.encoders.framing import Framing
from visrec.images.decode import decode
from visrec.sample.products import Look, draw_product
from visrec.workspace.item_pictures import ItemPictures, PictureFiles
from visrec.workspace.workspace import Workspace


def saved(image: Image.Image, file: Path) -> tuple[str, str]:
    image.save(file)
    return hashlib.sha256(file.read_bytes()).hexdigest(), str(file)


@pytest.fixture
def shop(tmp_path: Path) -> list[tuple[str, str]]:
    """(key, path) of a red, a green and a blue picture."""
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    return [saved(Image.new("RGB", (12, 20), c), tmp_path / f"{n}.png") for n, c in enumerate(colours)]


def of(shop):
    keys, paths = zip(*shop, strict=True)
    return ItemPictures(PictureFiles(keys, paths))


def test_the_middle_square_is_scaled_as_encoders_do(tmp_path):
    product, _ = draw_product(Look("vase", "globe", "ember", "dots"), np.random.default_rng(1))
    wide = Image.new("RGB", (product.width + 60, product.height), "white")
    wide.paste(product, (30, 0))
    key, path = saved(wide, tmp_path / "vase.jpg")
    pixels = ItemPictures(PictureFiles([key], [path])).load(np.array([0]), 32)
    assert pixels.shape == (1, 32, 32, 3)
    assert pixels.dtype == np.uint8
    expected = Framing(32).apply(decode(Path(path).read_bytes(), ImageLimits(), at_least=32))
    np.testing.assert_array_equal(pixels[0], expected)
    # Nothing of the white rims is left: it is the drawn product, scaled.
    close = np.asarray(product.resize((32, 32), Image.Resampling.BICUBIC)).astype(float)
    assert np.abs(pixels[0] - close).mean() < 4


def test_rows_come_in_the_order_asked_for_and_may_repeat(shop):
    pixels = of(shop).load(np.array([2, 0, 2]), 4)
    assert pixels[:, 1, 1].tolist() == [[0, 0, 255], [255, 0, 0], [0, 0, 255]]
    assert of(shop).load(np.array([], np.int64), 4).shape == (0, 4, 4, 3)


def test_more_than_a_batch_of_a_thread(shop):
    rows = np.random.default_rng(0).integers(0, 3, size=200)
    pixels = of(shop).load(rows, 2)
    assert (pixels[:, 0, 0].argmax(axis=1) == rows).all()


def test_taken_rows_are_those_pictures(shop):
    pictures = of(shop)
    some = pictures.take(np.array([2, 1]))
    assert list(some.keys) == [shop[2][0], shop[1][0]]
    np.testing.assert_array_equal(some.load(np.array([0, 1]), 4), pictures.load(np.array([2, 1]), 4))


def test_what_cannot_be_read_is_black_and_counted(shop, tmp_path):
    (tmp_path / "1.png").unlink()
    Image.new("RGB", (9, 9), "white").save(tmp_path / "2.png")
    broken = tmp_path / "broken.png"
    broken.write_bytes((tmp_path / "0.png").read_bytes()[:40])
    damaged = (hashlib.sha256(broken.read_bytes()).hexdigest(), str(broken))
    pictures = of([*shop, damaged, ("", "")])
    pixels = pictures.load(np.arange(5), 8)
    assert pixels[0, 0, 0].tolist() == [255, 0, 0]
    assert (pixels[1:] == 0).all()
    reasons = {Path(path).name: reason for path, reason in pictures.unreadable.items()}
    # The last item never had a picture.
    assert set(reasons) == {"1.png", "2.png", "broken.png"}
    assert reasons["1.png"].startswith("missing file")
    assert reasons["2.png"].startswith("changed since it was ingested")
    assert reasons["broken.png"].startswith("damaged")


def test_a_picture_beyond_the_limits_is_not_read(shop):
    keys, paths = zip(*shop, strict=True)
    pictures = ItemPictures(PictureFiles(keys, paths, ImageLimits(max_pixels=100)))
    assert (pictures.load(np.arange(3), 4) == 0).all()
    assert all(reason.startswith("too many pixels") for reason in pictures.unreadable.values())
    assert len(pictures.unreadable) == 3


def test_the_first_of_an_items_pictures_is_taken():
    images = pa.table(
        {
            "item_id": ["b", "a", "b", "gone"],
            "position": [1, 0, 0, 0],
            "sha256": ["k1", "k2", "k3", "k4"],
            "path": ["1", "2", "3", "4"],
        }
    )
    pictures = ItemPictures.of(IdMap(["a", "none", "b"]), images)
    assert list(pictures.keys) == ["k2", "", "k3"]


def test_a_row_of_minus_one_is_an_item_without_a_picture(shop):
    pictures = of(shop).take(np.array([0, 1, 2, -1, -1]))
    assert list(pictures.keys) == [*of(shop).keys, "", ""]
    pixels = pictures.load(np.array([4, 1, 3]), 4)
    assert pixels[:, 0, 0].tolist() == [[0, 0, 0], [0, 255, 0], [0, 0, 0]]
    some = pictures.take(np.array([3, 2]))
    assert list(some.keys) == ["", shop[2][0]]
    assert some.load(np.array([1, 0]), 4)[:, 0, 0].tolist() == [[0, 0, 255], [0, 0, 0]]
    nobody = ItemPictures(PictureFiles([], []))
    assert list(nobody.take(np.array([-1])).keys) == [""]
    assert (nobody.take(np.array([-1])).load(np.array([0]), 4) == 0).all()


def test_each_file_is_read_once_a_size_by_all_who_share_it(shop, monkeypatch):
    reads = []
    original = pipeline.read_picture
    monkeypatch.setattr(
        pipeline, "read_picture", lambda path, limits: reads.append(path.name) or original(path, limits)
    )
    pictures = of(shop)
    pictures.take(np.array([1, 1, 2])).load(np.array([0, 1, 0]), 4)
    assert reads == ["1.png"]
    pictures.load(np.arange(3), 4)
    assert sorted(reads) == ["0.png", "1.png", "2.png"]
    pictures.load(np.arange(3), 5)
    assert sorted(reads[3:]) == ["0.png", "1.png", "2.png"]


def test_what_is_handed_out_is_the_callers_own(shop):
    pictures = of(shop)
    pictures.load(np.array([0]), 4)[:] = 7
    assert pictures.load(np.array([0]), 4)[0, 0, 0].tolist() == [255, 0, 0]


def test_wrong_arguments_are_refused(shop):
    with pytest.raises(InputError, match="1 or more pixels, got 0"):
        of(shop).load(np.array([0]), 0)
    with pytest.raises(InputError, match="a path a key"):
        PictureFiles(["k"], [])


def test_a_workspace_hands_them_out(tmp_path):
    (tmp_path / "images").mkdir()
    for name, colour in (("red", (250, 10, 10)), ("blue", (10, 10, 250))):
        Image.new("RGB", (16, 16), colour).save(tmp_path / "images" / f"{name}.png")
    (tmp_path / "items.csv").write_text("item_id,title\nred,Red one\nbare,\nblue,\n")
    shop = Workspace.create(tmp_path / "shop")
    shop.ingest(items=tmp_path / "items.csv")
    assert shop.item_features().pictures is None
    shop.ingest(items=tmp_path / "items.csv", images=tmp_path / "images")
    pictures = shop.item_features().pictures
    assert [bool(key) for key in pictures.keys] == [True, False, True]
    assert pictures.load(np.arange(3), 2)[:, 0, 0].tolist() == [[250, 10, 10], [0, 0, 0], [10, 10, 250]]
    assert shop.item_features("", "").pictures is pictures
    (tmp_path / "images" / "red.png").unlink()
    pictures.load(np.arange(3), 4)
    assert [Path(path).name for path in shop.unreadable_pictures()] == ["red.png"]
