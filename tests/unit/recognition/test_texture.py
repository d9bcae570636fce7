from __future__ import annotations

import numpy as np
import pytest

from visrec.recognition.foreground import separate
from visrec.recognition.texture import MEASURES, texture

from .drawn import checks, dots, flowers, lab_of, on_paper, plain, stripes


def measure(picture):
    lab = lab_of(picture)
    return dict(zip(MEASURES, texture(lab, separate(lab)).tolist(), strict=True))


@pytest.mark.parametrize("period", [6, 10, 16, 30])
@pytest.mark.parametrize("upright", [False, True])
def test_the_period_of_stripes_is_found(period, upright):
    found = measure(stripes(period, upright=upright))
    assert found["period"] == period
    assert found["across"] > 0.8
    assert found["one_way"] > 0.95
    assert found["two_ways"] > 0.95


def test_checks_run_two_ways_and_not_one():
    found = measure(checks(16))
    assert found["one_way"] < 0.2
    assert found["two_ways"] > 0.4
    assert found["repeats"] > 0.8


def test_dots_are_counted_and_round():
    found = measure(dots(20, 6))
    # 6 x 8 of them in 120 x 160 pixels.
    assert found["spots"] == pytest.approx(1000 * 48 / (120 * 160), rel=0.05)
    assert found["spot_roundness"] > 0.9
    assert found["spot_evenness"] == pytest.approx(1.0, abs=0.05)
    assert found["one_way"] < 0.1


def test_red_on_green_of_one_lightness_is_seen():
    found = measure(stripes(12, one=(200, 60, 60), two=(30, 122, 30)))
    assert found["contrast"] > 20
    assert found["one_way"] > 0.9


def test_contrast_is_a_standard_deviation_in_lab():
    picture = stripes(4, one=(119, 119, 119), two=(94, 94, 94))  # L 50 and 40: 5 about the mean
    assert measure(picture)["contrast"] == pytest.approx(5.0, rel=0.05)


def test_one_colour_has_no_texture():
    found = measure(plain((120, 30, 40), (90, 90)))
    assert found["contrast"] == pytest.approx(0.0, abs=1e-3)
    assert found["edges"] == found["spots"] == found["glcm_contrast"] == 0
    assert found["glcm_energy"] == pytest.approx(1.0)


def test_shading_is_no_texture():
    shaded = np.clip(np.linspace(60, 160, 160)[:, None, None] + np.zeros((160, 120, 3)), 0, 255).astype(np.uint8)
    assert measure(shaded)["contrast"] < 2


@pytest.mark.parametrize("size", [(1, 1), (3, 300), (15, 15)])
def test_what_is_too_small_is_not_judged(size):
    found = measure(plain((10, 200, 10), size))
    assert found["contrast"] == -1
    assert not any(value for name, value in found.items() if name != "contrast")


@pytest.mark.parametrize("cloth", [stripes(10), checks(14), dots(16, 5), flowers()], ids=["s", "c", "d", "f"])
def test_the_paper_around_changes_little(cloth):
    alone, laid = measure(cloth), measure(on_paper(cloth))
    for name in ("contrast", "one_way", "two_ways", "spots", "spot_roundness"):
        assert laid[name] == pytest.approx(alone[name], rel=0.25, abs=0.08), name
