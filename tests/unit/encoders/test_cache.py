"""Derived files are built once, and again when they are damaged."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from visrec.core.errors import WeightsError
from visrec.encoders.cache import build_once, cache_dir
from visrec.encoders.session import OnnxSession


def test_built_once(tmp_path: Path) -> None:
    built: list[int] = []

    def build() -> bytes:
        built.append(1)
        return b"content"

    path = tmp_path / "deep/file.onnx"
    assert build_once(path, build).read_bytes() == b"content"
    assert build_once(path, build) == path
    assert len(built) == 1


@pytest.mark.parametrize("damage", ["changed", "cut", "no seal"])
def test_damaged_is_built_again(tmp_path: Path, damage: str) -> None:
    path = build_once(tmp_path / "file.onnx", lambda: b"content")
    if damage == "no seal":
        (tmp_path / "file.onnx.sha256").unlink()
    else:
        path.write_bytes(b"c0ntent" if damage == "changed" else b"con")
    assert build_once(path, lambda: b"new content").read_bytes() == b"new content"
    assert build_once(path, lambda: b"never").read_bytes() == b"new content"


def test_many_at_once(tmp_path: Path) -> None:
    path = tmp_path / "file.onnx"
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(build_once(path, lambda: b"x" * 100_000).read_bytes()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [b"x" * 100_000] * 8
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file.onnx", "file.onnx.sha256"]


def test_unwritable_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match="VISREC_CACHE"):
        build_once(tmp_path / "file" / "x.onnx", lambda: b"")


def test_the_folder_may_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISREC_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("VISREC_CACHE")
    assert cache_dir().name == "visrec"


def test_a_graph_that_cannot_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match=r"bad\.onnx cannot be loaded"):
        OnnxSession(lambda: tmp_path / "bad.onnx").run_single(np.zeros((1, 3), np.uint8))
