"""The self-test lets a working encoder pass and stops a useless one."""

from __future__ import annotations

import numpy as np
from PIL import Image

from visrec.encoders.colour_histogram import ColourHistogram
from visrec.encoders.framing import Framing
from visrec.encoders.self_test import drawn_pictures, finds_own_crops

FRAMING = Framing(64, interpolation="nearest", whole=True)


def colours(batch: np.ndarray) -> np.ndarray:
    return ColourHistogram().embed(np.stack([np.asarray(Image.fromarray(row).convert("HSV")) for row in batch]))


def test_an_encoder_that_works_passes() -> None:
    assert finds_own_crops(colours, FRAMING)


def test_an_encoder_that_mixes_two_pictures_up_does_not_pass() -> None:
    assert not finds_own_crops(lambda batch: np.where(colours(batch) > 0.9, 0, colours(batch))[:, ::9], FRAMING)


def test_noise_does_not_pass() -> None:
    generator = np.random.default_rng(0)
    assert not finds_own_crops(lambda batch: generator.normal(size=(len(batch), 64)).astype(np.float32), FRAMING)


def test_nan_does_not_pass() -> None:
    assert not finds_own_crops(lambda batch: np.full((len(batch), 4), np.nan, np.float32), FRAMING)


def test_constant_does_not_pass() -> None:
    assert not finds_own_crops(lambda batch: np.ones((len(batch), 4), np.float32), FRAMING)


def test_pictures_are_the_same_every_time() -> None:
    assert [picture.tobytes() for picture in drawn_pictures()] == [picture.tobytes() for picture in drawn_pictures()]
