"""Settings of the recommenders that learn from pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from visrec.core.settings import SearchSpace

__all__ = ["PixelCNNSettings"]


@dataclass(frozen=True)
class PixelCNNSettings:
    """Settings of `PixelCNN`.

    Attributes:
        backbone: the network: "cnn", "resnet" or "efficientnet"; see `make_picture_network`.
        size: pictures are scaled to so many pixels, height and width; a multiple of 32 for "cnn".
        dim: length of a picture's vector, and of a user's.
        augment: strength of flip, rotation, crop and colour in training; 0: none. See `Augmentation`.
        epochs: passes over the pictures, at most.
        max_steps: steps at most.
        batch: pictures of a step.
        learning_rate: of Adam at the start.
        weight_decay: L2 on the network's weights.
        taste_regularisation: how firmly a user's taste is drawn to everybody's while it is trained, in events.
        bias_regularisation: likewise a user's and an item's bias.
        seed: of all randomness.
    """

    backbone: str = "cnn"
    size: int = 64
    dim: int = 32
    augment: float = 1.0
    epochs: int = 15
    max_steps: int = 600
    batch: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    taste_regularisation: float = 200.0
    bias_regularisation: float = 5.0
    seed: int = 42

    search: ClassVar[Mapping[str, SearchSpace]] = MappingProxyType(
        {
            "dim": SearchSpace(choices=(16, 32, 64)),
            "learning_rate": SearchSpace(0.0005, 0.01, log=True),
            "weight_decay": SearchSpace(1e-6, 1e-2, log=True),
            "taste_regularisation": SearchSpace(20.0, 1_000.0, log=True),
            "bias_regularisation": SearchSpace(1.0, 30.0, log=True),
        }
    )
