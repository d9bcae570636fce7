"""Files to embeddings: order, failures, interruption, overlap."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from visrec.core.errors import ImageError, InputError
from visrec.core.protocols import EncoderInfo
from visrec.core.settings import ImageLimits
from visrec.encoders.pipeline import encode_images, encode_picture, encode_texts

INFO = EncoderInfo("mean", "image", 3, "", {"at_least": 4}, "", "")


class MeanColour:
    """The mean colour of a picture; can be told to stop, or to be slow."""

    info = INFO

    def __init__(self, stop_at: int | None = None, delay: float = 0.0, error: type[BaseException] = KeyboardInterrupt):
        self.stop_at = stop_at
        self.delay = delay
        self.error = error
        self.embedded = 0
        self.batches: list[int] = []
        self.threads: set[int] = set()
        self.preprocessed = 0
        self.most_ahead = 0
        self._lock = threading.Lock()

    def preprocess(self, image: Image.Image) -> np.ndarray:
        time.sleep(self.delay)
        with self._lock:
            self.threads.add(threading.get_ident())
            self.preprocessed += 1
            self.most_ahead = max(self.most_ahead, self.preprocessed - self.embedded)
        return np.asarray(image, np.float32).mean(axis=(0, 1))

    def embed(self, batch: np.ndarray) -> np.ndarray:
        time.sleep(self.delay * len(batch))
        if self.stop_at is not None and self.embedded + len(batch) > self.stop_at:
            raise self.error
        self.embedded += len(batch)
        self.batches.append(len(batch))
        return batch.astype(np.float32)


class Store:
    def __init__(self) -> None:
        self.keys: list[str] = []
        self.rows: list[np.ndarray] = []
        self.chunks: list[int] = []

    def __call__(self, keys: list[str], rows: np.ndarray) -> None:
        assert rows.shape == (len(keys), 3) and rows.dtype == np.float32
        self.keys += keys
        self.rows.extend(rows)
        self.chunks.append(len(keys))


def saved(image: Image.Image, kind: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


@pytest.fixture
def jobs(tmp_path: Path) -> list[tuple[str, Path]]:
    """50 pictures of the grey level of their number."""
    made = []
    for number in range(50):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (6, 5), (number, number, number)).save(path)
        made.append((f"item/{number:02d}", path))
    return made


def test_every_picture_in_order_in_chunks(jobs: list[tuple[str, Path]]) -> None:
    store, encoder = Store(), MeanColour()
    assert encode_images(encoder, jobs, store, batch_size=8, workers=3, chunk=20) == []
    assert store.keys == [key for key, _ in jobs]
    assert np.array_equal(np.stack(store.rows)[:, 0], np.arange(50))
    assert store.chunks == [24, 24, 2]
    assert sorted(encoder.batches) == [2, 8, 8, 8, 8, 8, 8]
    assert threading.get_ident() not in encoder.threads


def test_bad_images_are_named_with_their_reason(jobs: list[tuple[str, Path]]) -> None:
    jobs[3][1].write_bytes(b"")
    jobs[4][1].write_bytes(b"no picture")
    jobs[11][1].unlink()
    jobs[12][1].write_bytes(saved(Image.effect_noise((30, 30), 90), "JPEG")[:-300])
    jobs[49][1].write_bytes(saved(Image.new("RGB", (200, 200)), "PNG"))
    jobs.append(("folder", jobs[0][1].parent))
    store = Store()
    failed = encode_images(MeanColour(), jobs, store, limits=ImageLimits(max_pixels=1000), batch_size=4)
    assert failed == [
        ("item/03", "empty file"),
        ("item/04", "not an image"),
        ("item/11", "missing file"),
        ("item/12", "truncated"),
        ("item/49", "too many pixels"),
        ("folder", "unreadable file"),
    ]
    assert store.keys == [key for key, _ in jobs if key not in dict(failed)]
    assert [row[0] for row in store.rows] == [int(key[-2:]) for key in store.keys]


def test_large_files_are_not_read(jobs: list[tuple[str, Path]]) -> None:
    with jobs[0][1].open("r+b") as file:
        file.truncate(1 << 40)  # sparse: reading it would need a terabyte
    assert encode_images(MeanColour(), jobs[:2], Store()) == [("item/00", "too many bytes")]


def test_embeddings_that_are_not_finite_are_failures(jobs: list[tuple[str, Path]]) -> None:
    class Broken(MeanColour):
        def embed(self, batch: np.ndarray) -> np.ndarray:
            return np.where(batch == 5, np.nan, batch).astype(np.float32)

    store = Store()
    assert encode_images(Broken(), jobs, store) == [("item/05", "no finite embedding")]
    assert "item/05" not in store.keys and len(store.keys) == 49


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_interruption_keeps_what_is_done(jobs: list[tuple[str, Path]], error: type[BaseException]) -> None:
    store, encoder = Store(), MeanColour(stop_at=30, error=error)
    with pytest.raises(error):
        encode_images(encoder, jobs, store, batch_size=8, workers=1, chunk=512)
    assert store.keys == [key for key, _ in jobs[:24]]
    rest = [job for job in jobs if job[0] not in set(store.keys)]
    assert encode_images(MeanColour(), rest, store) == []
    assert np.array_equal(np.stack(store.rows)[:, 0], np.arange(50))


def test_a_failing_sink_is_not_given_the_same_again(jobs: list[tuple[str, Path]]) -> None:
    given: list[int] = []

    def sink(keys: list[str], rows: np.ndarray) -> None:
        given.append(len(keys))
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        encode_images(MeanColour(), jobs, sink, batch_size=8, chunk=16)
    assert given == [16]


def test_decoding_overlaps_with_the_network(jobs: list[tuple[str, Path]]) -> None:
    embedding, decoded_meanwhile = threading.Event(), threading.Event()

    class Meeting(MeanColour):
        """The second batch is decoded only once the first one is in the network, which waits for that."""

        def preprocess(self, image: Image.Image) -> np.ndarray:
            row = super().preprocess(image)
            if row[0] >= 8:
                assert embedding.wait(30)
                decoded_meanwhile.set()
            return row

        def embed(self, batch: np.ndarray) -> np.ndarray:
            embedding.set()
            assert decoded_meanwhile.wait(30)
            return super().embed(batch)

    store = Store()
    assert encode_images(Meeting(), jobs, store, batch_size=8, workers=2) == []
    assert len(store.keys) == 50


def test_memory_is_bounded(jobs: list[tuple[str, Path]]) -> None:
    encoder = MeanColour(delay=0.001)
    encode_images(encoder, jobs * 4, Store(), batch_size=8, workers=2)
    assert encoder.most_ahead <= 3 * 8 + 8 + 8


class Watched:
    def __init__(self) -> None:
        self.label, self.total, self.unit, self.done, self.closed = "", 0, "", 0, False

    def __call__(self, label: str, *, total: int, unit: str) -> Watched:
        self.label, self.total, self.unit = label, total, unit
        return self

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *ignored: Any) -> None:
        self.closed = True

    def advance(self, n: int = 1) -> None:
        self.done += n


def test_progress_counts_good_and_bad(jobs: list[tuple[str, Path]]) -> None:
    jobs[7][1].write_bytes(b"")
    watched = Watched()
    encode_images(MeanColour(), jobs, Store(), progress=watched)
    assert (watched.label, watched.total, watched.unit, watched.done) == ("encode", 50, "images", 50)
    assert watched.closed


def test_no_jobs() -> None:
    store = Store()
    assert encode_images(MeanColour(), [], store) == []
    assert store.keys == []


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"workers": 0}, {"chunk": 0}])
def test_sizes_below_one_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match="1 or more"):
        encode_images(MeanColour(), [], Store(), **wrong)  # type: ignore[arg-type]


def test_one_picture_goes_the_same_way(jobs: list[tuple[str, Path]]) -> None:
    assert encode_picture(MeanColour(), jobs[9][1].read_bytes()).tolist() == [9, 9, 9]
    with pytest.raises(ImageError, match="not an image"):
        encode_picture(MeanColour(), b"hello")


def test_jpegs_are_decoded_at_the_size_that_is_needed(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    class Watching(MeanColour):
        def preprocess(self, image: Image.Image) -> np.ndarray:
            seen.append(image.size)
            return super().preprocess(image)

    Image.new("RGB", (64, 48)).save(tmp_path / "a.jpg")
    encode_images(Watching(), [("a", tmp_path / "a.jpg")], Store())
    encode_picture(Watching(), (tmp_path / "a.jpg").read_bytes())
    assert seen == [(8, 6), (8, 6)]


def test_texts_in_order_in_chunks() -> None:
    class Length:
        info = EncoderInfo("length", "text", 3, "", {}, "", "")

        def encode(self, texts: Sequence[str]) -> np.ndarray:
            return np.array([[len(text)] * 3 for text in texts], np.float32)

    store, watched = Store(), Watched()
    encode_texts(Length(), [(str(n), "x" * n) for n in range(7)], store, progress=watched, chunk=3)
    assert store.chunks == [3, 3, 1]
    assert store.keys == [str(n) for n in range(7)]
    assert [row[0] for row in store.rows] == list(range(7))
    assert (watched.unit, watched.done) == ("texts", 7)
