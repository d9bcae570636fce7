"""Which regions of an item's picture move its score: hidden in turn, encoded anew, and scored again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import ImageError, InputError, UnsupportedError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.parts import only_items
from visrec.core.protocols import ImageEncoder, Recommender
from visrec.core.settings import ImageLimits
from visrec.workspace.assemble import unit_rows

if TYPE_CHECKING:
    from visrec.explanation.regions import Labels, Masks, RegionMap

__all__ = [
    "REGION_METHODS",
    "SeenPicture",
    "Stage",
    "check_method",
    "picture_value",
    "region_map",
    "require_pictures",
    "see",
]

#: Names of `METHODS`, here so that they need not be imported to be known.
REGION_METHODS = ("lime", "shap", "occlusion")
#: Pictures that are encoded at once.
_BATCH = 16
#: Fewer samples tell nothing of some 36 regions.
_LEAST_SAMPLES = 20
#: Items beside those of the history that stand for the catalogue while samples are scored.
_OTHERS = 1_000


@dataclass(frozen=True)
class SeenPicture:
    """A picture as its encoder sees it.

    Attributes:
        file: where it is.
        pixels: uint8 (size, size, 3), RGB, cropped and scaled.
        inputs: what the encoder makes of it.
        fill: what the encoder makes of a picture of its mean colour: what is put in place of a hidden region.
    """

    file: Path
    pixels: npt.NDArray[np.uint8]
    inputs: npt.NDArray[np.uint8]
    fill: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Stage:
    """What samples are scored with: a history, a model, and the items that it needs.

    Attributes:
        history: of one user over `items`.
        items: those of the history, and others that stand for the catalogue.
        item: the features of the one item whose picture is looked at.
        model: scores.
    """

    history: Histories
    items: ItemFeatures
    item: ItemFeatures
    model: Recommender

    @classmethod
    def of(cls, history: Histories, items: ItemFeatures, row: int, model: Recommender) -> Stage:
        """Keep what scoring needs: all of a large catalogue would cost more than the encoder.

        That the item was liked itself, where it was, is left out: its look would be compared with itself.
        """
        history = history.select(history.item_index != row)
        kept = np.zeros(len(items), dtype=np.bool_)
        kept[np.linspace(0, len(items) - 1, min(len(items), _OTHERS)).astype(np.int64)] = True
        kept[history.item_index] = True
        bare = ItemFeatures(items.item_ids, items.blocks)
        fewer = only_items(Dataset(history, bare), kept)
        return cls(fewer.histories, fewer.items, bare.take(np.array([row])), model)

    def score(self, embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """The scores of the item, as one that is new, with each of these pictures for its own; float64 (n,)."""
        n, behind = len(embeddings), len(self.items)
        names = IdMap([*self.items.item_ids, *(f"\ufffdsample {number}" for number in range(n))])
        blocks = {}
        for name, block in self.items.blocks.items():
            own = self.item.blocks[name]
            rows = unit_rows(embeddings) if name == "image" else np.repeat(own.matrix, n, axis=0)
            there = np.concatenate([block.present, np.repeat(own.present, n)])
            blocks[name] = FeatureBlock(name, np.concatenate([block.matrix, rows]), there, block.origin, block.labels)
        one = self.history
        wider = Histories(one.user_ids, behind + n, one.indptr, one.item_index, one.weight, one.timestamp, one.rating)
        return self.model.score(wider, ItemFeatures(names, blocks)).values[0, behind:].astype(np.float64)


def check_method(method: str, n_samples: int) -> None:
    """Refuse an unknown method, and samples that tell nothing.

    Raises:
        InputError: saying so.
    """
    if method not in REGION_METHODS:
        raise InputError(f"There is no region method {method!r}. Known: {', '.join(REGION_METHODS)}.")
    if n_samples < _LEAST_SAMPLES:
        raise InputError(f"Expected {_LEAST_SAMPLES} samples or more, got {n_samples}.")


def require_pictures(model: Recommender, items: ItemFeatures, row: int) -> None:
    """Refuse regions where the score does not come from an embedded picture.

    Raises:
        UnsupportedError: saying why.
    """
    reads = model.capabilities.reads
    if "image" not in reads or "image" not in items.blocks or "pictures" in model.capabilities.needs:
        raise UnsupportedError(
            f"{model.id} reads no embedded pictures: no region of a picture moves its scores. Take a model that does, "
            "such as --model blend or --model visual-knn."
        )
    if not items.blocks["image"].present[row]:
        raise UnsupportedError(
            f"Item {items.item_ids[row]!r} has no embedded picture, so there are no regions to explain. "
            "Past items still explain it: leave out --regions and --picture."
        )


def see(encoder: ImageEncoder, file: Path, limits: ImageLimits) -> SeenPicture:
    """Read a picture as an encoder sees it.

    Raises:
        InputError: when it cannot be read.
    """
    from PIL import Image

    from visrec.encoders.framing import Framing
    from visrec.encoders.pipeline import read_picture
    from visrec.images.decode import decode

    told = encoder.info.preprocessing
    try:
        picture = decode(read_picture(file, limits), limits, at_least=told.get("at_least"))
    except ImageError as error:
        raise InputError(f"{file} cannot be used: {error}. Its regions cannot be explained.") from error
    framing = Framing(told["size"], told["crop"], told["interpolation"], whole=told["whole"])
    pixels = framing.apply(picture)
    mean = tuple(int(channel) for channel in pixels.reshape(-1, 3).mean(axis=0).round())
    plain = Image.new("RGB", picture.size, mean)
    return SeenPicture(file, pixels, encoder.preprocess(picture), encoder.preprocess(plain))


def region_map(
    picture: SeenPicture,
    encoder: ImageEncoder,
    score: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float64]],
    method: str,
    n_samples: int = 500,
    seed: int = 0,
) -> RegionMap:
    """What each region of a picture adds to a score of its embedding.

    Args:
        picture: of `see`.
        encoder: the same.
        score: embeddings, float32 (n, dim), to scores, float64 (n,).
        method: out of `REGION_METHODS`.
        n_samples: pictures with hidden regions that are encoded, in batches.
        seed: of the samples.
    """
    from visrec.explanation.region_methods import METHODS, occlusion_grid
    from visrec.explanation.regions import superpixels

    labels = occlusion_grid(*picture.pixels.shape[:2]) if method == "occlusion" else superpixels(picture.pixels)
    return METHODS[method](labels, picture_value(picture, labels, encoder, score), n_samples, seed)


def picture_value(
    picture: SeenPicture,
    labels: Labels,
    encoder: ImageEncoder,
    score: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float64]],
) -> Callable[[Masks], npt.NDArray[np.float64]]:
    """The score of a picture as a function of which regions are shown."""
    from visrec.explanation.regions import hide

    # The encoder's own resolution may differ from that of what is shown to people.
    height, width = picture.inputs.shape[:2]
    rows = np.arange(height) * labels.shape[0] // height
    columns = np.arange(width) * labels.shape[1] // width
    fitting = labels[np.ix_(rows, columns)]

    def value(shown: Masks) -> npt.NDArray[np.float64]:
        starts = range(0, len(shown), _BATCH)
        batches = (hide(picture.inputs, picture.fill, fitting, shown[start : start + _BATCH]) for start in starts)
        return score(np.concatenate([encoder.embed(batch) for batch in batches]))

    return value
