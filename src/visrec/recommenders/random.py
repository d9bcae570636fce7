"""An order without any reason: the floor that every recommender must beat."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import Capabilities, Decomposition, Scores
from visrec.recommenders.content import PerItems
from visrec.recommenders.decompose import impersonal

__all__ = ["Random", "RandomSettings"]


@dataclass(frozen=True)
class RandomSettings:
    """Settings of `Random`.

    Attributes:
        seed: another seed gives another order.
    """

    seed: int = 42


class Random:
    """Uniform scores in [0, 1) that depend on the seed, the user id and the item id, and on nothing else.

    The score is a hash (the finaliser of SplitMix64, Steele et al. 2014), so it is the same in any batch.
    """

    id = "random"
    capabilities = Capabilities(reads=())

    def __init__(self, settings: RandomSettings | None = None) -> None:
        self.settings = settings or RandomSettings()
        self._item_hashes = PerItems(lambda items: self._hash(items.item_ids))

    def fit(self, dataset: Dataset, progress: ProgressFactory = silent) -> Self:
        """Nothing to learn."""
        return self

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """Part "random", float32 (n_users, n_items)."""
        users = self._hash(histories.user_ids) << np.uint64(32)
        mixed = _splitmix64(_splitmix64(users[:, None] ^ self._item_hashes(items)[None, :]))
        return Scores({"random": (mixed >> np.uint64(40)).astype(np.float32) / np.float32(2**24)})

    def contributions(self, history: Histories, items: ItemFeatures, rows: npt.NDArray[np.int64]) -> Decomposition:
        """All base: no event counts; see `Decomposable`."""
        return impersonal(self.score(history, items), history, rows)

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """The seed."""
        return {"settings": asdict(self.settings)}, {}

    def load_state(self, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Become the saved model."""
        self.settings = RandomSettings(**settings["settings"])
        self._item_hashes = PerItems(lambda items: self._hash(items.item_ids))
        return self

    def _hash(self, ids: IdMap) -> npt.NDArray[np.uint64]:
        salt = str(self.settings.seed).encode()
        return np.fromiter((zlib.crc32(i.encode(), zlib.crc32(salt)) for i in ids), np.uint64, len(ids))


def _splitmix64(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
