"""Routes for those who run the server: health, metrics, and keys for the page."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from visrec import __version__
from visrec.server.access import COOKIE, READ
from visrec.server.forms import Given
from visrec.server.state import metrics_of, served_by

__all__ = ["routes"]

routes = APIRouter(tags=["operation"])


class SignIn(Given):
    """A key, for a page that cannot send headers with its pictures."""

    key: str


class Health(BaseModel):
    """Whether the server is up."""

    status: str
    version: str = __version__


@routes.get("/health/live")
async def live() -> Health:
    """Whether the process answers."""
    return Health(status="live")


@routes.get("/health/ready", responses={503: {"model": Health, "description": "It is starting, or ending."}})
async def ready(request: Request, response: Response) -> Health:
    """Whether it has loaded what it answers from; 503 until then."""
    state = request.app.state.ready
    if state != "ready":
        response.status_code = 503
    return Health(status=state)


@routes.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request) -> Response:
    """Counts for Prometheus."""
    return Response(generate_latest(metrics_of(request).registry), media_type=CONTENT_TYPE_LATEST)


@routes.get("/v1/info", dependencies=[READ])
def info(request: Request) -> dict[str, Any]:
    """What the workspace holds, and what is in use."""
    facts = served_by(request).shop.info()
    # A name inside the operator's network: for `visrec info`, not for everybody with a key.
    facts.pop("live_events")
    return facts


@routes.post("/v1/session", status_code=204)
def sign_in(request: Request, response: Response, given: SignIn) -> None:
    """Keep a key in a cookie that scripts cannot read and other sites cannot send."""
    if request.app.state.keys.of(given.key) is None:
        raise HTTPException(401, "This key is not known.")
    response.set_cookie(
        COOKIE, given.key, httponly=True, samesite="strict", secure=request.url.scheme == "https", max_age=86400 * 30
    )


@routes.delete("/v1/session", status_code=204)
def sign_out(response: Response) -> None:
    """Forget the key in the cookie."""
    response.delete_cookie(COOKIE)
