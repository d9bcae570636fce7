"""The frozen view that recommenders are fitted on."""

from __future__ import annotations

from dataclasses import dataclass

from visrec.core.errors import InputError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories

__all__ = ["Dataset"]


@dataclass(frozen=True)
class Dataset:
    """Histories and item features that belong together; made by the workspace, never changed.

    Attributes:
        histories: n_users histories whose `item_index` are rows of `items`.
        items: the features of n_items items.
    """

    histories: Histories
    items: ItemFeatures

    def __post_init__(self) -> None:
        if self.histories.n_items != len(self.items):
            raise InputError(f"Expected histories over {len(self.items)} items, got {self.histories.n_items}.")

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.histories)

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.items)
