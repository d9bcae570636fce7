"""Ids of any character in paths: routes are matched before percent-decoding, so that %2F stays inside its segment."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

from fastapi import Path
from pydantic import AfterValidator
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["EncodedPaths", "ItemId", "Name", "UserId"]


def _decoded(segment: str) -> str:
    return unquote(segment, errors="strict")


ItemId = Annotated[str, Path(description="Item id, percent-encoded; any character."), AfterValidator(_decoded)]
Name = Annotated[str, Path(description="A name, percent-encoded.", max_length=1000), AfterValidator(_decoded)]
UserId = Annotated[str, Path(description="User id, percent-encoded; any character."), AfterValidator(_decoded)]


class EncodedPaths:
    """ASGI middleware: the app sees the path as it came, still percent-encoded."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and scope.get("raw_path"):
            scope = {**scope, "path": scope["raw_path"].split(b"?")[0].decode("latin-1")}
        await self._app(scope, receive, send)
