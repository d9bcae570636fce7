"""The server as a process: its socket, its workers, and how it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.supervisors import Multiprocess

from visrec.core.errors import InputError
from visrec.server.app import create_app
from visrec.server.connections import PatientConnection
from visrec.server.keys import Keys
from visrec.server.observed import log_to_stderr
from visrec.server.settings import ServerSettings, is_loopback
from visrec.workspace.workspace import Workspace

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["serve"]

_SECONDS_TO_END = 10


def serve(
    root: Path, settings: ServerSettings, workers: int = 1, log_level: str = "info", say: Callable[[str], None] = print
) -> None:
    """Serve a workspace until the process is told to end; requests that are being answered are finished first.

    Args:
        root: the workspace.
        settings: where to listen, and what a request may cost.
        workers: processes; each holds the models in memory of its own.
        log_level: "debug", "info", "warning" or "error".
        say: told where the server is.

    Raises:
        InputError: when it would be reached from other machines without a key, or the port cannot be had.
        WorkspaceError: when the workspace, or its database of live events, cannot be opened.
        UnavailableError: when that database is not reached.
    """
    if workers < 1:
        raise InputError(f"Expected 1 worker or more, got {workers}.")
    shop = Workspace.open(root)
    # Who runs the server sees at once what is wrong with its database.
    shop.catalogue.live.connect()
    if not is_loopback(settings.host) and not Keys(root).all():
        raise InputError(
            f"{settings.host} can be reached from other machines, and {root} has no key: everybody could read and "
            f"change it. Make one with: visrec keys {root} --add NAME --role admin"
        )
    listening = _listen(settings.host, settings.port)
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    say(f"visrec serves {root} on http://{shown}:{port} (the page: /page/, the API: /openapi.json). Ctrl-C ends it.")
    log_to_stderr(log_level)
    for wanted in (signal.SIGTERM, signal.SIGINT):
        # The server finishes its requests, and then raises the signal once more: that end is the wanted one.
        signal.signal(wanted, lambda _number, _frame: None)
    if workers == 1:
        uvicorn.Server(_config(create_app(shop, settings))).run(sockets=[listening])
        return
    # Each process makes an application of its own.
    config = _config(partial(_app, root.resolve(), settings, log_level), workers, factory=True)
    Multiprocess(config, sockets=[listening]).run()


def _app(root: Path, settings: ServerSettings, log_level: str) -> FastAPI:
    log_to_stderr(log_level)
    threading.Thread(target=_end_with_parent, name="visrec-parent", daemon=True).start()
    return create_app(Workspace.open(root), settings)


def _end_with_parent() -> None:
    """End this worker when the process that started it was killed: it would keep the port from the next one."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _config(app: FastAPI | Callable[[], FastAPI], workers: int = 1, factory: bool = False) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=factory,
        workers=workers,
        http=PatientConnection,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=15,
        timeout_worker_healthcheck=60,
        timeout_graceful_shutdown=_SECONDS_TO_END,
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        raise InputError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}. Choose another --port (0: any free one)."
        ) from error
    return listening
