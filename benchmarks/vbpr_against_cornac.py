"""What does an epoch of VBPR cost beside Cornac's, and which of the two finds a visual taste better?

    python -m venv /tmp/cornac
    /tmp/cornac/bin/pip install cornac==3.0.1 torch==2.13.0
    python benchmarks/vbpr_against_cornac.py --cornac-python /tmp/cornac/bin/python [--epochs 50] [--rounds 3]

Cornac lives in an environment of its own: visrec does not depend on it. Both learn from the same 2,000 users, 3,000
items, 43,000 likes and 512 features an item, with factors of length 10 and 10, for the same number of epochs, in turn.
Time is process time: user and system, of all threads, divided by the epochs; the seconds that visrec spends before and
after its epochs (components of the features, the map from histories to users) are counted in. Both rankings are judged
by visrec's own metrics over all items.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from visrec.evaluation.splits import Split

N_USERS, N_ITEMS, N_LIKES, WIDTH, DIM = 2_000, 3_000, 43_000, 512, 10


def planted(seed: int = 0) -> Split:
    """Users who like items by their look, their fame, and a taste that no picture shows; a quarter is held out."""
    from visrec.core.dataset import Dataset
    from visrec.core.features import FeatureBlock, ItemFeatures
    from visrec.core.histories import Histories
    from visrec.core.ids import IdMap
    from visrec.evaluation.splits import make_split

    generator = np.random.default_rng(seed)
    look, hidden = generator.normal(size=(N_ITEMS, 12)), generator.normal(size=(N_ITEMS, 4))
    features = np.maximum(look @ generator.normal(size=(12, WIDTH)) + generator.normal(size=(N_ITEMS, WIDTH)), 0)
    taste = 0.6 * generator.normal(size=(N_USERS, 12)) @ look.T + 0.6 * generator.normal(size=(N_USERS, 4)) @ hidden.T
    # The largest of score + Gumbel noise are a draw without replacement in proportion to exp(score).
    score = taste + generator.normal(size=N_ITEMS) + generator.gumbel(size=taste.shape)
    n_events = round(N_LIKES / 0.75)
    activity = generator.lognormal(sigma=0.6, size=N_USERS)
    counts = np.maximum(np.rint(activity / activity.sum() * n_events), 4).astype(np.int64)
    order = np.argsort(-score, axis=1)
    items = np.concatenate([row[:n] for row, n in zip(order, counts, strict=True)]).astype(np.int32)
    users = np.repeat(np.arange(N_USERS), counts)
    histories = Histories.from_events(
        IdMap(map(str, range(N_USERS))),
        N_ITEMS,
        users,
        items,
        np.ones(len(items), dtype=np.float32),
        np.zeros(len(items), dtype=np.int64),
    )
    block = FeatureBlock("image", features.astype(np.float32), np.ones(N_ITEMS, dtype=np.bool_), "drawn")
    return make_split(Dataset(histories, ItemFeatures(IdMap(map(str, range(N_ITEMS))), {"image": block})), "random")


def train_cornac(folder: Path, epochs: int) -> None:
    """Runs under Cornac's interpreter: reads input.npz, writes cornac.npz."""
    from cornac.data import Dataset, ImageModality
    from cornac.models import VBPR

    given = np.load(folder / "input.npz")
    triples = list(zip(given["users"].tolist(), given["items"].tolist(), [1.0] * len(given["users"]), strict=True))
    data = Dataset.build(triples)
    # Cornac numbers items by their first appearance; those without a like have no row.
    items = np.array(list(data.iid_map), dtype=np.int64)
    images = ImageModality(features=given["features"][items], ids=list(range(len(items))))
    images.build(id_map={row: row for row in range(len(items))})
    data.add_modalities(item_image=images)
    model = VBPR(k=DIM, k2=DIM, n_epochs=epochs, seed=1, verbose=False)
    started = time.process_time()
    model.fit(data)
    seconds = time.process_time() - started
    scores = np.full((N_USERS, N_ITEMS), -1e9, dtype=np.float32)
    for user, row in data.uid_map.items():
        scores[user, items] = model.score(row)
    np.savez(folder / "cornac.npz", scores=scores, seconds=seconds)


def run_cornac(python: str, split: Split, epochs: int) -> tuple[float, float]:
    """Seconds an epoch and NDCG@20."""
    train = split.train
    users = train.histories.user_ids.rows(list(train.histories.user_ids))[train.histories.user_index]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        features = train.items.blocks["image"].matrix
        np.savez(folder / "input.npz", users=users, items=train.histories.item_index, features=features)
        command = [python, __file__, "--worker", name, "--epochs", str(epochs)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found = np.load(folder / "cornac.npz")
        rows = train.histories.user_ids.rows(list(split.history.user_ids))
        return float(found["seconds"]) / epochs, ndcg(split, found["scores"][rows])


def run_visrec(split: Split, epochs: int) -> tuple[float, float]:
    """Seconds an epoch, all of `fit` counted, and NDCG@20 with users known by their histories only."""
    from visrec.recommenders.vbpr import VBPR, VBPRSettings

    model = VBPR(VBPRSettings(dim=DIM, visual_dim=DIM, epochs=epochs))
    started = time.process_time()
    model.fit(split.train)
    seconds = time.process_time() - started
    return seconds / epochs, ndcg(split, model.score(split.history, split.items).values)


def ndcg(split: Split, scores: np.ndarray) -> float:
    """NDCG@20 over all items that the user has not seen."""
    from visrec.core.top_k import top_k
    from visrec.evaluation.metrics import METRICS

    scores = scores.copy()
    seen = split.history.matrix().tocoo()
    scores[seen.row, seen.col] = -np.inf
    return float(METRICS["ndcg"](top_k(scores, 20), split.relevant).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cornac-python", help="interpreter of the environment that has Cornac")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return train_cornac(Path(arguments.worker), arguments.epochs)
    if not arguments.cornac_python:
        sys.exit("Give --cornac-python; see --help for how to make that environment.")
    split = planted()
    print(f"{split.train.histories.n_events:,} likes of {split.train.n_users:,} users, {arguments.epochs} epochs")
    run_visrec(split, 1)  # imports and first calls
    rounds = [
        (run_cornac(arguments.cornac_python, split, arguments.epochs), run_visrec(split, arguments.epochs))
        for _ in range(arguments.rounds)
    ]
    for name, column in (("cornac", 0), ("visrec", 1)):
        seconds = [found[column][0] for found in rounds]
        print(
            f"{name}: {statistics.median(seconds) * 1000:8.1f} ms CPU an epoch ({min(seconds) * 1000:.1f} to "
            f"{max(seconds) * 1000:.1f}), NDCG@20 {rounds[0][column][1]:.4f}"
        )
    ratios = [theirs[0] / ours[0] for theirs, ours in rounds]
    print(f"ratio: {statistics.median(ratios):.0f} ({min(ratios):.0f} to {max(ratios):.0f})")


if __name__ == "__main__":
    main()
