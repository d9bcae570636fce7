"""A small world of looks: three styles among pictures of no style."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.taste.builder import TasteBuilder
from visrec.taste.space import TasteSpace

DAY = 86_400
STYLES = ("red", "blue", "green")
PER_STYLE = 6
PLAIN = 60


@dataclass(frozen=True)
class World:
    """Items "red-0" … "green-5" lie near a direction of their own, "plain-0" … anywhere, "unseen" has no picture."""

    items: ItemFeatures
    vectors: np.ndarray

    def history(self, *events: tuple[str, float, int], user: str = "u") -> Histories:
        """One user's events: item, weight, day."""
        rows = self.items.item_ids.rows([event[0] for event in events])
        assert (rows >= 0).all()
        return Histories.from_events(
            IdMap([user]),
            len(self.items),
            np.zeros(len(events), dtype=np.int64),
            rows.astype(np.int32),
            np.array([event[1] for event in events], dtype=np.float32),
            np.array([event[2] * DAY for event in events], dtype=np.int64),
        )

    def vector(self, item_id: str) -> np.ndarray:
        return self.vectors[self.items.item_ids.index(item_id)]


@pytest.fixture(scope="session")
def builder(world: World) -> TasteBuilder:
    """A builder in the space of the vectors themselves: nobody has liked anything yet."""
    space = TasteSpace.fit(world.vectors, world.history().liked())
    assert not space.learned
    return TasteBuilder(world.items, world.vectors, space)


@pytest.fixture(scope="session")
def world() -> World:
    rng = np.random.default_rng(5)
    ids, rows, colours = [], [], []
    for axis, style in enumerate(STYLES):
        for number in range(PER_STYLE):
            ids.append(f"{style}-{number}")
            rows.append(4 * np.eye(24)[axis] + rng.normal(size=24) / 3)
            colours.append(axis)
    for number in range(PLAIN):
        ids.append(f"plain-{number}")
        rows.append(np.concatenate([np.zeros(3), rng.normal(size=21)]))
        colours.append(number % 3)
    vectors = np.array(rows)
    vectors = np.concatenate([vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.zeros((1, 24))])
    vectors = vectors.astype(np.float32)
    colour = np.eye(3, dtype=np.float32)[[*colours, 0]]
    present = vectors.any(axis=1)
    blocks = {
        "image": FeatureBlock("image", vectors, present, "toy-encoder"),
        "category": FeatureBlock(
            "category", colour, np.ones(len(colour), dtype=bool), "columns colour", tuple(f"colour={s}" for s in STYLES)
        ),
    }
    return World(ItemFeatures(IdMap([*ids, "unseen"]), blocks), vectors)
