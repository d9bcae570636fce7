"""What a request may cost, and from which pages it may come: checked before the app sees it."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from visrec.server.problems import problem
from visrec.server.settings import ServerSettings, is_loopback

__all__ = ["Guard"]

_SAFE = {"GET", "HEAD", "OPTIONS"}
#: Clients whose rate is remembered, latest first.
_CLIENTS = 10_000
#: Answered whatever the load is: who watches a server must see that it is busy.
_ALWAYS = ("/health/live", "/health/ready", "/metrics")


class _Refused(HTTPException):
    """A request that is turned away; inside the app it is handled like any other HTTP error."""


class Guard:
    """ASGI middleware: hosts, origins, rate, concurrency, size and pace of bodies."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._settings = settings
        self._busy = 0
        self._budgets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["path"] in _ALWAYS:
            await self._app(scope, receive, send)
            return
        try:
            headers = Headers(scope=scope)
            self._check_source(scope, headers)
            self._check_rate(scope)
            await self._admit(scope, self._body(headers, receive), send)
        except _Refused as refused:
            request_id = str(scope.get("visrec.request_id", ""))
            # The rest of a body that nobody reads would be taken for the next request.
            close = {"Connection": "close", **(refused.headers or {})}
            await problem(refused.status_code, refused.detail, request_id, close)(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._busy >= self._settings.concurrency:
            raise _Refused(
                503,
                f"Expected at most {self._settings.concurrency} requests at once. Try again soon.",
                {"Retry-After": "1"},
            )
        self._busy += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._busy -= 1

    def _check_source(self, scope: Scope, headers: Headers) -> None:
        """Other sites' pages must not reach a server on this machine, under whatever name (DNS rebinding)."""
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        if is_loopback(self._settings.host) and not (is_loopback(host) or host in self._settings.hosts):
            raise _Refused(421, f"Expected a request to this machine or one of --allow-host, got Host {host!r}.")
        origin = headers.get("origin")
        if origin is not None and scope["method"] not in _SAFE and urlsplit(origin).netloc != headers.get("host", ""):
            raise _Refused(403, f"Expected a request of this server's own page, got one of {origin}.")

    def _check_rate(self, scope: Scope) -> None:
        rate = self._settings.rate
        if not rate:
            return
        client = scope["client"][0] if scope.get("client") else ""
        now = time.monotonic()
        left, then = self._budgets.pop(client, (2 * rate, now))
        left = min(2 * rate, left + (now - then) * rate)
        self._budgets[client] = (max(left - 1, 0.0), now)
        while len(self._budgets) > _CLIENTS:
            self._budgets.popitem(last=False)
        if left < 1:
            raise _Refused(429, f"Expected at most {rate:g} requests a second of one client.", {"Retry-After": "1"})

    def _body(self, headers: Headers, receive: Receive) -> Receive:
        """The body as it comes, up to its limits of size and time."""
        limit = self._settings.max_body_bytes
        told = headers.get("content-length", "0")
        if told.isdecimal() and int(told) > limit:
            raise _Refused(413, f"Expected a body of at most {limit:,} bytes, got {int(told):,}.")
        deadline = time.monotonic() + self._settings.body_seconds
        size, done = 0, False

        async def limited() -> Message:
            nonlocal size, done
            if done:
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), deadline - time.monotonic())
            except TimeoutError:
                raise _Refused(408, f"Expected the body within {self._settings.body_seconds:g} seconds.") from None
            size += len(message.get("body", b""))
            if size > limit:
                raise _Refused(413, f"Expected a body of at most {limit:,} bytes, got more.")
            done = not message.get("more_body", False)
            return message

        return limited
