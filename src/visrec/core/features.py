"""What is known of each item, as numbers: the features that recommenders score from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError
from visrec.core.ids import IdMap

__all__ = ["BLOCK_SOURCES", "FeatureBlock", "ItemFeatures", "Pictures"]

#: A block's name -> the word a ranking uses for a score that comes from it.
BLOCK_SOURCES: Mapping[str, str] = {"image": "visual", "text": "text", "category": "category"}


@dataclass(frozen=True)
class FeatureBlock:
    """One kind of feature of every item: raw, as the encoder gave it.

    Attributes:
        name: "image", "text" or "category"; see `BLOCK_SOURCES`.
        matrix: float32 (n_items, dim); rows without the feature are zero.
        present: bool (n_items,); False where the item has no such feature.
        origin: the feature set, or the columns, that the block was made of.
        labels: names of the dim columns where they have any, such as "colour=navy"; else ().
    """

    name: str
    matrix: npt.NDArray[np.float32]
    present: npt.NDArray[np.bool_]
    origin: str
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.matrix.ndim != 2 or self.matrix.shape[0] != self.present.shape[0]:
            raise InputError(
                f"Expected block {self.name!r} as (n_items, dim) with n_items flags, "
                f"got {self.matrix.shape} and {self.present.shape}."
            )
        if not np.isfinite(self.matrix).all():
            raise InputError(
                f"Block {self.name!r} ({self.origin}) holds NaN or infinite values. "
                "Encode the items again, or remove the feature set."
            )

    @property
    def dim(self) -> int:
        """Number of columns."""
        return int(self.matrix.shape[1])

    def take(self, rows: npt.NDArray[np.int64]) -> FeatureBlock:
        """The block of some items, in that order."""
        return FeatureBlock(self.name, self.matrix[rows], self.present[rows], self.origin, self.labels)


class Pictures(Protocol):
    """The pixels of the items' pictures, read when they are asked for: what models that learn from pixels see."""

    @property
    def keys(self) -> Sequence[str]:
        """Content hash of each item's first usable picture, "" for an item without; length n_items."""
        ...

    def load(self, rows: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.uint8]:
        """Pictures of some items, the middle square scaled to `size` pixels; uint8 (len(rows), size, size, 3), RGB.

        An item without a picture, or whose file has become unreadable, is black.
        """
        ...

    def take(self, rows: npt.NDArray[np.int64]) -> Pictures:
        """The pictures of some items, in that order; a row of -1 stands for an item without."""
        ...


@dataclass(frozen=True)
class ItemFeatures:
    """The features of n_items items, seen in training or not.

    Attributes:
        item_ids: the items, in row order.
        blocks: name -> block; every block has n_items rows. May be empty.
        pictures: the items' pixels; None where there are none to be had.
    """

    item_ids: IdMap
    blocks: Mapping[str, FeatureBlock] = field(default_factory=dict)
    pictures: Pictures | None = None

    def __post_init__(self) -> None:
        for block in self.blocks.values():
            if block.matrix.shape[0] != len(self.item_ids):
                raise InputError(
                    f"Expected {len(self.item_ids)} rows in block {block.name!r}, got {block.matrix.shape[0]}."
                )

    def __len__(self) -> int:
        return len(self.item_ids)

    def take(self, rows: npt.NDArray[np.int64]) -> ItemFeatures:
        """The features of some items, in that order."""
        blocks = {name: block.take(rows) for name, block in self.blocks.items()}
        return ItemFeatures(
            self.item_ids.take(rows), blocks, None if self.pictures is None else self.pictures.take(rows)
        )
