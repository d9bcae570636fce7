"""The map of the catalogue: a place in the plane for every item with a picture."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.core.artifacts import load_artifact, load_settings, save_artifact
from visrec.core.errors import NotFoundError, UnsupportedError, WorkspaceError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.lock import WriteLock

__all__ = ["ItemMap", "ItemMaps"]

#: With more new items than this share of all, a map is made anew.
_MOST_NEW = 0.1
_LAYOUT = 1


@dataclass(frozen=True)
class ItemMap:
    """Where items lie: what looks alike is side by side.

    Attributes:
        item_ids: the n items with an embedded picture, in the catalogue's order.
        positions: float32 (n, 2), from 0 to 1, x to the right, y downwards; both in one scale.
        method: "tsne", which keeps neighbours together; or "pca", its stand-in until it was worked out.
        features: the feature set that pictures were compared in.
        n_beside: items that came later, and were put beside what they are most alike.
        seconds: what it took; 0 where it was read.
    """

    item_ids: tuple[str, ...]
    positions: npt.NDArray[np.float32]
    method: str
    features: str
    n_beside: int = 0
    seconds: float = field(default=0.0, compare=False)

    def to_json(self) -> dict[str, Any]:
        """The map as JSON-able values."""
        places = np.round(self.positions.astype(np.float64), 5).tolist()
        return {
            "method": self.method,
            "features": self.features,
            "items": [{"item_id": i, "x": x, "y": y} for i, (x, y) in zip(self.item_ids, places, strict=True)],
        }


class ItemMaps:
    """The map of a workspace's items: worked out once for a feature set, kept below SHOP/map.

    Args:
        root: the workspace's folder.
        features: gives the items' features as they are now.
    """

    def __init__(self, root: Path, features: Callable[[], ItemFeatures]) -> None:
        self._root = root
        self._features = features

    @property
    def _folder(self) -> Path:
        return self._root / "map" / "layout"

    def now(self) -> ItemMap:
        """The map at once: as it was saved, else by principal components.

        Raises:
            UnsupportedError: before the pictures are encoded.
        """
        from visrec.workspace.layout import by_variance

        item_ids, block = self._embedded()
        saved = self._saved(item_ids, block)
        if saved is not None:
            return saved
        started = time.perf_counter()
        positions = _in_unit_square(by_variance(block.matrix))
        return ItemMap(item_ids, positions, "pca", block.origin, seconds=time.perf_counter() - started)

    def make(self) -> ItemMap:
        """The map that keeps neighbours together: as it was saved, else worked out now and saved.

        Takes about a minute for 10,000 items. One process works it out; another meanwhile waits for it.

        Raises:
            UnsupportedError: before the pictures are encoded.
        """
        from visrec.workspace.layout import by_neighbours

        with WriteLock(self._root / "map" / "lock", "The map", wait=True):
            item_ids, block = self._embedded()
            saved = self._saved(item_ids, block)
            if saved is not None:
                return saved
            started = time.perf_counter()
            positions = _in_unit_square(by_neighbours(block.matrix))
            settings = {"layout": _LAYOUT, "features": block.origin}
            names = np.frombuffer(json.dumps(item_ids).encode(), dtype=np.uint8)
            save_artifact(self._folder, settings, {"positions": positions, "item_ids": names}, keep=1)
        return ItemMap(item_ids, positions, "tsne", block.origin, seconds=time.perf_counter() - started)

    def _embedded(self) -> tuple[tuple[str, ...], FeatureBlock]:
        """The items with an embedded picture, and their embeddings."""
        items = self._features()
        block = items.blocks.get("image")
        if block is None or not block.present.any():
            raise UnsupportedError(f"A map needs the pictures' embeddings. Make them with: visrec encode {self._root}")
        rows = np.flatnonzero(block.present)
        return tuple(items.item_ids[row] for row in rows.tolist()), block.take(rows)

    def _saved(self, item_ids: tuple[str, ...], block: FeatureBlock) -> ItemMap | None:
        """What was saved, made to fit the items of today; None where it is of too few of them, or of other features."""
        from visrec.workspace.layout import beside

        wanted = {"layout": _LAYOUT, "features": block.origin}
        try:
            if load_settings(self._folder) != wanted:
                return None
            _, arrays = load_artifact(self._folder)
        except (NotFoundError, WorkspaceError):
            # Never made, or damaged: it can always be made again.
            return None
        places = dict(zip(json.loads(arrays["item_ids"].tobytes()), np.array(arrays["positions"]), strict=True))
        nowhere = np.full(2, np.nan, dtype=np.float32)
        positions = np.stack([places.get(item_id, nowhere) for item_id in item_ids])
        n_new = int(np.isnan(positions[:, 0]).sum())
        if n_new > _MOST_NEW * len(item_ids):
            return None
        if n_new:
            positions = beside(block.matrix, positions)
        return ItemMap(item_ids, positions, "tsne", block.origin, n_new)


def _in_unit_square(positions: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Scaled to fill the square from 0 to 1 one way, and centred the other way."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    scale = max(float((high - low).max()), 1e-12)
    return ((positions - (low + high) / 2) / scale + 0.5).astype(np.float32)
