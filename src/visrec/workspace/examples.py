"""Examples to rank by: items, pictures and embeddings, each with a weight, made into features that models compare."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from visrec.core.errors import InputError, NotFoundError, UnsupportedError
from visrec.core.features import BLOCK_SOURCES, FeatureBlock, ItemFeatures
from visrec.core.ids import IdMap
from visrec.workspace.assemble import unit_rows
from visrec.workspace.pictures import PictureReader
from visrec.workspace.settings import WorkspaceSettings

__all__ = ["Example", "ExampleSource", "ExampleTable", "Query", "Vector", "common_block", "weighted"]

Vector: TypeAlias = Sequence[float] | npt.NDArray[np.floating]
ExampleSource: TypeAlias = str | Path | bytes | Vector


@dataclass(frozen=True)
class Example:
    """Something to rank by.

    Attributes:
        source: an item id (str), a picture file (Path), a picture's bytes, or an embedding as the encoder in use gives
            them.
        weight: above 0; how much it counts beside the others, as liked or disliked.
    """

    source: ExampleSource
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight > 0):
            raise InputError(f"Expected the weight of an example as a number above 0, got {self.weight}.")

    @property
    def key(self) -> object:
        """Equal for the same item or file; other examples are all different."""
        return self.source if isinstance(self.source, str | Path) else id(self)


@dataclass(frozen=True)
class Query:
    """Liked and disliked examples; one without a weight of its own weighs 1."""

    like: Sequence[ExampleSource | Example] = ()
    dislike: Sequence[ExampleSource | Example] = ()


def weighted(query: Query) -> list[tuple[Example, float]]:
    """The examples of a query with their weights, below 0 for the disliked; of a repeated one the last counts.

    Raises:
        InputError: without examples, or with one that is liked and disliked.
    """
    likes, dislikes = ([_example(one) for one in side] for side in (query.like, query.dislike))
    if not likes and not dislikes:
        raise InputError("Expected at least one liked or disliked item or picture, got none.")
    disliked = {one.key for one in dislikes}
    both = [str(one.source) for one in likes if one.key in disliked]
    if both:
        raise InputError(f"Expected examples that are liked or disliked, got {both[0]!r} as both. Leave one out.")
    signed = [(one, one.weight) for one in likes] + [(one, -one.weight) for one in dislikes]
    return list({one.key: (one, weight) for one, weight in signed}.values())


def _example(source: ExampleSource | Example) -> Example:
    return source if isinstance(source, Example) else Example(source)


class ExampleTable:
    """The examples of some queries as rows of features, each item once.

    Args:
        items: the catalogue's items.
        pictures: embeds pictures.
        settings: which features are in use.
        root: the workspace's folder, for messages.
    """

    def __init__(self, items: ItemFeatures, pictures: PictureReader, settings: WorkspaceSettings, root: Path) -> None:
        self._items = items
        self._pictures = pictures
        self._settings = settings
        self._root = root
        self._place_of_item: dict[int, int] = {}
        self._item_rows: list[int] = []
        self._vectors: dict[int, npt.NDArray[np.float32]] = {}

    @property
    def item_rows(self) -> npt.NDArray[np.int64]:
        """Each row's item, -1 for a picture or an embedding."""
        return np.array(self._item_rows, dtype=np.int64)

    def add(self, example: Example) -> int:
        """The row of an example.

        Raises:
            NotFoundError: for an unknown item or file.
            InputError: for what is no picture, or no embedding of the encoder in use.
            NotFittedError: before `encode`.
        """
        source = example.source
        if isinstance(source, str):
            if source not in self._items.item_ids:
                raise NotFoundError(f"There is no item {source!r} in {self._root}.")
            row = self._items.item_ids.index(source)
            if row not in self._place_of_item:
                self._place_of_item[row] = self._append(row)
            return self._place_of_item[row]
        if isinstance(source, Path | bytes):
            vector = self._pictures.embed(source, self._settings)
        else:
            vector = self._checked(source)
        place = self._append(-1)
        self._vectors[place] = vector
        return place

    def features(self) -> ItemFeatures:
        """The examples as nameless items."""
        rows, given = self.item_rows, sorted(self._vectors)
        blocks = {}
        for name, block in self._items.blocks.items():
            matrix, present = block.matrix[rows], block.present[rows] & (rows >= 0)
            matrix[rows < 0] = 0.0
            if name == "image" and given:
                matrix[given] = unit_rows(np.stack([self._vectors[place] for place in given]))
                present[given] = True
            blocks[name] = FeatureBlock(name, matrix, present, block.origin, block.labels)
        return ItemFeatures(IdMap(f"{place}" for place in range(len(rows))), blocks)

    def _append(self, row: int) -> int:
        self._item_rows.append(row)
        return len(self._item_rows) - 1

    def _checked(self, source: Vector) -> npt.NDArray[np.float32]:
        if "image" not in self._items.blocks:
            raise UnsupportedError(
                f"{self._root} has no image features to compare an embedding with. Run: visrec encode {self._root}"
            )
        dim = self._items.blocks["image"].dim
        try:
            vector = np.asarray(source, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise InputError(f"Expected an embedding as {dim} numbers ({error}).") from error
        if vector.shape != (dim,) or not np.isfinite(vector).all() or not vector.any():
            raise InputError(
                f"Expected an embedding as {dim} finite numbers, not all 0, as {self._settings.image_encoder} gives "
                f"them, got shape {vector.shape}."
            )
        return vector


def common_block(examples: ItemFeatures, places: Sequence[int]) -> str:
    """The first block, pictures before texts before categories, that all of some examples have.

    Raises:
        UnsupportedError: when there is none.
    """
    for block in BLOCK_SOURCES:
        if block in examples.blocks and examples.blocks[block].present[list(places)].all():
            return block
    raise UnsupportedError(
        "The examples have nothing in common to compare by: one of them has no embedded picture, text or "
        "category. Run `visrec encode`, or choose other examples."
    )
