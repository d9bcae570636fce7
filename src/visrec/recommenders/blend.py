"""The default: a weighted sum of every source that the catalogue allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import NotFittedError, UnsupportedError
from visrec.core.features import BLOCK_SOURCES, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import Capabilities, Recommender, Scores
from visrec.recommenders.appeal import Appeal
from visrec.recommenders.content_knn import content_knn
from visrec.recommenders.ease import Ease
from visrec.recommenders.popular import Popular

__all__ = ["Blend", "BlendSettings"]

Matrix = npt.NDArray[np.float32]

_SOURCE_BLOCKS: Mapping[str, str] = MappingProxyType({source: block for block, source in BLOCK_SOURCES.items()})


@dataclass(frozen=True)
class BlendSettings:
    """How much each source counts, in standard deviations of the user's scores.

    With n the mean number of likes of a liked item, content weighs `content_evidence` / n beside a
    collaborative weight of 1: behaviour is believed where there is enough of it.

    Attributes:
        content_evidence: likes an item at which look and words together count as much as behaviour.
        appeal_evidence: likes an item at which `appeal` has half its full weight, that of one content source.
        popular: weight of `popular`, relative to one content source.
    """

    content_evidence: float = 3.0
    appeal_evidence: float = 10.0
    popular: float = 0.5


class Blend:
    """score(u, i) = Σ_s w_s z_s(u, i), with z_s the source's scores brought to mean 0 and deviation 1 per user.

    A source that the catalogue does not allow (no pictures, no texts, no likes) is left out, and `sources`
    says which are in. Each part is standardised over the items that its source knows (a content source: those
    that have the feature, alike or not; the others: those that they give a score) and is 0, the average, for the
    rest: among new items their look, words and categories decide, and what is known of the appeal of such items.

    Complexity: that of its sources. Parts: one a source; they add up to the score.
    """

    id = "blend"
    capabilities = Capabilities()

    def __init__(self, settings: BlendSettings | None = None) -> None:
        self.settings = settings or BlendSettings()
        self._members: dict[str, Recommender] = {}
        self._weights: dict[str, float] = {}

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that `fit` found usable, "collaborative", "visual", "text", "category", "appeal", "popular"."""
        return tuple(self._members)

    def fit(self, dataset: Dataset, progress: ProgressFactory = silent) -> Self:
        """Fit every source that the dataset allows.

        Raises:
            UnsupportedError: when there is neither behaviour nor any feature.
        """
        members: dict[str, Recommender] = {}
        for source, model in self._candidates().items():
            try:
                members[source] = model.fit(dataset, progress)
            except UnsupportedError:
                continue
        if set(members) == {"popular"} and not dataset.histories.n_events:
            raise UnsupportedError("blend needs interactions, pictures, texts or categories; the catalogue has none.")
        liked = dataset.histories.liked()
        likes = liked.nnz / max(len(np.unique(liked.indices)), 1)
        self._members, self._weights = members, self._weigh(likes)
        return self

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """Score every item for every history; see `Recommender.score`."""
        if not self._members:
            raise NotFittedError("blend has not been fitted. Call fit(dataset) first.")
        parts: dict[str, Matrix] = {}
        for source, model in self._members.items():
            raw = model.score(histories, items).parts[source]
            block = items.blocks.get(_SOURCE_BLOCKS.get(source, ""))
            known = raw != 0 if block is None else np.broadcast_to(block.present, raw.shape)
            parts[source] = _standardised(raw, known) * np.float32(self._weights[source])
        return Scores(parts)

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """The members' states, their arrays prefixed with the source."""
        if not self._members:
            raise NotFittedError("blend has not been fitted. Call fit(dataset) first.")
        settings: dict[str, Any] = {"settings": asdict(self.settings), "weights": self._weights, "members": {}}
        arrays: dict[str, npt.NDArray[Any]] = {}
        for source, model in self._members.items():
            settings["members"][source], own = model.state()
            arrays.update({f"{source}.{name}": array for name, array in own.items()})
        return settings, arrays

    def load_state(self, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Become the saved model."""
        self.settings = BlendSettings(**settings["settings"])
        self._weights = dict(settings["weights"])
        fresh = self._candidates()
        self._members = {}
        for source, saved in settings["members"].items():
            prefix = f"{source}."
            own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            self._members[source] = fresh[source].load_state(saved, own)
        return self

    def _candidates(self) -> dict[str, Recommender]:
        neighbours = {source: content_knn(block) for block, source in BLOCK_SOURCES.items()}
        return {"collaborative": Ease(), **neighbours, "appeal": Appeal(), "popular": Popular()}

    def _weigh(self, likes_per_item: float) -> dict[str, float]:
        """Source -> weight."""
        settings = self.settings
        content = settings.content_evidence / max(likes_per_item, 1.0)
        return {
            "collaborative": 1.0,
            **dict.fromkeys(BLOCK_SOURCES.values(), content),
            "appeal": content * likes_per_item / (likes_per_item + settings.appeal_evidence),
            "popular": content * settings.popular,
        }


def _standardised(scores: Matrix, known: npt.NDArray[np.bool_]) -> Matrix:
    """Mean 0 and deviation 1 over the known scores of each row, 0 elsewhere; float32. Of equal scores all are 0."""
    count = np.maximum(known.sum(axis=1, keepdims=True), 1).astype(np.float32)
    mean = np.where(known, scores, np.float32(0.0)).sum(axis=1, keepdims=True) / count
    centred = np.where(known, scores - mean, np.float32(0.0))
    deviation = np.sqrt(np.square(centred).sum(axis=1, keepdims=True) / count)
    # Equal scores, and cosines that cancel out, differ by rounding, which is not to be blown up to a deviation of 1.
    varied = deviation > np.maximum(np.abs(mean) * np.float32(1e-5), np.float32(1e-7))
    return np.divide(centred, deviation, out=np.zeros_like(centred), where=varied)
