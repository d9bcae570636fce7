"""Pictures varied at random, so that a network learns what is in them and not the pictures by heart."""

from __future__ import annotations

import torch

from visrec.core.errors import InputError

__all__ = ["Augmentation"]


class Augmentation:
    """Flip, rotation, crop and colour, drawn anew for each picture of each call; by kornia, on whole batches.

    The n-th call draws the same for the same seed, and leaves torch's own random state as it was.

    Args:
        size: height and width of the pictures, pixels.
        strength: 1 turns by up to 10 degrees, crops to 64% of the area or more, and changes brightness, contrast and
            saturation by up to 25% and hue by up to 9 degrees; 0.5 does half of each.
        seed: 0 or more.

    Raises:
        InputError: on a strength that is not above 0 and at most 2.
    """

    def __init__(self, size: int, strength: float = 1.0, seed: int = 42) -> None:
        if not 0 < strength <= 2:
            raise InputError(f"Expected a strength above 0 and at most 2, got {strength}.")
        # Here, not above: it takes seconds, and only training with augmentation needs it.
        from kornia import augmentation

        colour = 0.25 * strength
        self._seed = seed
        self._calls = 0
        self._transform = augmentation.AugmentationSequential(
            augmentation.RandomHorizontalFlip(p=0.5),
            # Turning leaves corners without a picture; its edge fills them rather than black.
            augmentation.RandomAffine(degrees=10.0 * strength, padding_mode="border", p=1.0),
            augmentation.RandomResizedCrop((size, size), scale=(1 - 0.36 * strength, 1.0), ratio=(0.85, 1.18), p=1.0),
            augmentation.ColorJitter(colour, colour, colour, 0.025 * strength, p=1.0),
            data_keys=["input"],
        )

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        """Vary float32 (n, 3, size, size), 0 to 1; the same shape and range come back."""
        self._calls += 1
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(self._seed * 1_000_003 + self._calls)
            return self._transform(pictures).clamp(0.0, 1.0)
