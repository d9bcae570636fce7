"""The workspace that a server answers from, with what is worked out once for each state of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.compute as pc

from visrec.catalogue.interactions import Interaction
from visrec.core.errors import InputError, NotFoundError
from visrec.core.ids import IdMap
from visrec.workspace.workspace import Workspace

__all__ = ["Picture", "ServedShop"]

T = TypeVar("T")


@dataclass(frozen=True)
class Picture:
    """An item's first picture.

    Attributes:
        path: its file.
        sha256: of the file's content.
    """

    path: Path
    sha256: str


class ServedShop:
    """A workspace and what many requests ask of it; all methods may be called by several threads."""

    def __init__(self, shop: Workspace) -> None:
        self.shop = shop
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[object, Any]] = {}

    def warm_up(self) -> None:
        """Load what the first answer needs: the model in use, features, titles."""
        if not len(self.shop.catalogue.items()):
            return
        self.shop.item_features()
        self.shop.titles()
        shown = next(iter(self.pictures()), None)
        if shown is not None and self.shop.settings.image_features:
            self.shop.similar(shown, 1)
        # The log sorted by user, and the tables of the model itself: nobody without a like is ranked by it.
        self.shop.catalogue.interactions_of([])
        if self.shop.settings.model in self.shop.trained_models():
            first = self.shop.catalogue.items().column("item_id")[0].as_py()
            self.shop.recommend_session([Interaction("", first, "like")], 1)

    def item_ids(self) -> IdMap:
        """The items' ids, in the catalogue's order."""
        return self._once("item_ids", lambda: IdMap(self.shop.catalogue.items().column("item_id").to_pylist()))

    def row(self, item_id: str) -> int:
        """The row of an item.

        Raises:
            NotFoundError: when there is no such item.
        """
        ids = self.item_ids()
        if item_id not in ids:
            raise NotFoundError(f"There is no item {item_id!r}.")
        return ids.index(item_id)

    def pictures(self) -> Mapping[str, Picture]:
        """Item id -> its first picture, of the items that have one."""
        return self._once("pictures", self._read_pictures)

    def users(self) -> list[str]:
        """Everybody who did anything, in order of first sight; live events of others are not among them yet."""
        return self._once("users", lambda: pc.unique(self.shop.catalogue.interactions().column("user_id")).to_pylist())

    def check(self, name: str, asked: int, most: int) -> None:
        """Raise `InputError` where more is asked for than the server gives."""
        if not 1 <= asked <= most:
            raise InputError(f"Expected {name} of 1 to {most:,}, got {asked:,}.")

    def _read_pictures(self) -> Mapping[str, Picture]:
        images = self.shop.catalogue.images()
        columns = (images.column(name).to_pylist() for name in ("item_id", "position", "path", "sha256"))
        return {i: Picture(Path(path), sha) for i, position, path, sha in zip(*columns, strict=True) if position == 0}

    def _once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, made once for each state of the catalogue."""
        version = self.shop.catalogue.version
        kept = self._kept.get(name)
        if kept is None or kept[0] != version:
            with self._lock:
                kept = self._kept.get(name)
                if kept is None or kept[0] != version:
                    kept = (version, make())
                    self._kept[name] = kept
        return kept[1]
