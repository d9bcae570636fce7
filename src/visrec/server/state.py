"""What the routes of one server share."""

from __future__ import annotations

from fastapi import Request

from visrec.core.errors import InputError
from visrec.server.image_urls import ImageUrls
from visrec.server.observed import Metrics
from visrec.server.served_shop import ServedShop
from visrec.server.settings import ServerSettings
from visrec.server.shown_lists import ShownLists
from visrec.server.thumbnails import Thumbnails

__all__ = ["fetched", "metrics_of", "served_by", "settings_of", "shown_lists_of", "thumbnails_of"]


def served_by(request: Request) -> ServedShop:
    """The workspace that is served."""
    found: ServedShop = request.app.state.served
    return found


def settings_of(request: Request) -> ServerSettings:
    """What a request may cost."""
    found: ServerSettings = request.app.state.settings
    return found


def metrics_of(request: Request) -> Metrics:
    """What is counted."""
    found: Metrics = request.app.state.metrics
    return found


def shown_lists_of(request: Request) -> ShownLists:
    """The experiment that runs, and what was shown in it."""
    found: ShownLists = request.app.state.shown_lists
    return found


def thumbnails_of(request: Request) -> Thumbnails:
    """The pictures, scaled down."""
    found: Thumbnails = request.app.state.thumbnails
    return found


def fetched(request: Request, url: str) -> bytes:
    """The picture behind a URL.

    Raises:
        InputError: where the server fetches none, or this one cannot be had.
    """
    settings = settings_of(request)
    if not settings.image_urls:
        raise InputError(
            "This server fetches no pictures by URL (`visrec serve --image-urls`). Send the picture itself."
        )
    return ImageUrls(settings.max_body_bytes).fetch(url)
