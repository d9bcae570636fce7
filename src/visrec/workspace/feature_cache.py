"""The items' features as the recommenders take them, put together once for each state of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

from visrec.catalogue.catalogue import Catalogue
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.ids import IdMap
from visrec.core.settings import ImageLimits
from visrec.workspace.assemble import image_block, text_block
from visrec.workspace.columns import category_block, category_columns, text_columns, texts, title_column
from visrec.workspace.item_pictures import ItemPictures

__all__ = ["FeatureCache"]

# The features in use, and those of models that learned from others: an earlier one, or the arms of an experiment.
_KEPT = 4


class FeatureCache:
    """`ItemFeatures` and titles of a catalogue; the same object as long as nothing has changed.

    All methods may be called by several threads: one puts features together, the others wait for it.

    Args:
        catalogue: whose items.
        limits: what a picture may cost.
    """

    def __init__(self, catalogue: Catalogue, limits: ImageLimits | None = None) -> None:
        self._catalogue = catalogue
        self._limits = limits
        self._pictures: tuple[object, ItemPictures | None] = (None, None)
        self._features: dict[tuple[str, str], tuple[object, ItemFeatures]] = {}
        self._titles: tuple[object, Mapping[int, str]] = (None, {})
        self._assembling = Lock()

    def features(self, image_features: str, text_features: str) -> ItemFeatures:
        """Features of every item.

        Args:
            image_features: name of a feature set of pictures, "" for none.
            text_features: name of a feature set of texts, "" for none.
        """
        names = (image_features, text_features)
        cached = self._features.get(names)
        if cached is None or cached[0] != self._state(names):
            with self._assembling:
                cached = self._again(names)
        return cached[1]

    def titles(self) -> Mapping[int, str]:
        """Row of an item -> its title, of the items that have one."""
        version = self._catalogue.version
        if self._titles[0] != version:
            self._titles = (version, self._read_titles())
        return self._titles[1]

    def unreadable_pictures(self) -> Mapping[str, str]:
        """Path -> reason, of the pictures that a model asked for and that could not be read."""
        pictures = self._pictures[1]
        return {} if pictures is None else pictures.unreadable

    def _state(self, names: tuple[str, str]) -> tuple[object, ...]:
        """Another one whenever features put together now would be others."""
        store = self._catalogue.features
        return (self._catalogue.version, *(store.version(name) for name in names))

    def _again(self, names: tuple[str, str]) -> tuple[object, ItemFeatures]:
        # Read before the content: what is written meanwhile is then found next time.
        state, cached = self._state(names), self._features.get(names)
        if cached is None or cached[0] != state:
            cached = (state, self._assemble(*names, state[0]))
            self._features.pop(names, None)
            self._features[names] = cached
            while len(self._features) > _KEPT:
                self._features.pop(next(iter(self._features)))
        return cached

    def _assemble(self, image_features: str, text_features: str, version: object) -> ItemFeatures:
        items, store = self._catalogue.items(), self._catalogue.features
        item_ids = IdMap(items.column("item_id").to_pylist())
        blocks: dict[str, FeatureBlock] = {}
        if image_features:
            blocks["image"] = image_block(item_ids, self._catalogue.images(), store, image_features)
        if text_features:
            blocks["text"] = text_block(texts(items, text_columns(items))[1], store, text_features)
        categories = category_block(items, category_columns(items))
        if categories is not None:
            blocks["category"] = categories
        return ItemFeatures(item_ids, blocks, self._pictures_of(item_ids, version))

    def _pictures_of(self, item_ids: IdMap, version: object) -> ItemPictures | None:
        """The items' pictures, the same whatever features go with them, so that each is decoded once."""
        if self._pictures[0] != version:
            images = self._catalogue.images()
            pictures = ItemPictures.of(item_ids, images, self._limits) if len(images) else None
            self._pictures = (version, pictures)
        return self._pictures[1]

    def _read_titles(self) -> Mapping[int, str]:
        items = self._catalogue.items()
        column = title_column(items)
        if column is None:
            return {}
        return {row: str(title) for row, title in enumerate(items.column(column).to_pylist()) if title is not None}
