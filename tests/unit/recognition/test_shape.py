from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from visrec.recognition.foreground import Foreground, separate
from visrec.recognition.shape import Shape

from .drawn import PAPER, article, lab_of, plain


def outline(draw, size=(120, 120)):
    picture = Image.new("RGB", size, PAPER)
    draw(ImageDraw.Draw(picture))
    return separate(lab_of(picture))


def said(foreground):
    columns = Shape().words(Shape().measure(foreground)[None])
    return {column.name: column.of(0)[0] for column in columns if column.of(0)}


@pytest.mark.parametrize(
    ("box", "aspect", "ratio"),
    [
        ((0.4, 0.1, 0.6, 0.9), "tall", 4.0),
        ((0.1, 0.4, 0.9, 0.6), "wide", 0.25),
        ((0.25, 0.25, 0.75, 0.75), "even", 1.0),
    ],
)
def test_height_by_width(box, aspect, ratio):
    found = said(separate(lab_of(article((20, 20, 90), size=(120, 120), box=box))))["aspect"]
    assert found.value == aspect
    assert found.amount == pytest.approx(ratio, rel=0.06)
    assert found.confidence > 0.9


def test_a_limit_is_not_sure():
    found = said(separate(lab_of(article((20, 20, 90), size=(100, 100), box=(0.3, 0.2, 0.7, 0.8)))))["aspect"]
    assert 0.4 < found.confidence < 0.65


def test_symmetry():
    straight = outline(lambda pen: pen.ellipse((30, 20, 90, 100), fill=(20, 20, 90)))
    slanted = outline(lambda pen: pen.polygon([(20, 100), (100, 20), (100, 100)], fill=(20, 20, 90)))
    assert said(straight)["symmetry"].value == "symmetric"
    assert said(slanted)["symmetry"].value == "asymmetric"
    # A right triangle and its mirror image: the overlap is a third of the union.
    assert said(slanted)["symmetry"].amount == pytest.approx(1 / 3, abs=0.02)


def test_parts_are_counted():
    def pen_pair(pen):
        pen.ellipse((10, 30, 50, 90), fill=(90, 20, 20))
        pen.ellipse((70, 30, 110, 90), fill=(90, 20, 20))

    def pen_four(pen):
        for x, y in ((10, 10), (70, 10), (10, 70), (70, 70)):
            pen.rectangle((x, y, x + 35, y + 35), fill=(90, 20, 20))

    assert said(outline(pen_pair))["parts"].value == "two"
    four = said(outline(pen_four))["parts"]
    assert (four.value, four.amount) == ("several", 4)


def test_hu_moments_stay_when_the_outline_moves_turns_and_grows():
    shape = np.zeros((160, 160), dtype=np.bool_)
    shape[30:80, 30:50] = shape[60:80, 30:90] = True

    def hu(mask):
        return Shape().measure(Foreground(mask, True, 1.0, np.zeros(3, dtype=np.float32)))[6:]

    first = hu(shape)
    assert np.abs(first[:2]).min() > 1
    # The seventh changes its sign in a mirror, not in a turn.
    for other in (np.roll(shape, (20, 30), (0, 1)), np.rot90(shape), ndimage.zoom(shape, 2, order=0)):
        np.testing.assert_allclose(hu(other), first, atol=0.06)


def test_hu_moments_of_a_square_by_hand():
    square = np.zeros((80, 80), dtype=np.bool_)
    square[20:60, 20:60] = True
    measured = Shape().measure(Foreground(square, True, 1.0, np.zeros(3, dtype=np.float32)))
    # Of a square all but the first vanish, which is 2 / 12.
    assert measured[6] == pytest.approx(np.log10(1 + 1e6 / 6), abs=0.001)
    np.testing.assert_allclose(measured[8:], 0, atol=1e-3)
    assert measured[:6].tolist() == pytest.approx([1, 0.25, 0, 1, 1, 1])


def test_nothing_is_said_without_a_foreground():
    assert said(separate(lab_of(plain((10, 80, 10))))) == {}
    assert Shape().measure(separate(lab_of(plain((10, 80, 10), (1, 1))))).tolist() == [0.0] * 13
