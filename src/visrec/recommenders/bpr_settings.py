"""Settings of the models that are trained by Bayesian Personalized Ranking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from visrec.core.errors import InputError
from visrec.core.settings import SearchSpace

__all__ = ["BPRSettings"]


@dataclass(frozen=True)
class BPRSettings:
    """Settings of every model that is trained by Bayesian Personalized Ranking.

    Attributes:
        dim: length of the factors of users and items.
        visual_dim: length of the fused features, which stand beside an item's factors; 0: they are added to them.
        blocks: feature blocks that it reads where they are there.
        input_dim: principal components of each block, at most.
        epochs: passes over the likes, 1 or more.
        batch_size: triples a step, at most.
        learning_rate: of Adam at the start; it falls to 0 in a straight line.
        regularisation: λ of the factors of users and items, beside the loss summed over all likes. It is the same for
            a rare item, whose factors it keeps near 0, as for a common one.
        bias_regularisation: λ of the items' biases, likewise.
        feature_regularisation: λ of the projections of features and β, a like: every triple touches them.
        guess_regularisation: ridge, in items, of the regression of an item's factors on its features, for new items.
        seed: of the start, the order and the negatives.
    """

    dim: int = 64
    visual_dim: int = 0
    blocks: tuple[str, ...] = ("image", "text", "category")
    input_dim: int = 64
    epochs: int = 20
    batch_size: int = 8192
    learning_rate: float = 0.03
    regularisation: float = 3.0
    bias_regularisation: float = 1.0
    feature_regularisation: float = 0.001
    guess_regularisation: float = 3.0
    seed: int = 42

    search: ClassVar[Mapping[str, SearchSpace]] = MappingProxyType(
        {
            "dim": SearchSpace(choices=(16, 32, 64, 128)),
            "epochs": SearchSpace(choices=(10, 20, 40, 80)),
            "learning_rate": SearchSpace(0.01, 0.1, log=True),
            "regularisation": SearchSpace(0.3, 30.0, log=True),
            "bias_regularisation": SearchSpace(0.01, 10.0, log=True),
            "feature_regularisation": SearchSpace(0.0001, 0.03, log=True),
            "guess_regularisation": SearchSpace(0.3, 100.0, log=True),
        }
    )

    def __post_init__(self) -> None:
        if min(self.dim, self.visual_dim + 1, self.input_dim, self.epochs, self.batch_size) < 1:
            raise InputError(
                "Expected dim, input_dim, epochs and batch_size of 1 or more and visual_dim of 0 or more, got "
                f"{self.dim}, {self.input_dim}, {self.epochs}, {self.batch_size} and {self.visual_dim}."
            )
