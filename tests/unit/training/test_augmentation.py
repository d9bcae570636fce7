"""Pictures varied at random, and the same every time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from visrec.core.errors import InputError
from visrec.training.augmentation import Augmentation

SIZE = 16


def gradient(n=6):
    """Red grows to the right, green downwards, blue is one half: every place and turn can be told."""
    ramp = torch.linspace(0.1, 0.9, SIZE)
    picture = torch.stack([ramp.expand(SIZE, SIZE), ramp[:, None].expand(SIZE, SIZE), torch.full((SIZE, SIZE), 0.5)])
    return picture.expand(n, 3, SIZE, SIZE).contiguous()


def test_shape_range_and_type_stay():
    out = Augmentation(SIZE)(gradient())
    assert out.shape == (6, 3, SIZE, SIZE)
    assert out.dtype == torch.float32
    assert out.min() >= 0
    assert out.max() <= 1


def test_every_picture_is_varied_on_its_own():
    out = Augmentation(SIZE)(gradient())
    for first in range(6):
        for second in range(first):
            assert (out[first] - out[second]).abs().max() > 0.01


def test_the_same_seed_draws_the_same_whatever_torch_has_drawn():
    first, second = Augmentation(SIZE, seed=5), Augmentation(SIZE, seed=5)
    expected = [first(gradient()), first(gradient())]
    torch.rand(7)
    for wanted in expected:
        torch.testing.assert_close(second(gradient()), wanted, rtol=0, atol=0)
    assert not torch.equal(expected[0], expected[1])
    assert not torch.equal(Augmentation(SIZE, seed=6)(gradient()), expected[0])


def test_torchs_own_random_state_is_left_alone():
    augmentation = Augmentation(SIZE)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    augmentation(gradient())
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)


def test_flip_rotation_crop_and_colour_all_happen():
    out = Augmentation(SIZE)(gradient(64)).numpy()
    to_the_right = out[:, 0, 4:12, -3:].mean(axis=(1, 2)) - out[:, 0, 4:12, :3].mean(axis=(1, 2))
    assert 16 <= (to_the_right < 0).sum() <= 48
    # Red along the vertical is constant in the original: only turning tilts it.
    tilt = np.abs(out[:, 0, -3:, 6:10].mean(axis=(1, 2)) - out[:, 0, :3, 6:10].mean(axis=(1, 2)))
    assert tilt.max() > 0.05
    # A crop enlarges: the span of the ramp shrinks; colour changes the blue.
    assert np.abs(to_the_right).std() > 0.02
    assert out[:, 2].mean(axis=(1, 2)).std() > 0.02


def test_without_a_turn_no_corner_is_black():
    white = torch.ones(32, 3, SIZE, SIZE)
    assert Augmentation(SIZE, 1.0)(white).min() > 0.5


def test_less_strength_changes_less():
    def change(strength):
        out = Augmentation(SIZE, strength)(gradient(64))
        return float((out[:, 2] - 0.5).abs().mean())

    assert change(0.2) < 0.5 * change(1.0)


@pytest.mark.parametrize("strength", [0.0, -1.0, 2.5])
def test_a_strength_out_of_range_is_refused(strength):
    with pytest.raises(InputError, match="strength above 0"):
        Augmentation(SIZE, strength)
