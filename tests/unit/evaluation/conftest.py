from collections.abc import Callable, Sequence

import numpy as np
import pytest

from visrec.core.dataset import Dataset
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap

Event = tuple[int, int, float, int]


@pytest.fixture(scope="session")
def dataset_of() -> Callable[..., Dataset]:
    """Makes a dataset from (user, item, weight, timestamp) rows, and optionally image embeddings."""

    def make(events: Sequence[Event], n_users: int, n_items: int, images: np.ndarray | None = None) -> Dataset:
        columns = np.array(events, dtype=np.float64).reshape(-1, 4).T
        histories = Histories.from_events(
            IdMap(f"u{row}" for row in range(n_users)),
            n_items,
            columns[0].astype(np.int64),
            columns[1].astype(np.int32),
            columns[2].astype(np.float32),
            columns[3].astype(np.int64),
        )
        blocks = {}
        if images is not None:
            matrix = images.astype(np.float32)
            blocks["image"] = FeatureBlock("image", matrix, matrix.any(axis=1), "test")
        return Dataset(histories, ItemFeatures(IdMap(f"i{row}" for row in range(n_items)), blocks))

    return make


@pytest.fixture(scope="session")
def shop(dataset_of: Callable[..., Dataset]) -> Dataset:
    """60 users, 50 items (the last 5 without events), 1,500 events with repeats, likes, dislikes and views."""
    generator = np.random.default_rng(7)
    n = 1500
    events = np.stack(
        [
            np.concatenate([np.arange(59), generator.integers(0, 59, n - 59)]),  # user 59 has no events
            generator.integers(0, 45, n),
            generator.choice([1.0, 0.5, 0.0, -1.0], n),
            generator.integers(1_600_000_000, 1_610_000_000, n),
        ],
        axis=1,
    )
    return dataset_of(events, 60, 50, generator.normal(size=(50, 8)))
