"""The extension points: what an encoder and a recommender must be able to do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.progress import ProgressFactory, silent

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "Capabilities",
    "Decomposable",
    "Decomposition",
    "EncoderInfo",
    "ImageEncoder",
    "RatingPredictor",
    "Recommender",
    "Scores",
    "TextEncoder",
    "TextTower",
]


@dataclass(frozen=True)
class EncoderInfo:
    """What makes two embeddings comparable, and where the encoder comes from.

    Attributes:
        id: the name a user types, such as "clip-vit-b16".
        modality: "image" or "text".
        dim: length of an embedding.
        weights_sha256: hash of the weights, or "" for an encoder without any.
        preprocessing: everything that turns an input into the network's tensor, as JSON-able values.
        licence: licence of the weights, as an SPDX id where there is one.
        source: where the weights come from, for people.
    """

    id: str
    modality: Literal["image", "text"]
    dim: int
    weights_sha256: str
    preprocessing: Mapping[str, Any]
    licence: str
    source: str

    @property
    def fingerprint(self) -> str:
        """16 hex digits over id, weights and preprocessing: equal means embeddings may be mixed."""
        text = json.dumps([self.id, self.weights_sha256, self.dim, dict(self.preprocessing)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def feature_set(self) -> str:
        """Name of the feature set this encoder fills: readable, and unique by fingerprint."""
        slug = "".join(character if character.isalnum() else "-" for character in self.id).strip("-").lower()
        return f"{slug[:60]}-{self.fingerprint}"


class ImageEncoder(Protocol):
    """Turns pictures into embeddings."""

    @property
    def info(self) -> EncoderInfo:
        """Identity, dimension, preprocessing and licence."""
        ...

    def preprocess(self, image: Image) -> npt.NDArray[Any]:
        """Turn one decoded picture (mode RGB, upright, any size) into the network's input, without batch axis.

        Runs in worker threads: it must not touch shared state.
        """
        ...

    def embed(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Embed a batch of preprocessed pictures. Worker threads call it at the same time.

        Args:
            batch: (n, …), stacked outputs of `preprocess`; n at least 1.

        Returns:
            float32 (n, dim), as the network gives it (not normalised).
        """
        ...


@runtime_checkable
class TextTower(Protocol):
    """What an `ImageEncoder` has in addition when it was trained with texts: both can be compared by cosine."""

    def embed_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts in the space of the pictures; float32 (len(texts), info.dim), not normalised.

        Raises:
            UnsupportedError: when this one came without its text tower.
        """
        ...


class TextEncoder(Protocol):
    """Turns texts into embeddings."""

    @property
    def info(self) -> EncoderInfo:
        """Identity, dimension, preprocessing and licence."""
        ...

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts of any length (cut to the network's limit); float32 (len(texts), dim), L2-normalised."""
        ...


@dataclass(frozen=True)
class Capabilities:
    """What a recommender can do beyond scoring the users and items it was fitted on.

    Attributes:
        new_users: scores a history it never saw in training.
        new_items: scores an item it never saw in training, from its features.
        needs: feature blocks, or "pictures", without which `fit` raises `UnsupportedError`.
        reads: feature blocks that it looks at where they are there.
        ratings: is a `RatingPredictor`: learns from ratings and predicts them. Without any, `fit` raises
            `UnsupportedError`, or learns from likes alone; the fitted model then says that it cannot.
    """

    new_users: bool = True
    new_items: bool = True
    needs: tuple[str, ...] = ()
    reads: tuple[str, ...] = ("image", "text", "category")
    ratings: bool = False


@dataclass(frozen=True)
class Scores:
    """Scores of every item for every user, and where they come from.

    Attributes:
        parts: source ("visual", "text", "category", "collaborative", "appeal", "popular", "new", "random") -> float32
            (n_users, n_items). Higher is better; comparable within a row only.
    """

    parts: Mapping[str, npt.NDArray[np.float32]]

    @property
    def values(self) -> npt.NDArray[np.float32]:
        """The sum of the parts; float32 (n_users, n_items)."""
        arrays = list(self.parts.values())
        if len(arrays) == 1:
            return arrays[0]
        total = arrays[0].copy()
        for array in arrays[1:]:
            total += array
        return total


class Recommender(Protocol):
    """Scores items for histories. A user is their history; an item is its features.

    Attributes:
        id: the name that a user types.
        capabilities: what it can do.
        settings: a frozen dataclass with a default for every field; the class is called with one, or with nothing.
    """

    id: str
    capabilities: Capabilities
    settings: Any

    def fit(self, dataset: Dataset, progress: ProgressFactory = silent) -> Self:
        """Learn from a dataset; deterministic.

        Args:
            dataset: what to learn from; never changed.
            progress: shows long training, in epochs.

        Raises:
            UnsupportedError: when the dataset lacks what the model needs.
        """
        ...

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """Score every item for every history.

        Args:
            histories: n_users histories over `items`; users and items need not have been seen in training.
            items: features of n_items items.

        Returns:
            Scores of shape (n_users, n_items).

        Raises:
            NotFittedError: before `fit`.
        """
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """What `load_state` needs to be this fitted model again: JSON-able settings, and arrays."""
        ...

    def load_state(self, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Become the model that `state` was taken from."""
        ...


@dataclass(frozen=True)
class Decomposition:
    """One user's scores of some items, taken apart over the events of the history: score = base + the sum of the parts.

    Attributes:
        base: float32 (n_rows,); what the score owes to no event.
        parts: float32 (n_rows, n_events), columns in the order of the history; 0 for an event that a later one on the
            same item replaces.
        exact: whether the parts follow from the model's own equation; else they are sampled Shapley values.
    """

    base: npt.NDArray[np.float32]
    parts: npt.NDArray[np.float32]
    exact: bool = True

    @property
    def scores(self) -> npt.NDArray[np.float32]:
        """Base and parts together; float32 (n_rows,)."""
        total: npt.NDArray[np.float32] = self.base + self.parts.sum(axis=1)
        return total


@runtime_checkable
class Decomposable(Protocol):
    """A recommender whose score is, for the history at hand, a sum over its events."""

    def contributions(self, history: Histories, items: ItemFeatures, rows: npt.NDArray[np.int64]) -> Decomposition:
        """What each event adds to the scores of some items.

        Args:
            history: one user's history over `items`.
            items: features of n_items items.
            rows: int64 (n_rows,), the items asked about.

        Returns:
            Base and parts, which add up to what `score` gives, but for rounding.

        Raises:
            NotFittedError: before `fit`.
        """
        ...


class RatingPredictor(Recommender, Protocol):
    """A recommender that also says which rating a user would give."""

    @property
    def scale(self) -> tuple[float, float]:
        """Lowest and highest rating of the training data; every prediction lies within."""
        ...

    def predict(
        self,
        histories: Histories,
        items: ItemFeatures,
        user_index: npt.NDArray[np.int64],
        item_index: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float32]:
        """The rating that a user would give an item, for n_pairs pairs.

        Args:
            histories: n_users histories over `items`; a user may be new, or have no history at all.
            items: features of n_items items, seen in training or not.
            user_index: int64 (n_pairs,), rows of `histories`.
            item_index: int64 (n_pairs,), rows of `items`.

        Returns:
            float32 (n_pairs,), within `scale`.

        Raises:
            NotFittedError: before `fit`.
        """
        ...

    def fallbacks(
        self,
        histories: Histories,
        items: ItemFeatures,
        user_index: npt.NDArray[np.int64],
        item_index: npt.NDArray[np.int64],
    ) -> list[str]:
        """What each prediction had to do without, and was made from instead: a phrase a pair, "" for nothing.

        Arguments are those of `predict`.
        """
        ...
