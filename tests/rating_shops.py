"""Small logs with ratings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drawn_pictures import DrawnPictures
from visrec.core.dataset import Dataset
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap

N_USERS, N_ITEMS = 60, 40


def rated(users: Sequence[Sequence[tuple[float, ...]]], n_items: int, name: str = "u") -> Histories:
    """One history a list of (item row, rating), oldest first; a rating of NaN is a view."""
    events = [(user, item, rating) for user, history in enumerate(users) for item, rating in history]
    columns = np.array(events, dtype=np.float64).reshape(-1, 3).T
    return Histories.from_events(
        IdMap(f"{name}{row}" for row in range(len(users))),
        n_items,
        columns[0].astype(np.int64),
        columns[1].astype(np.int32),
        np.ones(len(events), np.float32),
        np.arange(len(events), dtype=np.int64),
        columns[2].astype(np.float32),
    )


def items_of_two_looks(n_items: int, bare: Sequence[int] = ()) -> ItemFeatures:
    """Items whose pictures say whether their row is even, apart from the `bare` ones, which have none."""
    side = np.where(np.arange(n_items) % 2 == 0, 1.0, -1.0)
    # Drawn row by row, so that a longer catalogue starts with the very items of a shorter one.
    matrix = 0.1 * np.random.default_rng(6).normal(size=(n_items, 6)) + 3.0
    matrix[:, 0] += side
    present = np.ones(n_items, dtype=np.bool_)
    present[list(bare)] = False
    matrix[~present] = 0.0
    block = FeatureBlock("image", matrix.astype(np.float32), present, "made")
    pictures = DrawnPictures.of_two_colours(n_items).take(np.where(present, np.arange(n_items), -1))
    return ItemFeatures(IdMap(f"i{row}" for row in range(n_items)), {"image": block}, pictures)


def two_tastes() -> Dataset:
    """User u gives 5 or 4 to items of the parity of u and 1 or 2 to the others; 12 ratings each."""
    generator = np.random.default_rng(3)
    users = []
    for user in range(N_USERS):
        seen = generator.choice(N_ITEMS, size=12, replace=False)
        users.append(
            [(int(i), float(generator.choice([4, 5] if i % 2 == user % 2 else [1, 2]))) for i in seen.tolist()]
        )
    return Dataset(rated(users, N_ITEMS), items_of_two_looks(N_ITEMS))
