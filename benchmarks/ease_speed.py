"""How long a fit of `ease` takes, and how much memory, beside the one matrix inversion in it.

    python benchmarks/ease_speed.py [--items 20000]

The inversion is LAPACK's potrf and potri in float32 on a matrix of the same size, in place and already in the
layout that LAPACK wants. Everything else of a fit (likes, Gram matrix, content, weights) is what visrec adds. BLAS
takes as many threads as it is given (OMP_NUM_THREADS, OPENBLAS_NUM_THREADS), in both alike. The inversion is timed
before and after the fit, and the faster of the two counts: other work on the machine then cannot flatter the ratio.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
from scipy.linalg import lapack

from evaluation_speed import random_dataset
from visrec.recommenders.ease import Ease, EaseSettings


def lapack_inversion(n: int) -> float:
    """Seconds of one inversion of a positive definite float32 (n, n)."""
    matrix = np.full((n, n), 0.5, dtype=np.float32, order="F")
    matrix[np.diag_indices(n)] += np.float32(n)
    started = time.perf_counter()
    factor, failed = lapack.spotrf(matrix, lower=1, overwrite_a=1, clean=0)
    _, failed_again = lapack.spotri(factor, lower=1, overwrite_c=1)
    seconds = time.perf_counter() - started
    if failed or failed_again:
        raise SystemExit(f"LAPACK did not invert the matrix: status {failed}, {failed_again}.")
    return seconds


def peak_gigabytes() -> float:
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def main() -> None:
    """Time both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=512)
    options = parser.parse_args()
    dataset = random_dataset(options.users, options.items, options.events, options.dim)
    before = peak_gigabytes()
    started = time.perf_counter()
    model = Ease(EaseSettings(min_likes=0, max_items=options.items)).fit(dataset)
    fit = time.perf_counter() - started
    memory = peak_gigabytes() - before
    n = len(model.state()[0]["item_ids"])
    del model
    inversion = min(lapack_inversion(n) for _ in range(2))
    print(f"{n:,} items, {options.users:,} users, {options.events:,} events, embeddings of {options.dim}")
    print(f"fit                   {fit:8.2f} s")
    print(f"one LAPACK inversion  {inversion:8.2f} s")
    print(f"ratio                 {fit / inversion:8.2f}")
    print(f"memory of the fit     {memory:8.2f} GB   (the matrix itself {n * n * 4 / 1024**3:.2f} GB)")


if __name__ == "__main__":
    main()
