"""Files to embeddings: each worker thread decodes a batch and runs it through the network, one thread a core.

Workers never wait for each other, so one decodes while another computes; an encoder whose network uses one
thread of its own is fastest here (`image_encoder(name, threads=1)`).

What holds: jobs are taken in order, a batch is the readable ones of consecutive jobs, so the same jobs give
the same bytes on the same machine. A picture's embedding does not depend on what else is in its batch, but
ONNX Runtime may sum in another order for another batch size: expect differences of about 1e-5 there.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.core.errors import ImageError, InputError
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import ImageEncoder, TextEncoder
from visrec.core.settings import ImageLimits
from visrec.images.decode import decode

__all__ = ["Sink", "encode_images", "encode_picture", "encode_texts", "read_picture"]

#: Takes keys and their embeddings, float32 (len(keys), dim); called from the calling thread, in order. What it
#: returns is not looked at.
Sink = Callable[[list[str], npt.NDArray[np.float32]], object]

# A slow encoder fills a chunk in minutes: nobody should lose more than this to a kill.
_KEEP_EVERY_SECONDS = 20.0


def encode_images(
    encoder: ImageEncoder,
    jobs: Sequence[tuple[str, Path]],
    sink: Sink,
    *,
    limits: ImageLimits | None = None,
    progress: ProgressFactory = silent,
    batch_size: int = 8,
    workers: int | None = None,
    chunk: int = 512,
    verify: bool = False,
) -> list[tuple[str, str]]:
    """Encode image files, in order.

    An interrupted run, by Ctrl-C or by an error, gives what is done to the sink before it ends; a killed one
    loses at most `chunk` images, or 20 seconds.

    Args:
        encoder: turns pictures into embeddings; called from several threads at once.
        jobs: (key, file) pairs; keys are handed through.
        sink: given the embeddings, `chunk` at a time.
        limits: what an image may cost; the defaults of `ImageLimits` when None.
        progress: told of every batch.
        batch_size: pictures that run through the network at once.
        workers: threads that decode and encode; one per core when None.
        chunk: embeddings that are given to the sink at once, at most.
        verify: the keys are sha256 hashes of the files' content as 64 hex digits; a file whose content is another by
            now is not encoded.

    Returns:
        (key, reason) of the images that could not be encoded.

    Raises:
        InputError: when batch_size, workers or chunk is below 1.
    """
    if batch_size < 1 or chunk < 1 or (workers is not None and workers < 1):
        raise InputError(f"Expected batch_size, workers and chunk of 1 or more, got {batch_size}, {workers}, {chunk}.")
    work = _Work(encoder, limits or ImageLimits(), verify)
    buffer = _Buffer(sink, chunk)
    failures: list[tuple[str, str]] = []
    n_workers = workers or os.cpu_count() or 1
    with (
        ThreadPoolExecutor(n_workers, "visrec-encode") as pool,
        progress("encode", total=len(jobs), unit="images") as watched,
    ):
        batches = (jobs[start : start + batch_size] for start in range(0, len(jobs), batch_size))
        done = _in_order(pool, work, batches, ahead=2 * n_workers)
        try:
            for keys, rows, failed in done:
                failures += failed + buffer.add(keys, rows)
                watched.advance(len(keys) + len(failed))
        finally:
            # Also on Ctrl-C: a flush costs milliseconds, encoding again costs minutes.
            done.close()
            buffer.flush()
    return failures


def encode_texts(
    encoder: TextEncoder,
    jobs: Sequence[tuple[str, str]],
    sink: Sink,
    *,
    progress: ProgressFactory = silent,
    chunk: int = 256,
) -> None:
    """Encode (key, text) pairs, in order, giving `chunk` embeddings at a time to the sink."""
    if chunk < 1:
        raise InputError(f"Expected a chunk of 1 or more, got {chunk}.")
    with progress("encode", total=len(jobs), unit="texts") as watched:
        for start in range(0, len(jobs), chunk):
            part = jobs[start : start + chunk]
            sink([key for key, _ in part], encoder.encode([text for _, text in part]))
            watched.advance(len(part))


def encode_picture(encoder: ImageEncoder, data: bytes, limits: ImageLimits | None = None) -> npt.NDArray[np.float32]:
    """Encode one image's bytes on the same path as `encode_images`; float32 (dim,).

    Raises:
        ImageError: when it cannot be read.
    """
    picture = decode(data, limits or ImageLimits(), at_least=encoder.info.preprocessing.get("at_least"))
    return encoder.embed(encoder.preprocess(picture)[None])[0]


def read_picture(file: Path, limits: ImageLimits) -> bytes:
    """Read an image file, without reading one that is too large.

    Raises:
        ImageError: "missing file", "unreadable file" or "too many bytes".
    """
    try:
        size = file.stat().st_size
        if size > limits.max_bytes:
            raise ImageError("too many bytes", f"{file}: {size:,}, at most {limits.max_bytes:,} are allowed")
        return file.read_bytes()
    except FileNotFoundError as error:
        raise ImageError("missing file", str(file)) from error
    except OSError as error:
        raise ImageError("unreadable file", f"{file}: {error.strerror or error}") from error


# What a worker gives back: keys, their embeddings, and (key, reason) of what could not be encoded.
_Encoded = tuple[list[str], npt.NDArray[np.float32], list[tuple[str, str]]]


class _Buffer:
    """Gathers embeddings until there are enough for the sink."""

    def __init__(self, sink: Sink, chunk: int) -> None:
        self._sink = sink
        self._chunk = chunk
        self._keys: list[str] = []
        self._rows: list[npt.NDArray[np.float32]] = []
        self._since = time.monotonic()

    def add(self, keys: list[str], rows: npt.NDArray[np.float32]) -> list[tuple[str, str]]:
        """Take a batch; returns the keys whose embedding is not finite, which are not kept."""
        finite = np.asarray(np.isfinite(rows).all(axis=1))
        self._keys += [key for key, good in zip(keys, finite, strict=True) if good]
        self._rows.append(rows[finite])
        if len(self._keys) >= self._chunk or time.monotonic() - self._since > _KEEP_EVERY_SECONDS:
            self.flush()
        return [(key, "no finite embedding") for key, good in zip(keys, finite, strict=True) if not good]

    def flush(self) -> None:
        """Give everything to the sink; what a failing sink was given is not given again."""
        keys, rows = self._keys, self._rows
        self._keys, self._rows = [], []
        self._since = time.monotonic()
        if keys:
            self._sink(keys, np.concatenate(rows))


@dataclass(frozen=True)
class _Work:
    """What a worker does to a batch of jobs."""

    encoder: ImageEncoder
    limits: ImageLimits
    verify: bool

    def __call__(self, jobs: Sequence[tuple[str, Path]]) -> _Encoded:
        at_least = self.encoder.info.preprocessing.get("at_least")
        keys: list[str] = []
        pictures: list[npt.NDArray[Any]] = []
        failed: list[tuple[str, str]] = []
        for key, file in jobs:
            try:
                picture = decode(self._read(key, file), self.limits, at_least=at_least)
                pictures.append(self.encoder.preprocess(picture))
                keys.append(key)
            except ImageError as error:
                failed.append((key, error.reason))
        if not keys:
            return keys, np.zeros((0, self.encoder.info.dim), dtype=np.float32), failed
        return keys, self.encoder.embed(np.stack(pictures)), failed

    def _read(self, key: str, file: Path) -> bytes:
        data = read_picture(file, self.limits)
        # Stored under this key, the embedding of another picture would be taken for this one's for ever.
        if self.verify and hashlib.sha256(data).hexdigest() != key:
            raise ImageError("changed since ingest: run visrec ingest again", str(file))
        return data


def _in_order(
    pool: ThreadPoolExecutor, work: _Work, batches: Iterator[Sequence[tuple[str, Path]]], ahead: int
) -> Generator[_Encoded, None, None]:
    """Results in the order of the batches, at most `ahead` of them under way: that bounds the memory."""
    waiting: deque[Future[_Encoded]] = deque()
    try:
        while True:
            while len(waiting) < ahead and (batch := next(batches, None)) is not None:
                waiting.append(pool.submit(work, batch))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
