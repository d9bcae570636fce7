from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from visrec.catalogue.catalogue import Catalogue
from visrec.core.errors import WorkspaceError
from visrec.core.lock import WriteLock

from .toy_images import toy_inspect


def test_one_writer_at_a_time(tmp_path):
    with WriteLock(tmp_path / "lock", "The shop"):
        with pytest.raises(WorkspaceError, match=r"The shop is being written by another process \(pid \d+\)"):
            WriteLock(tmp_path / "lock", "The shop").__enter__()
    with WriteLock(tmp_path / "lock", "The shop"):
        pass


def test_waiting(tmp_path):
    order = []

    def second():
        with WriteLock(tmp_path / "lock", "x", wait=True):
            order.append("second")

    with WriteLock(tmp_path / "lock", "x"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_second_ingest_is_refused_and_a_reader_is_not(shop, write):
    items = write("items.csv", "item_id\n1\n")
    shop.ingest(items=items, inspect=toy_inspect)
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl, os, sys\n"
            "file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n"
            "fcntl.flock(file, fcntl.LOCK_EX)\n"
            "os.pwrite(file, str(os.getpid()).encode(), 0)\n"
            "print('locked', flush=True)\n"
            "sys.stdin.read()\n",
            str(shop._home / ".lock"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout.readline() == "locked\n"
        for action in (
            lambda: shop.ingest(items=items, inspect=toy_inspect),
            lambda: shop.remove_item("1"),
            lambda: shop.remove_user("u"),
        ):
            with pytest.raises(WorkspaceError, match=f"pid {child.pid}"):
                action()
        assert len(Catalogue.open(shop._root).items()) == 1
        child.kill()
    # The system frees the lock of a killed process.
    assert shop.ingest(items=items, inspect=toy_inspect).items.unchanged == 1
