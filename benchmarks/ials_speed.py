"""How long a fit of `ials` takes beside the `implicit` package's own fit of the same factors.

    python benchmarks/ials_speed.py [--users 20000] [--items 10000] [--events 1000000]

Both run in one process on the same likes with the same number of factors and sweeps, by turns; the fastest of each
counts, by the clock and by the time of the processors. What visrec adds is the matrix of confidences, the whitening of
the factors and their regression on the items' features.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from evaluation_speed import random_dataset
from visrec.core.dataset import Dataset
from visrec.recommenders.ials import Ials, IalsSettings


def implicit_fit(dataset: Dataset, settings: IalsSettings) -> Callable[[], object]:
    """The package's fit, on a matrix of confidences that is there already."""
    confidence = dataset.histories.liked()
    confidence.data = 1 + settings.alpha * confidence.data

    def fit() -> object:
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(
                factors=settings.dim, regularization=30.0, iterations=settings.iterations, random_state=settings.seed
            )
            return model.fit(confidence, show_progress=False)

    return fit


def fastest(fits: dict[str, Callable[[], object]], repeats: int) -> dict[str, tuple[float, float]]:
    """Seconds by the clock and of the processors: the least of some runs of each, by turns."""
    seconds = dict.fromkeys(fits, (float("inf"), float("inf")))
    for _ in range(repeats):
        for name, fit in fits.items():
            wall, processor = time.perf_counter(), time.process_time()
            fit()
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            seconds[name] = (min(seconds[name][0], wall), min(seconds[name][1], processor))
    return seconds


def main() -> None:
    """Time both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=512, help="length of the embeddings")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    dataset = random_dataset(options.users, options.items, options.events, options.dim)
    settings = IalsSettings()
    fits = {"visrec": lambda: Ials(settings).fit(dataset), "implicit": implicit_fit(dataset, settings)}
    seconds = fastest(fits, options.repeats)
    print(
        f"{options.users:,} users, {options.items:,} items, {options.events:,} events, {settings.dim} factors, "
        f"{settings.iterations} sweeps"
    )
    print(f"{'':<10} {'clock':>9}   {'processors':>10}")
    for name, (wall, processor) in seconds.items():
        print(f"{name:<10} {wall:8.2f} s   {processor:8.2f} s")
    ours, theirs = seconds["visrec"], seconds["implicit"]
    print(f"{'ratio':<10} {ours[0] / theirs[0]:8.2f}     {ours[1] / theirs[1]:8.2f}")


if __name__ == "__main__":
    main()
