"""A drawn shop, served; and a real browser to look at it with."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import uvicorn

import visrec
from visrec.sample import SampleFiles, draw_shop

playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")

#: Names of a browser that speaks the DevTools protocol, as distributions install it.
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE_MS = 15_000


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleFiles:
    """A drawn shop of 84 products and 60 customers."""
    return draw_shop(tmp_path_factory.mktemp("page_sample"), n_items=84, n_users=60)


@pytest.fixture(scope="session")
def built(sample: SampleFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drawn shop: ingested, encoded, recognized, trained, laid out."""
    shop = visrec.Workspace.create(tmp_path_factory.mktemp("page") / "shop")
    shop.ingest(items=sample.items, images=sample.images, interactions=sample.interactions)
    shop.encode("colour-histogram")
    shop.attributes.recognize()
    shop.train("visual-knn")
    shop.item_map()
    return shop.root


@pytest.fixture(scope="session")
def address(built: Path) -> Iterator[str]:
    """Where the shop is served; tests that write do it as users of their own."""
    with _served(built) as root:
        yield root


@pytest.fixture
def served() -> Callable[[Path], AbstractContextManager[str]]:
    """Serves another shop."""
    return _served


@contextmanager
def _served(shop: Path) -> Iterator[str]:
    from visrec.server.app import create_app

    app = create_app(visrec.Workspace.open(shop))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    listening = socket.create_server(("127.0.0.1", 0))
    serving = threading.Thread(target=server.run, args=([listening],), daemon=True)
    serving.start()
    root = f"http://127.0.0.1:{listening.getsockname()[1]}"
    _wait_until(lambda: b'"ready"' in urlopen(f"{root}/health/ready", timeout=5).read())
    yield root
    server.should_exit = True
    serving.join(15)
    listening.close()


def _wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            if true():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise TimeoutError("the server does not become ready")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser that the machine has; none is downloaded."""
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser found ({', '.join(_BROWSERS)}); on Debian: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        # A container has neither the namespaces of its sandbox nor, often, a large /dev/shm.
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@dataclass
class Visit:
    """A tab, and what happened in it.

    Attributes:
        tab: Playwright's page.
        root: the server.
        problems: errors of the console, uncaught ones, and requests to other hosts.
        requests: those that were answered.
    """

    tab: Any
    root: str
    problems: list[str] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)

    def open(self, query: str = "") -> Any:
        """The page, its first list loaded."""
        self.tab.goto(f"{self.root}/page/{query}")
        self.tab.wait_for_selector("main :is(.tile:not(.skeleton), .ready)")
        return self.tab

    def shown(self) -> list[str]:
        """Ids of the tiles, in order, once the list is loaded."""
        self.tab.wait_for_selector(".grid[aria-busy=false]")
        return [tile.get_attribute("data-item") for tile in self.tab.query_selector_all(".tile:not(.skeleton)")]

    def weights(self) -> dict[str, int]:
        """Address -> bytes that came, headers included."""
        sizes = {asked.url: asked.sizes() for asked in self.requests}
        return {url: one["responseHeadersSize"] + one["responseBodySize"] for url, one in sizes.items()}

    def until(self, true: Callable[[], bool]) -> None:
        """Wait for something that the page will show."""
        end = time.monotonic() + _PATIENCE_MS / 1000
        while not true():
            assert time.monotonic() < end, "the page does not show what was expected"
            self.tab.wait_for_timeout(30)


@pytest.fixture
def locale() -> str:
    """The language of the browser."""
    return "en-GB"


@pytest.fixture
def visit(address: str, chromium: Any, locale: str) -> Iterator[Visit]:
    """A tab for one test; at its end the console must hold no error, and no request may have left the server."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, locale=locale)
    context.set_default_timeout(_PATIENCE_MS)
    visiting = Visit(context.new_page(), address)
    tab = visiting.tab
    tab.on("console", lambda said: _note_said(visiting, said))
    tab.on("pageerror", lambda error: visiting.problems.append(str(error)))
    tab.on("request", lambda asked: _note_foreign(visiting, asked.url))
    tab.on("requestfinished", lambda asked: visiting.requests.append(asked))
    yield visiting
    context.close()
    assert visiting.problems == []


def _note_said(visiting: Visit, said: Any) -> None:
    # A browser writes down every 404 and 401: that a customer is new, or a key is asked for, is no error.
    unknown = "404" in said.text and said.location["url"].split("?")[0].endswith(("/events", "/profile"))
    unsigned = "401" in said.text
    if said.type in ("error", "warning") and not unknown and not unsigned:
        visiting.problems.append(said.text)


def _note_foreign(visiting: Visit, url: str) -> None:
    if not url.startswith((visiting.root, "blob:", "data:")):
        visiting.problems.append(f"foreign request: {url}")
