"""Thumbnails, of drawn pictures."""

from __future__ import annotations

import hashlib
import io

import pytest
from PIL import Image

from visrec.core.errors import InputError, NotFoundError
from visrec.core.settings import ImageLimits
from visrec.server.served_shop import Picture
from visrec.server.thumbnails import Thumbnails


@pytest.fixture
def picture(tmp_path):
    file = tmp_path / "tall.png"
    Image.new("RGB", (500, 1000), "navy").save(file)
    return Picture(file, hashlib.sha256(file.read_bytes()).hexdigest())


def opened(data):
    return Image.open(io.BytesIO(data))


def test_the_longer_side_has_the_width_and_the_shape_stays(picture, tmp_path):
    thumbnail = opened(Thumbnails(tmp_path, ImageLimits()).of(picture, 240))
    assert thumbnail.format == "WEBP"
    assert thumbnail.size == (120, 240)
    red, green, blue = thumbnail.convert("RGB").getpixel((60, 120))
    assert red < 20 and green < 20 and blue > 100


def test_nothing_is_enlarged(picture, tmp_path):
    Image.new("RGB", (30, 20)).save(picture.path)
    assert opened(Thumbnails(tmp_path, ImageLimits()).of(picture, 480)).size == (30, 20)


def test_it_is_made_once(picture, tmp_path):
    thumbnails = Thumbnails(tmp_path, ImageLimits())
    first = thumbnails.of(picture, 120)
    picture.path.unlink()
    assert thumbnails.of(picture, 120) == first
    with pytest.raises(NotFoundError, match="cannot be read any more"):
        thumbnails.of(picture, 240)


def test_where_nothing_can_be_written_it_is_made_anew(picture, tmp_path):
    (tmp_path / "thumbnails").write_text("no folder")
    assert opened(Thumbnails(tmp_path, ImageLimits()).of(picture, 120)).size == (60, 120)


def test_only_a_few_widths_are_made(picture, tmp_path):
    with pytest.raises(InputError, match="a width out of 120, 240, 480, 960, got 241"):
        Thumbnails(tmp_path, ImageLimits()).of(picture, 241)


def test_a_damaged_file_is_noticed_and_made_anew(picture, tmp_path):
    thumbnails = Thumbnails(tmp_path, ImageLimits())
    first = thumbnails.of(picture, 240)
    (kept,) = (tmp_path / "thumbnails").rglob("*-240*")
    whole = kept.read_bytes()
    for damaged in (b"", whole[:-5], whole[:100] + bytes([whole[100] ^ 1]) + whole[101:]):
        kept.write_bytes(damaged)
        assert thumbnails.of(picture, 240) == first
        assert kept.read_bytes() == whole
