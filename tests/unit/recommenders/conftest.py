"""Small data to fit on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from visrec.core.dataset import Dataset
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap


@pytest.fixture
def items_of() -> Callable[..., ItemFeatures]:
    """Makes items i0, i1, … from block name -> rows; a row of None is an item without the feature."""

    def make(blocks: Mapping[str, Sequence[Sequence[float] | None]], n_items: int | None = None) -> ItemFeatures:
        made = {}
        for name, rows in blocks.items():
            dim = max(len(row) for row in rows if row is not None)
            matrix = np.array([np.zeros(dim) if row is None else row for row in rows], dtype=np.float32)
            made[name] = FeatureBlock(name, matrix, np.array([row is not None for row in rows]), f"{name} of tests")
            n_items = len(rows)
        return ItemFeatures(IdMap(f"i{row}" for row in range(n_items or 0)), made)

    return make


@pytest.fixture
def histories_of() -> Callable[..., Histories]:
    """Makes histories from one list a user of (item row, weight) or (item row, weight, timestamp)."""

    def make(users: Sequence[Sequence[tuple[float, ...]]], n_items: int) -> Histories:
        events = [
            (user, event[0], event[1], event[2] if len(event) > 2 else 0)
            for user, history in enumerate(users)
            for event in history
        ]
        columns = np.array(events, dtype=np.float64).reshape(-1, 4).T
        return Histories.from_events(
            IdMap(f"u{row}" for row in range(len(users))),
            n_items,
            columns[0].astype(np.int64),
            columns[1].astype(np.int32),
            columns[2].astype(np.float32),
            columns[3].astype(np.int64),
        )

    return make


@pytest.fixture
def shop(items_of: Callable[..., ItemFeatures], histories_of: Callable[..., Histories]) -> Dataset:
    """40 users, 15 items: likes of several weights, dislikes, views; items 0 and 14 unseen, items 3 and 14 blind."""
    generator = np.random.default_rng(11)
    pictures: list[Sequence[float] | None] = list(generator.normal(1.0, 1.0, size=(15, 5)))
    texts: list[Sequence[float] | None] = list(generator.normal(size=(15, 4)))
    pictures[3] = pictures[14] = None
    texts[7] = None
    users = []
    for _ in range(40):
        seen = generator.choice(np.arange(1, 14), size=generator.integers(0, 8), replace=False)
        users.append([(int(item), float(generator.choice([1.0, 1.2, 0.3, 0.0, -1.0]))) for item in seen])
    return Dataset(histories_of(users, 15), items_of({"image": pictures, "text": texts}))


@pytest.fixture
def tastes(items_of: Callable[..., ItemFeatures], histories_of: Callable[..., Histories]) -> Dataset:
    """30 users who like even or odd items; pictures tell the two apart, and nobody has seen item 11."""
    generator = np.random.default_rng(0)
    pictures = [[1.0 if row % 2 else -1.0, *generator.normal(0, 0.1, size=2)] for row in range(12)]
    users = []
    for user in range(30):
        own = np.arange(user % 2, 11, 2)
        users.append([(int(item), 1.0) for item in generator.permutation(own)[:4]])
    return Dataset(histories_of(users, 12), items_of({"image": pictures}))


@pytest.fixture
def watched() -> tuple[list[object], type]:
    """What a progress was told, and the progress: what it begins with as (label, total, unit), then each advance."""
    seen: list[object] = []

    class Watch:
        def __init__(self, label: str, *, total: int, unit: str) -> None:
            seen.append((label, total, unit))

        def __enter__(self) -> Watch:
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def advance(self, n: int = 1) -> None:
            seen.append(n)

    return seen, Watch
