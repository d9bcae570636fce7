"""Servers as processes: killed, stuck and damaged; what was acknowledged is there, and others are answered."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import httpx2
import pytest

from visrec.server import connections
from visrec.workspace.workspace import Workspace

WAIT = 60.0


def free_port():
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Served:
    """A server process on a port of its own, that can be killed and started again."""

    def __init__(self, shop, *options):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, "-m", "visrec", "serve", str(shop), "--port", str(self.port), "--rate", "0"]
        self._command += options
        self.start()

    def start(self):
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.until(lambda: httpx2.get(f"{self.url}/health/ready").status_code == 200)

    def until(self, holds):
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            with suppress(httpx2.TransportError):
                if holds():
                    return
            assert self.process.poll() is None or self.process.returncode == -signal.SIGKILL
            time.sleep(0.05)
        raise TimeoutError("the server did not come to that")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        self.process.kill()
        self.process.wait()


@pytest.fixture
def shop(built, tmp_path):
    shutil.copytree(built, tmp_path / "shop")
    return tmp_path / "shop"


class Writer(threading.Thread):
    """Sends events one by one, each again until it is acknowledged."""

    def __init__(self, url, items):
        super().__init__(daemon=True)
        self._url = url
        self._items = items
        self.acknowledged = 0
        self.sent_again = 0
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            event = {
                "user_id": "writer",
                "item_id": self._items[self.acknowledged % len(self._items)],
                "kind": "view",
                "timestamp": 1_000_000 + self.acknowledged,
            }
            while True:
                try:
                    if httpx2.post(f"{self._url}/v1/feedback", json=[event], timeout=5).status_code == 201:
                        break
                except httpx2.TransportError:
                    self.sent_again += 1
                    time.sleep(0.01)
            self.acknowledged += 1


def test_no_acknowledged_event_is_lost_or_doubled_by_kills(shop):
    items = Workspace.open(shop).catalogue.items().column("item_id").to_pylist()
    served = Served(shop)
    writer = Writer(served.url, items)
    writer.start()
    try:
        for _ in range(3):
            before = writer.acknowledged
            served.until(lambda before=before: writer.acknowledged > before + 20)
            served.kill()
            served.start()
        writer.stopping.set()
        writer.join(WAIT)
        assert not writer.is_alive()
        times = Workspace.open(shop).catalogue.interactions_of(["writer"]).column("timestamp").to_pylist()
        assert sorted(times) == [1_000_000 + number for number in range(writer.acknowledged)]
        assert writer.sent_again > 0
    finally:
        writer.stopping.set()
        served.end()


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not os.path.exists(f"/proc/{os.getpid()}/task/{os.getpid()}/children"), reason="needs /proc")
def test_killed_workers_are_started_again_and_none_outlives_its_parent(shop):
    served = Served(shop, "--workers", "2")

    def workers():
        return [
            pid for pid in children(served.process.pid) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]

    try:
        served.until(lambda: len(workers()) == 2)
        first = workers()
        os.kill(first[0], signal.SIGKILL)
        served.until(lambda: len(workers()) == 2 and first[0] not in workers())
        served.until(lambda: httpx2.get(f"{served.url}/health/ready").status_code == 200)
        left = workers()
        served.kill()
        deadline = time.monotonic() + WAIT
        while any(os.path.exists(f"/proc/{pid}") for pid in left) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [pid for pid in left if os.path.exists(f"/proc/{pid}")] == []
        served.start()
    finally:
        served.end()


def test_requests_that_never_end_hold_nobody_up(shop):
    served, slow = Served(shop), []
    try:
        for start in (
            b"",
            b"GET / HT",
            b"POST /v1/feedback HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50\r\n\r\n[",
        ) * 20:
            connection = socket.create_connection(("127.0.0.1", served.port))
            connection.sendall(start)
            slow.append(connection)
        for _ in range(5):
            assert httpx2.get(f"{served.url}/v1/items", params={"k": 1}, timeout=5).status_code == 200
        # Cut in the middle of a body: nobody waits for the rest.
        for connection in slow[2::3]:
            connection.close()
        # Those without whole headers are closed by the server.
        slow[0].settimeout(connections.HEADER_SECONDS + 10)
        slow[1].settimeout(connections.HEADER_SECONDS + 10)
        assert slow[0].recv(1) == b""
        assert slow[1].recv(1) == b""
        assert httpx2.get(f"{served.url}/v1/items", params={"k": 1}, timeout=5).status_code == 200
    finally:
        for connection in slow:
            connection.close()
        served.end()


def test_what_is_too_large_is_refused_before_it_is_read(shop):
    served = Served(shop, "--max-body", "1000000")
    head = b"POST /v1/feedback HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    try:
        for rest in (b"Content-Length: 2000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 20):
            with closing(socket.create_connection(("127.0.0.1", served.port))) as connection:
                connection.settimeout(10)
                with suppress(ConnectionError):
                    connection.sendall(head + rest)
                assert b" 413 " in connection.recv(4096).split(b"\r\n")[0]
        many = "&".join(f"x{number}=1" for number in range(6_000))
        with suppress(httpx2.TransportError):
            assert httpx2.get(f"{served.url}/v1/items?{many}", timeout=10).status_code < 500
        deep = "[" * 100_000
        assert httpx2.post(f"{served.url}/v1/feedback", content=deep, timeout=10).status_code in (400, 422)
        assert httpx2.get(f"{served.url}/v1/items", params={"k": 1}, timeout=5).status_code == 200
    finally:
        served.end()
