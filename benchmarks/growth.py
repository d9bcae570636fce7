"""How long fitting each recommender takes, and how much memory, as the log grows: 1, 4 and 16 times the interactions.

    python benchmarks/growth.py [--base 2500] [--limit 45] [--models NAME …]

The log is drawn: users of 25 likes each with a rating and a time, so users grow with it; the catalogue stays at 2,000
items with a picture, its embedding (256), a text's (128) and one of 40 categories. Every fit is a process of its own,
of one thread, which has fitted a tiny log before, so that libraries are loaded. Seconds are of CPU time, which other
work on the machine hardly changes; memory is the most that was resident while fitting, beyond what was before. A fit
that takes more than --limit seconds is ended, and larger ones of that model are left out. A model that fits into the
few MB that drawing left free shows 0. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.recommenders.registry import RECOMMENDERS, make_recommender

N_ITEMS, N_CATEGORIES, EVENTS_PER_USER = 2_000, 40, 25
FACTORS = (1, 4, 16)
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Pictures:
    """Noise of a colour a picture."""

    def __init__(self, colours: npt.NDArray[np.uint8]) -> None:
        self._colours = colours
        self.keys: Sequence[str] = [f"{row}" for row in range(len(colours))]

    def load(self, rows: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.uint8]:
        """uint8 (len(rows), size, size, 3)."""
        noise = np.random.default_rng(0).integers(32, size=(size, size, 3), dtype=np.uint8)
        return noise + self._colours[rows][:, None, None]

    def take(self, rows: npt.NDArray[np.int64]) -> Pictures:
        """Some of them."""
        return Pictures(self._colours[rows])


def drawn(n_events: int, n_items: int = N_ITEMS) -> Dataset:
    """Users who like items near a point of taste of their own, with ratings from 1 to 5 by that nearness."""
    rng = np.random.default_rng(0)
    place = rng.normal(size=(n_items, 8)).astype(np.float32)
    category = np.eye(N_CATEGORIES, dtype=np.float32)[rng.integers(N_CATEGORIES, size=n_items)]
    n_users = n_events // EVENTS_PER_USER
    items, near = np.empty((2, n_users, EVENTS_PER_USER), dtype=np.float32)
    for user in range(n_users):
        scores = place @ rng.normal(size=8) / 2 + rng.gumbel(size=n_items)
        items[user] = np.argpartition(-scores, EVENTS_PER_USER)[:EVENTS_PER_USER]
        near[user] = scores[items[user].astype(np.int64)]
    histories = Histories.from_events(
        IdMap(f"u{row}" for row in range(n_users)),
        n_items,
        np.repeat(np.arange(n_users), EVENTS_PER_USER),
        items.ravel().astype(np.int32),
        np.ones(items.size, np.float32),
        rng.integers(1, 10**7, size=items.size),
        np.clip(np.rint(3 + (near - near.mean()) / near.std()), 1, 5).astype(np.float32).ravel(),
    )
    image, text = (np.tanh(place @ rng.normal(size=(8, dim))).astype(np.float32) for dim in (256, 128))
    labels = {"category": tuple(f"category={n}" for n in range(N_CATEGORIES))}
    blocks = {
        name: FeatureBlock(name, matrix, np.ones(n_items, dtype=bool), "drawn", labels.get(name, ()))
        for name, matrix in {"image": image, "text": text, "category": category}.items()
    }
    colours = np.clip(100 + 30 * place[:, :3], 0, 220).astype(np.uint8)
    return Dataset(histories, ItemFeatures(IdMap(f"i{row}" for row in range(n_items)), blocks, Pictures(colours)))


def megabytes(field: str) -> float:
    """A figure of this process that Linux keeps: VmRSS, resident now; VmHWM, the most since the last reset."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise SystemExit(f"/proc/self/status has no {field}.")
    return int(found[1]) / 1024


def measure(model: str, n_events: int, limit: int) -> dict[str, float]:
    """Fit once, in this process, which is killed by SIGXCPU at the limit."""
    make_recommender(model).fit(drawn(10 * EVENTS_PER_USER, n_items=100))
    dataset, recommender = drawn(n_events), make_recommender(model)
    Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
    before, started = megabytes("VmRSS"), time.process_time()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(started) + 1 + limit, resource.RLIM_INFINITY))
    recommender.fit(dataset)
    return {"seconds": time.process_time() - started, "megabytes": max(megabytes("VmHWM") - before, 0.0)}


def row(model: str, base: int, limit: int) -> str:
    """The model's line of the table."""
    seconds, memory = ["–"] * len(FACTORS), ["–"] * len(FACTORS)
    environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
    for number, factor in enumerate(FACTORS):
        command = [sys.executable, __file__, "--limit", str(limit), "--one", model, str(base * factor)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode == -signal.SIGXCPU:
            seconds[number] = f"> {limit}"
            break
        if done.returncode:
            seconds[number] = f"failed: {(done.stderr.strip().splitlines() or [str(done.returncode)])[-1]}"
            break
        found = json.loads(done.stdout)
        seconds[number], memory[number] = f"{found['seconds']:.2f}", f"{found['megabytes']:.0f}"
    return f"| `{model}` | " + " | ".join([*seconds, *memory]) + " |"


def main() -> None:
    """Print the table, a line as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="*", default=list(RECOMMENDERS), metavar="NAME")
    parser.add_argument("--base", type=int, default=2_500, help="interactions at 1x")
    parser.add_argument("--limit", type=int, default=45, help="seconds of CPU time a fit")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one[0], int(options.one[1]), options.limit)))
        return
    heads = [f"{what}, {options.base * factor:,}" for what in ("CPU s", "MB") for factor in FACTORS]
    print(f"| model | {' | '.join(heads)} |\n| --- |" + " ---: |" * len(heads), flush=True)
    for model in options.models:
        print(row(model, options.base, options.limit), flush=True)


if __name__ == "__main__":
    main()
