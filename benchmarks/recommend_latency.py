"""What one request of `Workspace.recommend` costs beside the bare scoring function, while feedback comes in.

    python benchmarks/recommend_latency.py [--items 100000 --users 50000 --events 1000000 --model text-knn]

A shop is drawn: items near 200 centres, each with an embedding of its title (no pictures are needed to measure this),
users who like items of three centres. Then requests are made one after the other, each for a user drawn at random.
Every tenth is preceded by an event of that user, committed to disk, which the answer already knows of. `score` is the
model's own function on the same user's history, already in its arrays, in turn with `recommend` and in the same run.
One thread, unless OMP_NUM_THREADS and OPENBLAS_NUM_THREADS say otherwise.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import tempfile
import time
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

import visrec  # noqa: E402
from visrec.core.ids import IdMap  # noqa: E402
from visrec.core.protocols import EncoderInfo  # noqa: E402
from visrec.workspace.assemble import current_histories  # noqa: E402
from visrec.workspace.settings import WorkspaceSettings  # noqa: E402

N_CENTRES, DIM = 200, 128
INFO = EncoderInfo("drawn", "text", DIM, "", {}, "", "")


def drawn_shop(root: Path, n_items: int, n_users: int, n_events: int) -> visrec.Workspace:
    """A shop with its log and embeddings, not yet trained."""
    rng = np.random.default_rng(0)
    centre = rng.integers(N_CENTRES, size=n_items)
    titles = [f"item {row}" for row in range(n_items)]
    items = {
        "item_id": [f"{row:06}" for row in range(n_items)],
        "title": titles,
        "category": [f"c{group % 40}" for group in centre],
        "price": np.round(rng.gamma(2.0, 20.0, n_items), 2),
    }
    root.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(items), root / "items.parquet")
    user = rng.integers(n_users, size=n_events)
    tastes = rng.integers(N_CENTRES, size=(n_users, 3))
    of_centre = np.argsort(centre, kind="stable")
    begin = np.searchsorted(centre[of_centre], np.arange(N_CENTRES + 1))
    wanted = tastes[user, rng.integers(3, size=n_events)]
    liked = of_centre[(begin[wanted] + rng.random(n_events) ** 2 * (begin[wanted + 1] - begin[wanted])).astype(int)]
    log = {
        "user_id": [f"u{row}" for row in user.tolist()],
        "item_id": [f"{row:06}" for row in liked.tolist()],
        "kind": ["like"] * n_events,
        "timestamp": 1_700_000_000 + rng.permutation(n_events),
    }
    pq.write_table(pa.table(log), root / "log.parquet")
    shop = visrec.Workspace.create(root / "shop")
    shop.ingest(items=root / "items.parquet", interactions=root / "log.parquet")
    vectors = rng.normal(size=(N_CENTRES, DIM))[centre] + rng.normal(size=(n_items, DIM))
    keys = [hashlib.sha256(title.encode()).hexdigest() for title in titles]
    shop.catalogue.features.append(INFO, keys, vectors.astype(np.float32))
    WorkspaceSettings(text_features=INFO.feature_set, text_encoder="drawn").write(shop.root)
    return visrec.Workspace.open(shop.root)


def percentiles(milliseconds: list[float]) -> npt.NDArray[np.float64]:
    """p50, p99 and the largest."""
    return np.percentile(np.array(milliseconds), [50, 99, 100])


def main() -> None:
    """Draw, train, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--model", default="text-knn")
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--shop", type=Path, help="Draw it here once, and use it again.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = options.shop or Path(temporary)
        if (home / "shop").is_dir():
            shop = visrec.Workspace.open(home / "shop")
        else:
            shop = drawn_shop(home, options.items, options.users, options.events)
        if options.model not in shop.trained_models():
            shop.train(options.model)
        ask(shop, options.model, options.users, options.requests)


def ask(shop: visrec.Workspace, model: str, n_users: int, n_requests: int) -> None:
    """Time requests and print them."""
    rng = np.random.default_rng(1)
    users = [f"u{row}" for row in rng.integers(n_users, size=n_requests)]
    items = shop.item_features()
    recommender = shop.model(model)
    started = time.perf_counter()
    shop.recommend(users[0], model=model)
    print(f"first request {time.perf_counter() - started:.2f} s", flush=True)
    took: dict[str, list[float]] = {"recommend": [], "score": [], "feedback": []}
    for number, user in enumerate(users):
        started = time.perf_counter()
        if number % 10 == 0:
            liked = items.item_ids[int(rng.integers(len(items)))]
            shop.add_feedback([visrec.Interaction(user, liked, "like", None, 1_800_000_000 + number)])
            took["feedback"].append(1e3 * (time.perf_counter() - started))
        history = current_histories(shop.catalogue, items.item_ids, shop.settings.rules, IdMap([user]))
        for what in ("score", "recommend") if number % 2 else ("recommend", "score"):
            started = time.perf_counter()
            if what == "score":
                recommender.score(history, items)
            else:
                shop.recommend(user, model=model)
            took[what].append(1e3 * (time.perf_counter() - started))
    print(f"{len(items):,} items, {n_requests} requests, model {model}")
    for what, milliseconds in took.items():
        print(f"{what:10} p50 {{:7.2f}}  p99 {{:7.2f}}  max {{:7.2f}} ms".format(*percentiles(milliseconds)))
    beyond = np.array(took["recommend"]) - np.array(took["score"])
    print(f"recommend beyond score: median {np.median(beyond):.2f} ms")
    print(f"throughput, recommend / score: {sum(took['score']) / sum(took['recommend']):.2f}")
    print(f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2:.2f} GB")


if __name__ == "__main__":
    main()
