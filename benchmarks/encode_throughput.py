"""How much of ONNX Runtime's own rate is left from JPEG files to stored embeddings.

Alternates, in one run, (a) the network alone on ready tensors, in the fastest of several sessions and batch sizes
that are tried first, and (b) files -> decode -> preprocess -> network -> the feature store. Prints both rates of every
round, and the medians.

    python benchmarks/encode_throughput.py --images DIR --encoder efficientnet-lite0
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.catalogue.features import FeatureStore
from visrec.core.errors import InputError
from visrec.core.protocols import ImageEncoder
from visrec.core.settings import ImageLimits
from visrec.encoders.pipeline import encode_images
from visrec.encoders.registry import image_encoder
from visrec.images.decode import decode

_FILES = {".jpg", ".jpeg", ".png", ".webp"}


def main() -> None:
    arguments = _arguments()
    encoder = image_encoder(arguments.encoder, threads=1, say=print)
    files = sorted(path for path in arguments.images.iterdir() if path.suffix.lower() in _FILES)[: arguments.count]
    if len(files) < 64:
        raise InputError(f"Expected 64 images or more in {arguments.images}, got {len(files)}.")
    jobs = [(path.stem, path) for path in files]
    for path in files:
        path.read_bytes()  # Both measures find the files in memory.
    network, ready = _fastest_network(encoder, files, arguments.threads)
    alone, whole = [], []
    print(f"{arguments.encoder}, {len(files)} images in {arguments.rounds} rounds, batches of {arguments.batch_size}")
    for number in range(arguments.rounds):
        part = _slice(jobs, number, arguments.rounds)
        before = _rate_alone(network, ready, len(part) // 2)
        whole.append(_rate_files(encoder, part, arguments.batch_size, arguments.workers))
        after = _rate_alone(network, ready, len(part) // 2)
        # The network is timed on both sides of the files, for the machine's speed may drift.
        alone.append(2 / (1 / before + 1 / after))
        ratio = whole[-1] / alone[-1]
        print(f"round {number + 1}: alone {alone[-1]:7.1f}/s   files to store {whole[-1]:7.1f}/s   ratio {ratio:.3f}")
    ratios = [one / other for one, other in zip(whole, alone, strict=True)]
    print(
        f"median : alone {statistics.median(alone):7.1f}/s   files to store {statistics.median(whole):7.1f}/s   "
        f"ratio {statistics.median(ratios):.3f}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="folder of image files")
    parser.add_argument("--encoder", default="efficientnet-lite0")
    parser.add_argument("--count", type=int, default=3000, help="images that are used, spread over the rounds")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--threads", type=int, default=None, help="threads of the network alone")
    parser.add_argument("--workers", type=int, default=None, help="threads that decode and encode")
    return parser.parse_args()


def _slice(jobs: list[tuple[str, Path]], number: int, rounds: int) -> list[tuple[str, Path]]:
    return jobs[number * len(jobs) // rounds : (number + 1) * len(jobs) // rounds]


def _fastest_network(
    encoder: ImageEncoder, files: list[Path], threads: int | None
) -> tuple[Callable[[npt.NDArray[Any]], Any], list[npt.NDArray[Any]]]:
    """The same graph, with idle threads spinning (ONNX Runtime's default) or not, at the batch size that suits it."""
    best: tuple[float, str, Callable[[npt.NDArray[Any]], Any], list[npt.NDArray[Any]]] | None = None
    for spinning in (True, False):
        network = _network(encoder, threads, spinning)
        for batch_size in (1, 4, 8, 16, 32):
            ready = _ready_tensors(encoder, files[:64], batch_size)
            _rate_alone(network, ready, 2 * batch_size)
            rate = _rate_alone(network, ready, 96)
            name = f"batches of {batch_size}, spinning {'on' if spinning else 'off'}"
            print(f"network alone, {name}: {rate:.1f}/s")
            if best is None or rate > best[0]:
                best = (rate, name, network, ready)
    if best is None:
        raise InputError("Expected an encoder that can be measured.")
    print(f"compared with: {best[1]}")
    return best[2], best[3]


def _network(encoder: ImageEncoder, threads: int | None, spinning: bool) -> Callable[[npt.NDArray[Any]], Any]:
    import onnxruntime

    session = getattr(encoder, "_session", None)
    if session is None:
        raise InputError(f"{encoder.info.id} does not run on ONNX Runtime: there is nothing to compare with.")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spinning else "0")
    if threads is not None:
        options.intra_op_num_threads = threads
    plain = onnxruntime.InferenceSession(str(session.model), options, providers=["CPUExecutionProvider"])
    name = plain.get_inputs()[0].name
    return lambda batch: plain.run(None, {name: batch})


def _ready_tensors(encoder: ImageEncoder, files: list[Path], batch_size: int) -> list[npt.NDArray[Any]]:
    limits = ImageLimits()
    at_least = encoder.info.preprocessing.get("at_least")
    pictures = [encoder.preprocess(decode(path.read_bytes(), limits, at_least)) for path in files]
    whole = len(pictures) // batch_size * batch_size
    return [np.stack(pictures[start : start + batch_size]) for start in range(0, whole, batch_size)]


def _rate_alone(network: Callable[[npt.NDArray[Any]], Any], ready: list[npt.NDArray[Any]], count: int) -> float:
    done, number, started = 0, 0, time.perf_counter()
    while done < count:
        batch = ready[number % len(ready)]
        network(batch)
        done, number = done + len(batch), number + 1
    return done / (time.perf_counter() - started)


def _rate_files(encoder: ImageEncoder, jobs: list[tuple[str, Path]], batch_size: int, workers: int | None) -> float:
    with tempfile.TemporaryDirectory(prefix="visrec-benchmark-") as folder:
        store = FeatureStore(Path(folder))
        started = time.perf_counter()
        failed = encode_images(
            encoder,
            jobs,
            partial(store.append, encoder.info),
            batch_size=batch_size,
            workers=workers,
        )
        took = time.perf_counter() - started
    if failed:
        print(f"{len(failed)} images could not be read, the first: {failed[0]}")
    return len(jobs) / took


if __name__ == "__main__":
    main()
