from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from visrec.recognition.perceptual_hash import bits_of, perceptual_hash

from .drawn import flowers, plain


def bits(picture):
    return int(bits_of(perceptual_hash(picture)[None])[0])


def distance(one, two):
    return (bits(one) ^ bits(two)).bit_count()


def compressed(picture, quality):
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file)


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: picture.resize((60, 80)),
        lambda picture: picture.resize((480, 640), Image.Resampling.BICUBIC),
        lambda picture: compressed(picture, 30),
        lambda picture: ImageEnhance.Brightness(picture).enhance(0.8),
        lambda picture: picture.convert("L").convert("RGB"),
    ],
)
def test_copies_are_near(change):
    for seed in range(5):
        assert distance(flowers(seed), change(flowers(seed))) <= 8


def test_other_pictures_are_far():
    hashes = [bits(flowers(seed)) for seed in range(12)]
    assert min((one ^ two).bit_count() for place, one in enumerate(hashes) for two in hashes[:place]) > 12


def test_the_bits_by_a_plain_loop():
    picture = flowers(3)
    grey = np.asarray(picture.convert("L").resize((32, 32), Image.Resampling.BOX), dtype=float)
    wave = np.cos(np.pi / 32 * (np.arange(32) + 0.5)[None] * np.arange(8)[:, None])
    low = (4 * wave @ grey @ wave.T).ravel()
    expected = sum(1 << place for place in range(1, 64) if low[place] > np.median(low[1:]))
    assert bits(picture) == expected


def test_one_colour_has_one_hash_of_any_size():
    assert {bits(plain(colour, size)) for colour in ((0, 0, 0), (200, 10, 90)) for size in ((1, 1), (64, 30))} == {0}
