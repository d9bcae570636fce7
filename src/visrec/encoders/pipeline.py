"""Files to embeddings: pictures are decoded in threads while the network is busy with earlier ones.

What holds: jobs are taken in order, batches are made of consecutive readable pictures, so the same jobs give
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

#: Takes keys and their embeddings, float32 (len(keys), dim); called from the calling thread, in order.
Sink = Callable[[list[str], npt.NDArray[np.float32]], None]

# Pictures that one worker task decodes: large enough that handing tasks over costs nothing.
_TASK = 8
# Batches that are decoded ahead of the network: bounds the memory, about 1.2 MB each at 224 x 224 and 8 pictures.
_AHEAD = 3
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
        encoder: turns pictures into embeddings.
        jobs: (key, file) pairs; keys are handed through.
        sink: given the embeddings, `chunk` at a time.
        limits: what an image may cost; the defaults of `ImageLimits` when None.
        progress: told of every batch.
        batch_size: pictures that run through the network at once.
        workers: threads that decode; one per core when None.
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
    limits = limits or ImageLimits()
    buffer = _Buffer(sink, chunk)
    failures: list[tuple[str, str]] = []
    with (
        ThreadPoolExecutor(workers or os.cpu_count() or 1, "visrec-decode") as pool,
        progress("encode", total=len(jobs), unit="images") as watched,
    ):
        decoded = _decoded_in_order(pool, encoder, jobs, _Reader(limits, verify), ahead=_AHEAD * batch_size)
        try:
            for keys, pictures, failed in _batches(decoded, batch_size):
                failures += failed
                if keys:
                    failures += buffer.add(keys, encoder.embed(np.stack(pictures)))
                watched.advance(len(keys) + len(failed))
        finally:
            # Also on Ctrl-C: a flush costs milliseconds, encoding again costs minutes.
            decoded.close()
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


# A decoded job: its key, and either a preprocessed picture or the reason why there is none.
_Decoded = tuple[str, npt.NDArray[Any] | None, str]


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
class _Reader:
    """Reads the bytes of jobs."""

    limits: ImageLimits
    verify: bool

    def __call__(self, key: str, file: Path) -> bytes:
        data = read_picture(file, self.limits)
        # Stored under this key, the embedding of another picture would be taken for this one's for ever.
        if self.verify and hashlib.sha256(data).hexdigest() != key:
            raise ImageError("changed since ingest: run visrec ingest again", str(file))
        return data


def _decode_task(encoder: ImageEncoder, jobs: Sequence[tuple[str, Path]], reader: _Reader) -> list[_Decoded]:
    at_least = encoder.info.preprocessing.get("at_least")
    done: list[_Decoded] = []
    for key, file in jobs:
        try:
            picture = decode(reader(key, file), reader.limits, at_least=at_least)
            done.append((key, encoder.preprocess(picture), ""))
        except ImageError as error:
            done.append((key, None, error.reason))
    return done


def _decoded_in_order(
    pool: ThreadPoolExecutor,
    encoder: ImageEncoder,
    jobs: Sequence[tuple[str, Path]],
    reader: _Reader,
    ahead: int,
) -> Generator[_Decoded, None, None]:
    """Decode in the pool, never more than about `ahead` pictures beyond what was taken."""
    waiting: deque[Future[list[_Decoded]]] = deque()
    starts = iter(range(0, len(jobs), _TASK))
    try:
        while True:
            while len(waiting) * _TASK < max(ahead, 2 * _TASK) and (start := next(starts, None)) is not None:
                waiting.append(pool.submit(_decode_task, encoder, jobs[start : start + _TASK], reader))
            if not waiting:
                return
            yield from waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _batches(
    decoded: Iterator[_Decoded], batch_size: int
) -> Iterator[tuple[list[str], list[npt.NDArray[Any]], list[tuple[str, str]]]]:
    """Group readable pictures into batches; unreadable ones ride along with the batch they came before."""
    keys: list[str] = []
    pictures: list[npt.NDArray[Any]] = []
    failed: list[tuple[str, str]] = []
    for key, picture, reason in decoded:
        if picture is None:
            failed.append((key, reason))
        else:
            keys.append(key)
            pictures.append(picture)
        if len(keys) == batch_size or len(failed) == batch_size:
            yield keys, pictures, failed
            keys, pictures, failed = [], [], []
    if keys or failed:
        yield keys, pictures, failed
