"""Faces in a picture: none, one or several. Nobody is identified: a face is a place in a picture, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from visrec.core.attributes import AttributeColumn
from visrec.core.protocols import EncoderInfo

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["FaceNetwork", "Faces", "find_faces"]

#: float32 (n, 3, height, width), RGB 0 … 255, to float32 (n, 5, height / 4, width / 4): see `Faces`.
FaceNetwork = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]

# Raised whenever a measurement changes, so that old ones are not taken for new ones. Words may change freely.
_VERSION = 1
_SIDE = 512
#: Pixels of a cell of the network's maps.
_CELL = 4
#: Faces that are kept of each picture, and the least likely of them.
_KEPT, _LEAST = 20, 0.1
#: Cells that are looked at in one picture: the likeliest.
_MOST_CELLS = 400
#: Two boxes that share so much of their union are one face.
_SAME = 0.3
#: A face that is more likely is counted.
_COUNTED = 0.5
_VALUES = ("none", "one", "several")


class Faces:
    """Recognizer of faces: how many there are, no matter whose.

    A picture is squeezed to a longer side of 512 pixels. A measurement is how likely each of the 20 likeliest faces is,
    the foremost first, and the share of the square that the largest counted one takes. The confidence of a count takes
    faces to be independent; these likelihoods are the network's own, and were not calibrated.

    Reference:
        Xu et al. (2019), CenterFace: Joint Face Detection and Alignment Using Face as Point. arXiv:1911.03599

    Args:
        network: maps of a batch of pictures: how likely a face has its centre in a cell, log of its height and of its
            width in cells, how far its centre lies from the cell's corner, down and right. Made at the first batch.
        weights_sha256: hash of its weights.
        licence: theirs.
        source: where they come from.
    """

    names: tuple[str, ...] = ("faces",)

    def __init__(self, network: Callable[[], FaceNetwork], weights_sha256: str, licence: str, source: str) -> None:
        self._make = network
        self._network: FaceNetwork | None = None
        self._info = EncoderInfo(
            id="faces",
            modality="image",
            dim=_KEPT + 1,
            weights_sha256=weights_sha256,
            preprocessing={"version": _VERSION, "side": _SIDE, "at_least": _SIDE},
            licence=licence,
            source=source,
        )

    @property
    def info(self) -> EncoderInfo:
        """Identity and dimension of the measurements."""
        return self._info

    def load(self) -> FaceNetwork:
        """The network, found now or before; otherwise that is done at the first batch.

        Raises:
            WeightsError: when its weights cannot be had.
        """
        if self._network is None:
            self._network = self._make()
        return self._network

    def preprocess(self, image: Image) -> npt.NDArray[np.uint8]:
        """The picture in the upper left of a black square; uint8 (512, 512, 3)."""
        scale = _SIDE / max(image.size)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        square = np.zeros((_SIDE, _SIDE, 3), dtype=np.uint8)
        square[: size[1], : size[0]] = np.asarray(image.resize(size))
        return square

    def embed(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Measure uint8 (n, 512, 512, 3); float32 (n, 21)."""
        network = self.load()
        # One by one: maps of a batch take much memory, and cost as much.
        maps = [network(np.moveaxis(picture, 2, 0)[None].astype(np.float32))[0] for picture in batch]
        return np.stack([_measure(*find_faces(one)) for one in maps])

    def words(self, measured: npt.NDArray[np.float32]) -> list[AttributeColumn]:
        """Column `faces`: "none", "one" or "several"; its amount is how many."""
        likely = measured[:, :_KEPT].astype(np.float64)
        count = (likely > _COUNTED).sum(axis=1)
        none = np.prod(1.0 - likely, axis=1)
        # Exactly one: the sum over faces of it being there, and no other.
        one = (none[:, None] * likely / np.maximum(1.0 - likely, 1e-9)).sum(axis=1)
        sure = np.stack([none, one, np.maximum(1.0 - none - one, 0.0)], axis=1)
        label = np.minimum(count, 2).astype(np.int64)
        rows = np.arange(len(measured), dtype=np.int64)
        return [
            AttributeColumn(
                "faces", _VALUES, rows, label, sure[rows, label].astype(np.float32), count.astype(np.float32)
            )
        ]


def find_faces(maps: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Faces out of the network's maps.

    Args:
        maps: float32 (5, rows, columns), see `Faces`.

    Returns:
        Boxes float32 (n, 4): top, left, bottom, right in pixels; and how likely each is, float32 (n,), 0 … 1,
        descending. Of boxes that overlap the likeliest stays.
    """
    heat = maps[0]
    cells = np.argsort(-heat, axis=None, kind="stable")[:_MOST_CELLS]
    cells = cells[heat.ravel()[cells] > _LEAST]
    row, column = np.unravel_index(cells, heat.shape)
    likely = heat[row, column]
    height, width = np.exp(maps[1][row, column]) * _CELL, np.exp(maps[2][row, column]) * _CELL
    top = (row + maps[3][row, column] + 0.5) * _CELL - height / 2
    left = (column + maps[4][row, column] + 0.5) * _CELL - width / 2
    boxes = np.stack([top, left, top + height, left + width], axis=1).astype(np.float32)
    kept: list[int] = []
    for place in range(len(boxes)):
        if len(kept) < _KEPT and not (kept and (_overlap(boxes[place], boxes[kept]) >= _SAME).any()):
            kept.append(place)
    return boxes[kept], likely[kept]


def _overlap(box: npt.NDArray[np.float32], others: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Intersection over union of a box with others; float32 (n,)."""
    top_left, bottom_right = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.maximum(bottom_right - top_left, 0.0), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    return np.asarray(shared / (areas - shared), dtype=np.float32)


def _measure(boxes: npt.NDArray[np.float32], likely: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    measured = np.zeros(_KEPT + 1, dtype=np.float32)
    measured[: len(likely)] = likely
    counted = boxes[likely > _COUNTED]
    areas = np.prod(counted[:, 2:] - counted[:, :2], axis=1)
    measured[-1] = min(1.0, float(areas.max(initial=0.0)) / _SIDE**2)
    return measured
