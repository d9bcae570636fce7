"""Pictures in memory, for models that learn from pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

__all__ = ["DrawnPictures"]


class DrawnPictures:
    """Implements `visrec.core.features.Pictures` over arrays; counts what is loaded.

    Args:
        pictures: uint8 (side, side, 3) each, of any side; None for an item without a picture.
    """

    def __init__(self, pictures: Sequence[np.ndarray | None]) -> None:
        self._pictures = list(pictures)
        self.loaded: list[str] = []

    @classmethod
    def of_two_colours(cls, n_items: int, side: int = 8) -> DrawnPictures:
        """Reddish where the row is even, bluish where it is odd; no two are the same.

        Drawn row by row, so that a longer catalogue starts with the very pictures of a shorter one.
        """
        generator = np.random.default_rng(8)
        noise = generator.integers(-40, 40, size=(n_items, side, side, 3))
        colours = np.array([[200, 90, 60], [60, 90, 200]])[np.arange(n_items) % 2]
        return cls(list(np.clip(colours[:, None, None] + noise, 0, 255).astype(np.uint8)))

    @property
    def keys(self) -> list[str]:
        return ["" if p is None else hashlib.sha256(p.tobytes()).hexdigest() for p in self._pictures]

    def load(self, rows: np.ndarray, size: int) -> np.ndarray:
        keys = self.keys
        self.loaded += [keys[row] for row in rows.tolist()]
        out = np.zeros((len(rows), size, size, 3), dtype=np.uint8)
        for place, row in zip(out, rows.tolist(), strict=True):
            picture = self._pictures[row]
            if picture is not None:
                nearest = np.arange(size) * len(picture) // size
                place[:] = picture[nearest][:, nearest]
        return out

    def take(self, rows: np.ndarray) -> DrawnPictures:
        return DrawnPictures([None if row < 0 else self._pictures[row] for row in rows.tolist()])
