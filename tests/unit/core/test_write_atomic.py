"""Files replaced by several writers at once, for good."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from visrec.core.artifacts import write_atomic


def test_threads_that_write_the_same_file_do_not_mix(tmp_path: Path):
    file = tmp_path / "settings"
    contents = [bytes([number]) * 50_000 for number in range(8)]
    write_atomic(file, contents[0])
    with ThreadPoolExecutor(8) as pool:
        written = [pool.submit(write_atomic, file, contents[number % 8]) for number in range(80)]
        while not all(future.done() for future in written):
            assert file.read_bytes() in contents
        for future in written:
            future.result()
    assert os.listdir(tmp_path) == ["settings"]


def test_the_new_name_is_on_disk_too(tmp_path: Path, monkeypatch):
    synced = []
    real = os.fsync

    def record(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        synced.append("folder" if path == tmp_path else "file")
        # The folder is flushed once it holds the new name.
        assert path != tmp_path or (tmp_path / "settings").read_bytes() == b"new"
        real(descriptor)

    monkeypatch.setattr("os.fsync", record)
    write_atomic(tmp_path / "settings", b"new")
    assert synced == ["file", "folder"]


def test_a_file_may_be_read_by_whom_the_umask_lets(tmp_path: Path):
    before = os.umask(0o022)
    try:
        write_atomic(tmp_path / "settings", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "settings").stat().st_mode) == 0o644
