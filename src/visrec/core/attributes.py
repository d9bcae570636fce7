"""What was seen in pictures: named values with a confidence, by item and by column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from visrec.core.protocols import EncoderInfo, ImageEncoder

__all__ = [
    "Attribute",
    "AttributeColumn",
    "EmbeddingRecognizer",
    "PictureRecognizer",
    "Recognizer",
    "first_entries",
    "in_words",
    "stack_columns",
]


@dataclass(frozen=True)
class Attribute:
    """One thing that was seen in one picture.

    Attributes:
        name: what is spoken of, such as "colour".
        value: what was seen, such as "navy".
        confidence: how likely it is right, 0 … 1.
        amount: what was measured, where there is something to measure: the share of the picture that has a colour, or
            height by width; None otherwise.
    """

    name: str
    value: str
    confidence: float
    amount: float | None = None

    def to_json(self) -> dict[str, Any]:
        """JSON-able; `amount` only where there is one."""
        rounded = {"name": self.name, "value": self.value, "confidence": round(self.confidence, 3)}
        return rounded if self.amount is None else {**rounded, "amount": round(self.amount, 3)}


@dataclass(frozen=True)
class AttributeColumn:
    """One attribute of n_items items; an item has no value, one, or (where `several`) more, the foremost first.

    Attributes:
        name: what is spoken of, such as "colour".
        labels: the values that there are.
        row: int64 (n,), the items, ascending.
        label: int64 (n,), places in `labels`.
        confidence: float32 (n,), 0 … 1.
        amount: float32 (n,), NaN where nothing was measured.
        several: whether an item may have more than one value.
    """

    name: str
    labels: tuple[str, ...]
    row: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]
    confidence: npt.NDArray[np.float32]
    amount: npt.NDArray[np.float32]
    several: bool = False

    def of(self, row: int) -> list[Attribute]:
        """What one item has."""
        place = slice(*np.searchsorted(self.row, [row, row + 1]).tolist())
        return [
            Attribute(self.name, self.labels[label], confidence, None if math.isnan(amount) else amount)
            for label, confidence, amount in zip(
                self.label[place].tolist(), self.confidence[place].tolist(), self.amount[place].tolist(), strict=True
            )
        ]

    def at(self, rows: npt.NDArray[np.int64]) -> AttributeColumn:
        """The same entries, item 0 being rows[0] from now on, item 1 rows[1], …; rows are ascending."""
        return replace(self, row=rows[self.row])


def first_entries(column: AttributeColumn) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Each item's foremost entry.

    Returns:
        int64 rows that have one, ascending, and the places of their entries in the column.
    """
    rows, places = np.unique(column.row, return_index=True)
    return rows, places.astype(np.int64)


def in_words(attributes: Sequence[Attribute]) -> dict[str, str]:
    """Attributes for people, by name; of several values all, with how much there is of each.

    >>> in_words([Attribute("colours", "white", 0.9, 0.61), Attribute("colours", "navy", 0.8, 0.3)])
    {'colours': 'white 61 %, navy 30 %'}
    """
    words: dict[str, list[str]] = {}
    for found in attributes:
        words.setdefault(found.name, []).append(found.value)
    several = {name for name, values in words.items() if len(values) > 1}
    shown: dict[str, list[str]] = {}
    for found in attributes:
        amount = f" {found.amount:.0%}".replace("%", " %") if found.amount is not None and found.name in several else ""
        shown.setdefault(found.name, []).append(f"{found.value}{amount}")
    return {name: ", ".join(values) for name, values in shown.items()}


def stack_columns(columns: Sequence[AttributeColumn]) -> AttributeColumn:
    """Columns of one attribute over items that follow each other, as one."""
    return replace(
        columns[0],
        row=np.concatenate([column.row for column in columns]),
        label=np.concatenate([column.label for column in columns]),
        confidence=np.concatenate([column.confidence for column in columns]),
        amount=np.concatenate([column.amount for column in columns]),
    )


class Recognizer(Protocol):
    """Puts measurements of pictures into words.

    Measurements are stored by the content of the picture like embeddings; words are made of them when they are asked
    for, so better words need no second look at the pictures.
    """

    @property
    def info(self) -> EncoderInfo:
        """Identity and dimension of the measurements."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the attributes that it tells."""
        ...

    def words(self, measured: npt.NDArray[np.float32]) -> list[AttributeColumn]:
        """The words that measurements justify.

        Args:
            measured: float32 (n_items, dim).

        Returns:
            One column for each of `names`; rows are those of `measured`.
        """
        ...


class PictureRecognizer(Recognizer, ImageEncoder, Protocol):
    """Measures pictures themselves, as an encoder embeds them."""


class EmbeddingRecognizer(Recognizer, Protocol):
    """Measures embeddings that an encoder has made."""

    @property
    def source(self) -> EncoderInfo:
        """The encoder whose embeddings it takes."""
        ...

    def measure(self, embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Measurements, float32 (n, info.dim), of embeddings, float32 (n, source.dim)."""
        ...
