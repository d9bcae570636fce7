"""What a server tells of itself: a line of JSON for every request, and counts for Prometheus."""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["JsonLines", "Metrics", "Observed", "log_to_stderr"]

_LOG = logging.getLogger("visrec.server")
_USABLE_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}\Z")
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class Metrics:
    """The counts of one server process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "visrec_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "visrec_request_seconds", "Time to answer.", ("route",), registry=self.registry, buckets=_SECONDS
        )
        self.busy = Gauge("visrec_requests_in_progress", "Requests being worked on.", registry=self.registry)
        self.feedback = Counter("visrec_feedback_events", "Events stored.", registry=self.registry)
        self.impressions = Counter(
            "visrec_impressions", "Lists of an experiment that were written down.", registry=self.registry
        )
        self.impressions_lost = Counter(
            "visrec_impressions_lost", "Lists of an experiment that could not be written down.", registry=self.registry
        )


class Observed:
    """ASGI middleware: gives every request an id, and writes down what became of it."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        scope["visrec.request_id"] = given if _USABLE_ID.match(given) else secrets.token_hex(8)
        status, started = 500, time.perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = scope["visrec.request_id"]
            await send(message)

        self._metrics.busy.inc()
        try:
            await self._app(scope, receive, sending)
        finally:
            self._metrics.busy.dec()
            self._write(scope, status, time.perf_counter() - started)

    def _write(self, scope: Scope, status: int, seconds: float) -> None:
        # The route's pattern, not the path: ids would make a count of their own each.
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.requests.labels(scope["method"], route, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        told = {
            "request_id": scope["visrec.request_id"],
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "ms": round(1000 * seconds, 1),
            "client": scope["client"][0] if scope.get("client") else "",
            "key": scope.get("visrec.key", ""),
        }
        _LOG.info("request", extra=told)


class JsonLines(logging.Formatter):
    """A log record as one line of JSON."""

    _PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in self._PLAIN}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)


def log_to_stderr(level: str = "info") -> None:
    """Write visrec's and the server's records to standard error, as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in ("visrec", "uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level.upper())
