"""Errors as problem+json (RFC 9457): what was expected, what came, what to do; never a stack trace."""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from visrec.core.errors import (
    InputError,
    NotFittedError,
    NotFoundError,
    StorageFullError,
    UnavailableError,
    UnsupportedError,
    VisrecError,
    WeightsError,
    WorkspaceError,
)

__all__ = ["Problem", "documented", "problem", "register"]

_LOG = logging.getLogger("visrec.server")

_MEDIA_TYPE = "application/problem+json"
_TITLES = {
    400: "The request cannot be used",
    401: "A key is needed",
    403: "The key is not enough",
    404: "Not found",
    405: "Method not allowed",
    408: "The request came too slowly",
    409: "Not possible in this state",
    413: "The request is too large",
    415: "Media type not supported",
    421: "Wrong host",
    422: "The request is not of the expected form",
    429: "Too many requests",
    500: "The server failed",
    503: "Not available now",
    507: "No room left",
}
_STATUS: tuple[tuple[type[VisrecError], int], ...] = (
    (NotFoundError, 404),
    (NotFittedError, 409),
    (UnsupportedError, 409),
    (InputError, 400),
    (WeightsError, 503),
    (UnavailableError, 503),
    (StorageFullError, 507),
    (WorkspaceError, 503),
)


#: No space on the disk, or none that this user may still have.
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Problem(BaseModel):
    """What every error looks like; media type application/problem+json."""

    title: str
    status: int
    detail: str
    request_id: str = ""
    errors: list[dict[str, Any]] | None = None


def problem(
    status: int, detail: str, request_id: str = "", headers: Mapping[str, str] | None = None, errors: Any = None
) -> JSONResponse:
    """An error as a response."""
    body = Problem(
        title=_TITLES.get(status, "Error"), status=status, detail=detail, request_id=request_id, errors=errors
    )
    return JSONResponse(body.model_dump(exclude_none=True), status, dict(headers or {}), media_type=_MEDIA_TYPE)


def documented(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an app in which every operation may answer with a problem."""
    document = FastAPI.openapi(app)
    schemas = document["components"]["schemas"]
    # FastAPI's own form of malformed requests is not what is answered.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    content = {_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    said = {"description": "What was expected, what came, what to do.", "content": content}
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"] |= {"4XX": said, "5XX": said}
    return document


def register(app: FastAPI) -> None:
    """Answer every error of an app as a problem."""

    @app.exception_handler(VisrecError)
    def _ours(request: Request, error: VisrecError) -> JSONResponse:
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
        headers = {"Retry-After": "1"} if status == 503 else None
        return problem(status, str(error), _id_of(request), headers)

    @app.exception_handler(OSError)
    def _of_the_system(request: Request, error: OSError) -> JSONResponse:
        if error.errno not in _FULL:
            return _unexpected(request, error)
        where = f" of {error.filename}" if error.filename else ""
        return problem(507, f"The disk{where} is full: nothing was stored. Free space on it.", _id_of(request))

    @app.exception_handler(HTTPException)
    def _raised(request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), _id_of(request), error.headers)

    @app.exception_handler(RequestValidationError)
    def _malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        found = [
            {"at": ".".join(str(part) for part in one["loc"]), "message": one["msg"]} for one in error.errors()[:20]
        ]
        detail = "; ".join(f"{one['at']}: {one['message']}" for one in found[:3])
        return problem(422, detail or "The request is not of the expected form.", _id_of(request), errors=found)

    @app.exception_handler(Exception)
    def _unexpected(request: Request, error: Exception) -> JSONResponse:
        _LOG.exception("request failed", extra={"request_id": _id_of(request)}, exc_info=error)
        return problem(500, "The server failed; its log says more under this request_id.", _id_of(request))


def _id_of(request: Request) -> str:
    return str(request.scope.get("visrec.request_id", ""))
