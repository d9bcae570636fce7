"""Colour channels on one scale."""

from __future__ import annotations

import numpy as np
import torch

from visrec.training.colours import Colours


def test_colours_are_normalised_over_the_training_pictures():
    pixels = np.random.default_rng(0).integers(0, 256, size=(600, 5, 5, 3)).astype(np.uint8)
    pixels[..., 1] //= 2
    pixels[..., 2] = 90
    colours = Colours()
    colours.fit(pixels)
    out = colours(torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255.0).numpy()
    np.testing.assert_allclose(out.mean(axis=(0, 2, 3)), 0, atol=1e-5)
    # One colour all over has no deviation to divide by.
    np.testing.assert_allclose(out.std(axis=(0, 2, 3)), [1, 1, 0], atol=1e-5)
    assert set(colours.state_dict()) == {"mean", "deviation"}
