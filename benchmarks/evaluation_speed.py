"""How long judging a model takes beyond the model's own scoring.

    python benchmarks/evaluation_speed.py [--users 6000] [--items 4000]

Scoring is a plain matrix product of random user and item vectors; evaluation is everything after it: masking,
top 10 of the whole catalogue, the metrics with their intervals. Both are timed in the same run.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import Capabilities, Scores
from visrec.evaluation.evaluate import evaluate
from visrec.evaluation.splits import make_split


@dataclass(frozen=True)
class Settings:
    """None."""


class Product:
    """Scores = user vectors x item vectors, with an item's embedding as its vector."""

    id = "product"
    capabilities = Capabilities()
    settings = Settings()

    def fit(self, dataset: Dataset, progress: ProgressFactory = silent) -> Self:
        """Draw a vector a user."""
        dim = dataset.items.blocks["image"].dim
        self.users = np.random.default_rng(1).standard_normal((dataset.n_users, dim), dtype=np.float32)
        self.row = {user: row for row, user in enumerate(dataset.histories.user_ids)}
        return self

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """One product."""
        rows = [self.row[user] for user in histories.user_ids]
        return Scores({"visual": self.users[rows] @ items.blocks["image"].matrix.T})

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Nothing is kept."""
        return {}, {}

    def load_state(self, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Nothing is kept."""
        return self


def random_dataset(n_users: int, n_items: int, n_events: int, dim: int) -> Dataset:
    """Events with a long tail over items, and random embeddings."""
    generator = np.random.default_rng(0)
    popularity = 1 / np.arange(1, n_items + 1)
    histories = Histories.from_events(
        IdMap(f"u{row}" for row in range(n_users)),
        n_items,
        generator.integers(0, n_users, n_events),
        generator.choice(n_items, n_events, p=popularity / popularity.sum()).astype(np.int32),
        np.ones(n_events, np.float32),
        generator.integers(1, 1_000_000, n_events),
    )
    matrix = generator.standard_normal((n_items, dim), dtype=np.float32)
    everywhere = np.ones(n_items, np.bool_)
    image = FeatureBlock("image", matrix, everywhere, "random")
    kinds = np.eye(40, dtype=np.float32)[generator.integers(0, 40, n_items)]
    category = FeatureBlock("category", kinds, everywhere, "random", tuple(f"kind={kind}" for kind in range(40)))
    items = ItemFeatures(IdMap(f"i{row}" for row in range(n_items)), {"image": image, "category": category})
    return Dataset(histories, items)


def main() -> None:
    """Time one evaluation and print where the time went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=6_000)
    parser.add_argument("--items", type=int, default=4_000)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--dim", type=int, default=512)
    options = parser.parse_args()
    dataset = random_dataset(options.users, options.items, options.events, options.dim)
    started = time.perf_counter()
    split = make_split(dataset, "random")
    split_seconds = time.perf_counter() - started
    started = time.perf_counter()
    found = evaluate(split, {"product": Product()})
    found.table()
    total = time.perf_counter() - started
    seconds = found.seconds["product"]
    beyond = total - seconds.fit - seconds.score
    print(
        f"{found.n_users:,} users x {found.n_items:,} items, dim {options.dim}, {len(found.models['product'])} metrics"
    )
    print(f"split              {split_seconds:6.2f} s")
    print(f"scoring            {seconds.score:6.2f} s   (a matrix product)")
    print(f"evaluation beyond  {beyond:6.2f} s   (preparation, masking, top 10, metrics, intervals, table)")


if __name__ == "__main__":
    main()
