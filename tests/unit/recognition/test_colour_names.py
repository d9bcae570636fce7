from __future__ import annotations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from visrec.recognition.colour_names import COLOUR_NAMES, colour_of, distances_to_names, reference_colours

BASIC = {"black", "white", "grey", "red", "green", "yellow", "blue", "brown", "orange", "pink", "purple"}


def test_the_basic_colour_terms_are_there():
    assert set(COLOUR_NAMES) >= BASIC
    assert len(set(COLOUR_NAMES)) == len(COLOUR_NAMES)


def test_each_reference_colour_has_its_own_name():
    colours, names = reference_colours()
    rounded = distances_to_names(colours.astype(np.float32))
    assert (rounded.argmin(axis=1) == names).all()


def test_distances_are_ciede2000_to_the_nearest_reference():
    colours, names = reference_colours()
    lab = np.array([[40.0, 10.0, -25.0], [71.0, -3.0, 60.0], [40.0, 10.0, -25.0]], dtype=np.float32)
    expected = np.full((3, len(COLOUR_NAMES)), np.inf)
    for row, colour in enumerate(lab.astype(float)):
        for reference, name in zip(colours, names, strict=True):
            expected[row, name] = min(expected[row, name], deltaE_ciede2000(colour[None], reference[None])[0])
    np.testing.assert_allclose(distances_to_names(lab), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
        ((128, 128, 128), "grey"),
        ((200, 20, 30), "red"),
        ((20, 30, 70), "navy"),
        ((150, 190, 230), "light blue"),
        ((230, 210, 175), "beige"),
        ((90, 60, 40), "brown"),
        ((95, 95, 60), "khaki"),
        ((30, 120, 60), "green"),
        ((240, 220, 60), "yellow"),
        ((235, 120, 40), "orange"),
        ((100, 20, 45), "burgundy"),
        ((245, 205, 205), "light pink"),
        ((110, 60, 140), "purple"),
        ((60, 170, 170), "turquoise"),
    ],
)
def test_colours_as_people_name_them(rgb, name):
    lab = rgb2lab(np.array([[rgb]], dtype=np.uint8))[0].astype(np.float32)
    assert COLOUR_NAMES[distances_to_names(lab)[0].argmin()] == name


def test_a_name_has_a_colour_that_is_called_so():
    shown = np.array([colour_of(name) for name in COLOUR_NAMES], dtype=np.uint8)
    called = distances_to_names(rgb2lab(shown[None])[0].astype(np.float32)).argmin(axis=1)
    assert [COLOUR_NAMES[name] for name in called] == list(COLOUR_NAMES)
    assert colour_of("no colour") is None
