import math

import numpy as np
import pytest

from visrec.sample.canvas import DRAWN, Canvas, Placement
from visrec.sample.cloth import Cloth, row_extents, weave
from visrec.sample.outlines import box, ellipse, profile, smooth
from visrec.sample.palettes import PALETTES
from visrec.sample.patterns import PATTERNS
from visrec.sample.products import KINDS, Look, draw_product

SHAPES = [(kind, shape) for kind, description in KINDS.items() for shape in description.shapes]


@pytest.mark.parametrize(("kind", "shape"), SHAPES)
def test_every_shape_lies_whole_within_the_picture_and_fills_a_good_part_of_it(kind, shape):
    picture, _ = draw_product(Look(kind, shape, "mono", "plain"), np.random.default_rng(5))
    assert (picture.mode, picture.size) == ("RGB", (224, 224))
    canvas = Canvas()
    KINDS[kind].draw(canvas, shape, np.random.default_rng(5))
    covered = np.max([np.asarray(part.mask) for part in canvas.parts(Placement(size=68, turn=6))], axis=0) > 0
    edge = DRAWN // 40
    assert not covered[:edge].any() and not covered[-edge:].any()
    assert not covered[:, :edge].any() and not covered[:, -edge:].any()
    assert 0.08 < covered.mean() < 0.6


def test_a_standing_product_stands_where_it_was_put():
    canvas = Canvas()
    canvas.fill(box(10, 10, 30, 50), "deep")
    (part,) = canvas.parts(Placement(size=20, foot=90))
    left, top, right, bottom = (value * 100 / DRAWN for value in part.mask.getbbox())
    # 20 x 40 units scaled to the area of 20 x 20: the factor is 20 / sqrt(800).
    factor = 20 / math.sqrt(800)
    assert (right - left, bottom - top) == pytest.approx((20 * factor, 40 * factor), abs=0.4)
    assert bottom == pytest.approx(90, abs=0.4)
    assert (left + right) / 2 == pytest.approx(50, abs=0.4)


def test_a_mirrored_part_changes_sides():
    canvas = Canvas()
    canvas.fill(box(0, 0, 100, 100), "deep")
    canvas.fill(box(70, 40, 90, 60), "accent")
    plain, mirrored = (canvas.parts(Placement(size=80, mirror=mirror))[1].mask.getbbox() for mirror in (False, True))
    assert plain[0] > DRAWN / 2 > mirrored[2]
    assert plain[0] + mirrored[2] == pytest.approx(DRAWN, abs=3)


@pytest.mark.parametrize(
    ("pattern", "variant", "x", "y", "colour"),
    [
        ("plain", 0, 0.3, 0.9, 0),
        ("stripes", 0, 0.25, 0.0, 1),
        ("stripes", 0, 0.75, 0.0, 0),
        ("stripes", 1, 0.0, 0.25, 1),
        ("stripes", 2, 0.75, 0.0, 2),
        ("dots", 0, 0.0, 0.0, 1),
        ("dots", 0, 0.5, 0.0, 0),
        ("dots", 0, 0.5, 0.866, 1),
        ("checks", 1, 0.25, 0.25, 0),
        ("checks", 1, 0.75, 0.25, 1),
        ("checks", 2, 0.75, 0.3, 2),
        ("chevron", 0, 0.5, 0.25, 1),
        ("chevron", 0, 0.5, 0.9, 0),
        ("chevron", 0, 0.0, 0.9, 0),
        ("chevron", 0, 0.0, 0.0, 0),
        ("floral", 0, 0.0, 0.0, 2),
    ],
)
def test_patterns_at_points_worked_by_hand(pattern, variant, x, y, colour):
    point = np.array([[x]], np.float32), np.array([[y]], np.float32)
    assert PATTERNS[pattern](*point, variant)[0, 0] == colour


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
@pytest.mark.parametrize("variant", range(4))
def test_every_pattern_uses_colours_of_the_table_and_leaves_some_ground(pattern, variant):
    y, x = np.mgrid[-4:4:0.05, -4:4:0.05].astype(np.float32)
    numbers = PATTERNS[pattern](x, y, variant)
    shares = np.bincount(numbers.ravel(), minlength=4) / numbers.size
    assert numbers.dtype == np.uint8
    assert len(shares) == 4
    assert shares[0] == 1 if pattern == "plain" else 0.2 < shares[0] < 0.85
    assert pattern == "plain" or shares[1] > 0.1


def test_cloth_bent_around_a_body_narrows_towards_its_sides():
    colours = PALETTES["mono"].colourways[0]
    cloth = Cloth("stripes", 0, 10.0, 0.0, (0.0, 0.0), colours)
    window = slice(0, 8), slice(0, 200)
    body = np.zeros((8, 200), np.float32)
    body[:, 20:180] = 1.0
    flat = weave(cloth, window)[4, :, 0]
    bent = weave(cloth, window, body)[4, :, 0]

    def stripes(values, start, stop):
        return np.count_nonzero(np.diff((values[start:stop] > 128).astype(int)))

    assert stripes(flat, 20, 60) == stripes(flat, 80, 120)
    assert stripes(bent, 20, 60) > 1.5 * stripes(bent, 80, 120)


def test_row_extents_do_not_collapse_at_a_rounded_foot():
    inside = np.zeros((30, 60), bool)
    inside[:20, 10:50] = True
    inside[20, 25:35] = True
    middle, half = row_extents(inside)
    assert middle[:21, 0].tolist() == [30.0] * 21
    assert half[:20, 0].tolist() == [20.0] * 20
    assert half[20, 0] > 18


def test_outlines():
    assert all(((x - 10) / 4) ** 2 + ((y - 20) / 2) ** 2 == pytest.approx(1) for x, y in ellipse(10, 20, 4, 2, 0, 180))
    assert all(y >= 20 - 1e-9 for _, y in ellipse(10, 20, 4, 2, 0, 180))
    corners = [(0.0, 0.0), (10.0, 2.0), (8.0, 9.0), (1.0, 7.0)]
    assert set(corners) <= set(smooth(corners))
    vase = profile([(10, 5), (30, 12), (60, 8)])
    assert {(round(100 - x, 6), round(y, 6)) for x, y in vase} == {(round(x, 6), round(y, 6)) for x, y in vase}
    assert max(y for _, y in vase) == pytest.approx(60 + 8 * 0.09, abs=0.01)
    assert box(0, 0, 2, 1) == [(0, 0), (2, 0), (2, 1), (0, 1)]
    assert all(math.hypot(x, y) > 0.1 for x, y in box(0, 0, 2, 1, 0.5))
