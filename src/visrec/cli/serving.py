"""Commands of the server: serve, keys."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from visrec.cli.options import AsJson, Shop
from visrec.cli.output import print_json, say, write
from visrec.core.errors import InputError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(serve)
    app.command()(keys)


def serve(
    shop: Shop,
    host: Annotated[str, typer.Option("--host", help="Address; beyond this machine only with a key.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0: any free one.")] = 8765,
    workers: Annotated[int, typer.Option("--workers", help="Processes, each with the models in memory.")] = 1,
    rate: Annotated[float, typer.Option("--rate", help="Requests a second of one client; 0: no limit.")] = 200.0,
    concurrency: Annotated[int, typer.Option("--concurrency", help="Requests at once; others are turned away.")] = 64,
    max_body: Annotated[int, typer.Option("--max-body", help="Bytes of one request.")] = 32 * 1024 * 1024,
    max_k: Annotated[int, typer.Option("--max-k", help="Longest list.")] = 500,
    allow_host: Annotated[
        list[str] | None, typer.Option("--allow-host", help="Name of the server behind a proxy; repeatable.")
    ] = None,
    image_urls: Annotated[
        bool, typer.Option("--image-urls", help="Fetch pictures by URL, from public addresses only.")
    ] = False,
    log_level: Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")] = "info",
) -> None:
    """Serve the workspace: an HTTP API, and a page to look around in."""
    from visrec.server.process import serve as run
    from visrec.server.settings import ServerSettings

    if log_level not in ("debug", "info", "warning", "error"):
        raise InputError(f"Expected --log-level debug, info, warning or error, got {log_level!r}.")
    settings = ServerSettings(
        host=host,
        port=port,
        rate=rate,
        concurrency=concurrency,
        max_body_bytes=max_body,
        max_k=max_k,
        image_urls=image_urls,
        hosts=tuple(allow_host or ()),
    )
    run(shop, settings, workers, log_level, say)


def keys(
    shop: Shop,
    add: Annotated[str | None, typer.Option("--add", help="Make a key of this name; it is printed once.")] = None,
    role: Annotated[str, typer.Option("--role", help="read; write: also feedback; admin: also items.")] = "read",
    remove: Annotated[str | None, typer.Option("--remove", help="Make the key of this name worthless.")] = None,
    as_json: AsJson = False,
) -> None:
    """List, make or remove keys for the API; where there is none, this machine needs none."""
    from visrec.server.keys import Keys
    from visrec.workspace.workspace import Workspace

    Workspace.open(shop)
    there = Keys(shop)
    if remove is not None:
        there.remove(remove)
        say(f"Key {remove!r} is worthless from now on.")
    if add is not None:
        made = there.add(add, role)
        print_json({"name": add, "role": role, "key": made}) if as_json else write(made)
        say("This is the only time that the key is shown.")
    elif as_json:
        print_json({"keys": [{"name": k.name, "role": k.role, "created": k.created} for k in there.all()]})
    elif remove is None:
        for key in there.all():
            write(f"{key.name:20}  {key.role:6}  {time.strftime('%Y-%m-%d', time.gmtime(key.created))}")
        if not there.all():
            say(f"{shop} has no keys.")
