"""Pictures as a trained network sees them, each computed once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from visrec.core.features import Pictures
from visrec.training.picture_network import PictureNetwork, as_pictures

__all__ = ["PictureVectors"]

Matrix = npt.NDArray[np.float32]

#: Pictures that are decoded and sent through the network at once, outside of training.
_BLOCK = 256


class PictureVectors:
    """A network's vector of every picture, kept under the hash of the picture's content.

    Args:
        network: in evaluation mode.
        size: of its pictures, pixels.
    """

    def __init__(self, network: PictureNetwork, size: int) -> None:
        self._network = network
        self._size = size
        self._known: dict[str, Matrix] = {}

    def keep(self, keys: Sequence[str], vectors: Matrix) -> None:
        """Take vectors that were computed before, float32 (len(keys), dim)."""
        self._known.update(zip(keys, vectors, strict=True))

    def saved(self) -> tuple[list[str], Matrix]:
        """Every key and its vector, as `keep` takes them."""
        rows = list(self._known.values())
        return list(self._known), np.stack(rows) if rows else np.zeros((0, self._network.dim), np.float32)

    def __call__(self, pictures: Pictures | None, n: int) -> tuple[Matrix, npt.NDArray[np.bool_]]:
        """The n items' vectors, float32 (n, dim), 0 without a picture; and who has one, bool (n,).

        Only pictures that were never seen before are decoded.
        """
        keys = [""] * n if pictures is None else list(pictures.keys)
        fresh = {key: row for row, key in enumerate(keys) if key and key not in self._known}
        rows, names = np.array(list(fresh.values()), dtype=np.int64), list(fresh)
        for start in range(0, len(rows), _BLOCK):
            block = slice(start, start + _BLOCK)
            if pictures is not None:
                self.keep(names[block], self._encode(pictures.load(rows[block], self._size)))
        vectors = np.zeros((n, self._network.dim), dtype=np.float32)
        for row, key in enumerate(keys):
            if key:
                vectors[row] = self._known[key]
        return vectors, np.array([bool(key) for key in keys], dtype=np.bool_)

    def _encode(self, pixels: npt.NDArray[np.uint8]) -> Matrix:
        with torch.no_grad():
            found: Matrix = self._network(as_pictures(pixels)).numpy()
        return found
