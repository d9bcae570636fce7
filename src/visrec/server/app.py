"""The application: routes, limits and what is observed, put around one workspace."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from visrec import __version__
from visrec.core.errors import VisrecError
from visrec.server import experiments, feedback, health, items, maps, models, pages, problems, recommending, users
from visrec.server.encoded_paths import EncodedPaths
from visrec.server.guard import Guard
from visrec.server.keys import Keys
from visrec.server.observed import Metrics, Observed
from visrec.server.served_shop import ServedShop
from visrec.server.settings import ServerSettings
from visrec.server.shown_lists import ShownLists
from visrec.server.thumbnails import Thumbnails
from visrec.workspace.workspace import Workspace

__all__ = ["create_app"]

_LOG = logging.getLogger("visrec.server")


def create_app(shop: Workspace, settings: ServerSettings | None = None) -> FastAPI:
    """A workspace as an ASGI application.

    Args:
        shop: what is served.
        settings: what a request may cost.
    """
    settings = settings or ServerSettings()
    app = FastAPI(
        title="visrec",
        version=__version__,
        description="Recommendations by what people like to look at.",
        lifespan=_lifespan,
        # Their pages load scripts from other hosts; the page's own help does not.
        docs_url=None,
        redoc_url=None,
    )
    app.state.served, app.state.settings = ServedShop(shop), settings
    app.state.keys, app.state.metrics = Keys(shop.root), Metrics()
    app.state.thumbnails, app.state.ready = Thumbnails(shop.root, shop.limits), "starting"
    app.state.map = maps.ServedMap(shop)
    app.state.shown_lists = ShownLists(shop.experiments, app.state.metrics)
    problems.register(app)
    for part in (recommending, feedback, items, maps, users, models, experiments, health):
        app.include_router(part.routes)
    pages.mount(app)
    app.openapi = partial(problems.documented, app)  # type: ignore[method-assign]
    # The last one added is the first to see a request.
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(Observed, metrics=app.state.metrics)
    app.add_middleware(EncodedPaths)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load in the background: the process is live at once, and ready when it can answer."""
    loading = threading.Thread(target=_load, args=(app,), name="visrec-warm-up", daemon=True)
    loading.start()
    yield
    app.state.ready = "stopping"
    app.state.shown_lists.close()


def _load(app: FastAPI) -> None:
    try:
        app.state.served.warm_up()
    except VisrecError as error:
        # Requests will say the same; those that need no model can be answered.
        _LOG.warning("not everything could be loaded", extra={"error": str(error)})
    except Exception:
        app.state.ready = "failed"
        _LOG.exception("the workspace could not be loaded")
        return
    app.state.ready = "ready"
