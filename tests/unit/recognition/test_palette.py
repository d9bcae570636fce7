from __future__ import annotations

import numpy as np
import pytest

from visrec.recognition.palette import N_COLOURS, palette


def test_two_colours_have_their_places_and_shares():
    pixels = np.array([[20, 0, 0]] * 300 + [[80, 10, 40]] * 100, dtype=np.float32)
    np.testing.assert_allclose(palette(pixels)[:2], [[20, 0, 0, 0.75], [80, 10, 40, 0.25]], atol=1e-4)
    assert not palette(pixels)[2:].any()


def test_six_noisy_colours_are_told_apart():
    rng = np.random.default_rng(1)
    centres = np.array([[20, 0, 0], [90, 0, 0], [50, 60, 30], [60, -50, 40], [40, 20, -60], [85, 0, 80]], dtype=float)
    counts = np.array([600, 500, 400, 300, 200, 100])
    pixels = np.repeat(centres, counts, axis=0) + rng.normal(0, 2, (counts.sum(), 3))
    found = palette(rng.permutation(pixels).astype(np.float32))
    np.testing.assert_allclose(found[:, :3], centres, atol=1.0)
    np.testing.assert_allclose(found[:, 3], counts / counts.sum(), atol=0.01)


def test_shares_add_up_and_more_pixels_than_are_looked_at_change_little():
    rng = np.random.default_rng(2)
    pixels = rng.uniform([0, -50, -50], [100, 50, 50], (20_000, 3)).astype(np.float32)
    found = palette(pixels)
    assert found.shape == (N_COLOURS, 4)
    assert found[:, 3].sum() == pytest.approx(1.0, abs=1e-5)
    assert (np.diff(found[:, 3]) <= 0).all()
    np.testing.assert_array_equal(found, palette(pixels))


def test_one_pixel_is_a_palette():
    np.testing.assert_allclose(palette(np.array([[50, 1, 2]], dtype=np.float32))[0], [50, 1, 2, 1])
