"""Worked by hand: which of the 128 cells a colour falls into."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from visrec.encoders.colour_histogram import ColourHistogram


def embed(image: Image.Image) -> np.ndarray:
    encoder = ColourHistogram()
    return encoder.embed(encoder.preprocess(image)[None])[0]


def cell(hue: int, saturation: int, value: int) -> int:
    return (hue * 4 + saturation) * 4 + value


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ((255, 0, 0), cell(0, 3, 3)),
        ((255, 0, 8), cell(0, 3, 3)),  # a red just below hue 1 is with the red just above hue 0
        ((0, 255, 0), cell(3, 3, 3)),  # hue 85 + 16 = 101 of 256
        ((0, 0, 255), cell(5, 3, 3)),  # hue 170 + 16 = 186
        ((255, 255, 255), cell(0, 0, 3)),
        ((0, 0, 0), cell(0, 0, 0)),
        ((100, 100, 100), cell(0, 0, 1)),
    ],
)
def test_one_colour_is_one_cell(colour: tuple[int, int, int], expected: int) -> None:
    histogram = embed(Image.new("RGB", (50, 30), colour))
    assert np.flatnonzero(histogram).tolist() == [expected]
    assert histogram[expected] == 1.0


def test_shares_are_square_roots() -> None:
    image = Image.new("RGB", (64, 64), "white")
    image.paste((255, 0, 0), (0, 0, 64, 16))
    histogram = embed(image)
    assert histogram[cell(0, 3, 3)] == pytest.approx(0.25**0.5)
    assert histogram[cell(0, 0, 3)] == pytest.approx(0.75**0.5)
