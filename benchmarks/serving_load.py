"""What a server holds under load, on loopback: latency at a steady rate, throughput, memory; and its start.

    python benchmarks/serving_load.py [--shop FOLDER] [--items 100000 --users 50000 --events 1000000 --model ials]
    python benchmarks/serving_load.py --start SHOP          # seconds from the command to ready, of a shop that is there

A shop is drawn as in recommend_latency.py, and a real `visrec serve` started on it. Every tenth request is POST
/v1/feedback with one event, the others ask for ten items for a user drawn at random. First the open loop: requests are
due at drawn times (Poisson, --rate a second), and each one's latency counts from when it was due, so that waiting for
others is part of it. Then the closed loop: --clients connections, each asking again as soon as it has its answer, until
--total requests were answered in all, while the resident memory of the workers is read. Throughput is compared with the
model's own `score` in this process, on histories that are ready, one call after the other, before and after the load.
BLAS runs on one thread everywhere, unless OMP_NUM_THREADS and OPENBLAS_NUM_THREADS say otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from recommend_latency import drawn_shop  # First: it sets the threads of BLAS.

import numpy as np  # isort: skip

import visrec  # isort: skip
from visrec.core.ids import IdMap  # isort: skip
from visrec.workspace.assemble import current_histories  # isort: skip

_RATE, _N_SCORED = 50.0, 200


@dataclass
class Server:
    """A running `visrec serve`."""

    process: subprocess.Popen[bytes]
    host: str
    port: int
    workers: int

    def pids(self) -> list[int]:
        """The processes that answer."""
        if self.workers == 1:
            return [self.process.pid]
        text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        named = ((int(pid), Path(f"/proc/{pid}/cmdline").read_text()) for pid in text.split())
        return [pid for pid, command in named if "spawn_main" in command]

    def megabytes(self) -> list[float]:
        """Resident memory of each worker."""
        found = (Path(f"/proc/{pid}/status").read_text() for pid in self.pids())
        return [int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024 for text in found]  # type: ignore[index]


@contextmanager
def serving(shop: Path, workers: int, log: Path) -> Iterator[Server]:
    """A server that is ready; ended when the block ends."""
    command = [sys.executable, "-m", "visrec", "serve", str(shop), "--port", "0", "--rate", "0"]
    with log.open("wb") as out:
        process = subprocess.Popen([*command, "--workers", str(workers)], stderr=out)
    try:
        while not (said := re.search(r"on (http://\S+)", log.read_text())):
            if process.poll() is not None:
                raise SystemExit(f"The server did not start: {log.read_text()}")
            time.sleep(0.01)
        url = urlsplit(said[1])
        server = Server(process, str(url.hostname), int(url.port or 0), workers)
        asyncio.run(_ready(server))
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


async def _ready(server: Server) -> None:
    while True:
        try:
            status, _ = await Connection(server).ask(b"GET", "/health/ready")
            if status == 200:
                return
        except OSError:
            pass
        await asyncio.sleep(0.01)


class Connection:
    """One connection that is kept open: as little of HTTP as the load needs, so that asking costs next to nothing."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: bytes, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of an answer."""
        if self._open is None:
            self._open = await asyncio.open_connection(self._server.host, self._server.port)
        reader, writer = self._open
        kind = b"Content-Type: application/json\r\n" if body else b""
        head = b"%s %s HTTP/1.1\r\nHost: %s:%d\r\n%sContent-Length: %d\r\n\r\n"
        writer.write(head % (method, path.encode(), self._server.host.encode(), self._server.port, kind, len(body)))
        writer.write(body)
        try:
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(re.search(rb"content-length: (\d+)", answer)[1])  # type: ignore[index]
            return int(answer[9:12]), await reader.readexactly(length)
        except (OSError, EOFError):
            self._open = None
            writer.close()
            return 0, b""


@dataclass
class Load:
    """Requests, drawn; and what became of them."""

    n_users: int
    item_ids: list[str]
    seed: int
    n: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    milliseconds: dict[str, list[float]] = field(default_factory=lambda: {"reads": [], "writes": []})

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)

    async def one(self, connection: Connection, due: float | None = None) -> None:
        """Make the next request; its latency counts from `due`, or from now."""
        self.n += 1
        user = f"u{self._rng.integers(self.n_users)}"
        what = "reads" if self.n % 10 else "writes"
        due = time.perf_counter() if due is None else due
        if what == "reads":
            status, _ = await connection.ask(b"GET", f"/v1/users/{user}/recommendations?k=10")
        else:
            item_id = self.item_ids[int(self._rng.integers(len(self.item_ids)))]
            event = [{"user_id": user, "item_id": item_id, "timestamp": 1_900_000_000 + self.n}]
            status, _ = await connection.ask(b"POST", "/v1/feedback", json.dumps(event).encode())
        self.milliseconds[what].append(1e3 * (time.perf_counter() - due))
        self.statuses["fine" if 200 <= status < 300 else f"status {status}"] += 1

    def report(self, title: str) -> None:
        """Print what was measured."""
        print(f"{title}: {self.n:,} requests, {dict(self.statuses)}")
        for what, measured in self.milliseconds.items():
            p50, p95, p99, most = np.percentile(measured, [50, 95, 99, 100])
            print(f"  {what:6} p50 {p50:6.2f}  p95 {p95:6.2f}  p99 {p99:6.2f}  max {most:7.2f} ms")


async def open_loop(server: Server, load: Load, rate: float, seconds: float) -> None:
    """Requests at drawn times, whether or not the earlier ones were answered."""
    rng = np.random.default_rng(load.seed + 1)
    idle: list[Connection] = []
    under_way: set[asyncio.Task[None]] = set()

    async def one(due: float) -> None:
        connection = idle.pop() if idle else Connection(server)
        await load.one(connection, due)
        idle.append(connection)

    due = started = time.perf_counter()
    while due < started + seconds:
        due += rng.exponential(1 / rate)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(one(due))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)


async def closed_loop(server: Server, load: Load, clients: int, total: int) -> list[tuple[int, list[float]]]:
    """Requests one after the other on each of some connections; memory in MB after each thousand of them."""
    memory = [(0, server.megabytes())]

    async def client() -> None:
        connection = Connection(server)
        while load.n < total:
            await load.one(connection)
            if load.n >= memory[-1][0] + 1000:
                memory.append((load.n, server.megabytes()))

    await asyncio.gather(*(client() for _ in range(clients)))
    return memory


def bare(shop: visrec.Workspace, model: str, n_users: int) -> float:
    """Calls of `score` a second, for one user each, in this process."""
    items, recommender = shop.item_features(), shop.model(model)
    users = [f"u{row}" for row in np.random.default_rng(2).integers(n_users, size=_N_SCORED)]
    read = [current_histories(shop.catalogue, items.item_ids, shop.settings.rules, IdMap([user])) for user in users]
    recommender.score(read[0], items)
    started = time.perf_counter()
    for history in read:
        recommender.score(history, items)
    return _N_SCORED / (time.perf_counter() - started)


def tell_memory(memory: list[tuple[int, list[float]]]) -> None:
    """Begin, middle, end, and the slope of the second half."""
    points = [memory[0], memory[len(memory) // 2], memory[-1]]
    print("memory of each worker: " + ", ".join(f"after {n:,}: {_megabytes(mb)}" for n, mb in points))
    later = [(n, sum(mb) / len(mb)) for n, mb in memory[len(memory) // 2 :]]
    if len(later) > 2:
        slope = np.polyfit([n for n, _ in later], [mb for _, mb in later], 1)[0]
        print(f"growth in the second half: {1e4 * slope:+.2f} MB for 10,000 requests")


def _megabytes(each: list[float]) -> str:
    return " and ".join(f"{one:.0f}" for one in each) + " MB"


def start(shop: Path, workers: int) -> None:
    """Print how long a server takes from its command to being ready, three times."""
    with tempfile.TemporaryDirectory() as temporary:
        for _ in range(3):
            began = time.perf_counter()
            with serving(shop, workers, Path(temporary) / "log") as server:
                took = time.perf_counter() - began
                maps = Path(f"/proc/{server.pids()[0]}/maps").read_text()
                torch = "libtorch" in maps
                print(f"ready after {took:.2f} s, {_megabytes(server.megabytes())}, torch loaded: {torch}")


def measure(shop: visrec.Workspace, options: argparse.Namespace) -> None:
    """Load a server of this shop, and print."""
    rates = [bare(shop, options.model, options.users)]
    with tempfile.TemporaryDirectory() as temporary:
        with serving(shop.root, options.workers, Path(temporary) / "log") as server:
            item_ids = list(shop.item_features().item_ids)
            print(f"load of the machine before: {os.getloadavg()[0]:.2f}", flush=True)
            if options.seconds:
                asyncio.run(open_loop(server, Load(options.users, item_ids, 10), options.rate, 5.0))
                steady = Load(options.users, item_ids, 20)
                asyncio.run(open_loop(server, steady, options.rate, options.seconds))
                steady.report(f"open loop, {options.rate:g} a second")
            full = Load(options.users, item_ids, 30)
            began = time.perf_counter()
            memory = asyncio.run(closed_loop(server, full, options.clients, options.total))
            answered = full.n / (time.perf_counter() - began)
            full.report(f"closed loop, {options.clients} clients, {options.workers} worker(s)")
            tell_memory(memory)
    rates.append(bare(shop, options.model, options.users))
    print(f"throughput {answered:.0f} a second; bare score {rates[0]:.0f} before and {rates[1]:.0f} after")
    print(f"throughput / bare score: {answered / np.mean(rates):.2f}")


def main() -> None:
    """Draw, train, serve, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--model", default="ials")
    parser.add_argument("--shop", type=Path, help="Draw it here once, and use it again.")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rate", type=float, default=_RATE, help="Of the open loop, requests a second.")
    parser.add_argument("--seconds", type=float, default=60.0, help="Of the open loop; 0: without it.")
    parser.add_argument("--clients", type=int, default=2, help="Of the closed loop.")
    parser.add_argument("--total", type=int, default=50_000, help="Requests of the closed loop.")
    parser.add_argument("--start", type=Path, help="Only measure the start of a server on this shop.")
    options = parser.parse_args()
    if options.start:
        start(options.start, options.workers)
        return
    with tempfile.TemporaryDirectory() as temporary:
        home = options.shop or Path(temporary)
        if (home / "shop").is_dir():
            shop = visrec.Workspace.open(home / "shop")
        else:
            shop = drawn_shop(home, options.items, options.users, options.events)
        if options.model not in shop.trained_models():
            shop.train(options.model)
        shop.versions.use(options.model)
        measure(shop, options)


if __name__ == "__main__":
    main()
