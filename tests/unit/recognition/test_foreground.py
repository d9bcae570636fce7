from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from visrec.recognition.foreground import separate

from .drawn import PAPER, article, dots, lab_of, plain


def test_a_rectangle_on_paper_is_found_to_a_pixel():
    found = separate(lab_of(article((30, 40, 90), size=(100, 120), box=(0.2, 0.25, 0.8, 0.75))))
    assert found.separated
    assert found.plain == 1.0
    rows, columns = np.nonzero(found.mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (30, 89, 20, 79)
    # An opening rounds nothing off a rectangle but its corners.
    assert found.mask.sum() >= 60 * 60 - 4


def test_uneven_light_is_still_paper():
    picture = np.asarray(article((30, 40, 90))).astype(float)
    light = np.linspace(0.86, 1.0, picture.shape[1])[None, :, None]
    found = separate(lab_of((picture * light).astype(np.uint8)))
    assert found.separated
    assert found.mask.mean() == pytest.approx(0.3, abs=0.01)


def test_a_hole_like_the_paper_is_ground_and_a_whiter_print_is_not():
    picture = np.asarray(article((30, 40, 90), size=(100, 100), box=(0.2, 0.2, 0.8, 0.8))).copy()
    picture[30:50, 30:50] = PAPER
    picture[55:75, 55:75] = (255, 255, 255)
    found = separate(lab_of(picture))
    assert not found.mask[32:48, 32:48].any()
    assert found.mask[56:74, 56:74].all()


def test_a_white_shirt_on_light_grey_paper_is_found():
    found = separate(lab_of(article((252, 252, 252), ground=(238, 238, 238))))
    assert found.separated
    assert found.mask.mean() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (200, 1), (7, 7), (64, 64)])
def test_one_colour_has_no_foreground_and_counts_as_a_whole(size):
    found = separate(lab_of(plain((200, 30, 30), size)))
    assert not found.separated
    assert found.mask.all()
    assert np.isnan(found.ground).all()


def test_noise_has_no_ground():
    noise = np.random.default_rng(0).integers(0, 256, (80, 60, 3), dtype=np.uint8)
    found = separate(lab_of(noise))
    assert not found.separated
    assert found.mask.all()
    assert found.plain < 0.5


def test_many_small_spots_are_a_pattern_and_no_things():
    found = separate(lab_of(dots(20, 6)))
    assert not found.separated
    assert found.mask.all()


def test_four_things_on_paper_are_things():
    picture = Image.new("RGB", (100, 100), PAPER)
    for x, y in ((10, 10), (60, 10), (10, 60), (60, 60)):
        picture.paste((90, 20, 20), (x, y, x + 30, y + 30))
    assert separate(lab_of(picture)).mask.mean() == pytest.approx(0.36, abs=0.01)
