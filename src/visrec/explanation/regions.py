"""A picture in regions, any of which can be hidden; and what a method says that each is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Labels", "Masks", "RegionMap", "Value", "hide", "superpixels"]

Labels = npt.NDArray[np.int64]
Masks = npt.NDArray[np.bool_]
#: What the picture is worth with only some regions shown: bool (n, n_regions), True for shown -> float64 (n,).
Value = Callable[[Masks], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class RegionMap:
    """What each region of a picture adds to a score.

    Attributes:
        method: "lime", "shap" or "occlusion".
        labels: int64 (height, width), the region of each pixel, 0 … n_regions - 1.
        weights: float64 (n_regions,); above 0 raises the score.
        whole: the score with the whole picture.
        hidden: the score with every region hidden.
        fit: for "lime" and "shap" the share of the samples' variance that the weights account for; None else.
    """

    method: str
    labels: Labels
    weights: npt.NDArray[np.float64]
    whole: float
    hidden: float
    fit: float | None = None

    def heat(self) -> npt.NDArray[np.float64]:
        """The weights where their regions are, float64 (height, width), from -1 to 1; 0 where all are rounding."""
        largest = float(np.abs(self.weights).max(initial=0.0))
        rounding = 1e-6 * max(abs(self.whole), abs(self.hidden))
        return self.weights[self.labels] / largest if largest > rounding else np.zeros(self.labels.shape)

    def to_json(self, n: int = 10) -> dict[str, Any]:
        """The n regions with the largest weights: "weight", "area" and "box" as shares of what the encoder sees."""
        height, width = self.labels.shape
        regions = []
        for region in np.argsort(-np.abs(self.weights), kind="stable")[:n].tolist():
            y, x = np.nonzero(self.labels == region)
            box = [x.min() / width, y.min() / height, (x.max() + 1) / width, (y.max() + 1) / height]
            area = len(x) / self.labels.size
            regions.append(
                {
                    "weight": float(self.weights[region]),
                    "area": round(area, 4),
                    "box": [round(float(edge), 4) for edge in box],
                }
            )
        told = {"method": self.method, "score": self.whole, "hidden": self.hidden, "regions": regions}
        return told if self.fit is None else {**told, "fit": round(self.fit, 4)}


def superpixels(pixels: npt.NDArray[np.uint8], n: int = 36) -> Labels:
    """Regions of about one colour: SLIC (Achanta et al. 2012, doi:10.1109/TPAMI.2012.120), deterministic.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        n: about so many regions; of a picture of one colour they are squares.

    Returns:
        int64 (height, width), 0 … n_regions - 1.
    """
    from skimage.segmentation import slic

    labels = slic(pixels, n_segments=n, compactness=15.0, start_label=0, channel_axis=-1)
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int64)


def hide(
    pixels: npt.NDArray[np.uint8], fill: npt.NDArray[np.uint8], labels: Labels, shown: Masks
) -> npt.NDArray[np.uint8]:
    """Pictures with some regions replaced.

    Args:
        pixels: uint8 (height, width, channels).
        fill: what is put in place of a hidden pixel, of the same shape.
        labels: the regions.
        shown: bool (n, n_regions).

    Returns:
        uint8 (n, height, width, channels).
    """
    return np.where(shown[:, labels][..., None], pixels[None], fill[None])
