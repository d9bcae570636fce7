"""Two servers of one shop over one PostgreSQL: what one acknowledges counts in the next answer of the other."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx2
import pytest
from fastapi.testclient import TestClient

from visrec import Client, Interaction
from visrec.core.errors import StorageFullError, UnavailableError
from visrec.server.app import create_app
from visrec.server.settings import ServerSettings
from visrec.workspace.workspace import Workspace

USER = "customer-007"


@contextmanager
def served(folder, url):
    """A server as a process of its own; gives its URL."""
    command = [sys.executable, "-m", "visrec", "serve", str(folder), "--port", "0", "--log-level", "warning"]
    environment = {**os.environ, "VISREC_EVENTS_URL": url}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        line = server.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line + server.stderr.read()
        try:
            yield found.group()
        finally:
            server.send_signal(signal.SIGTERM)
            told = server.stderr.read()
        assert server.wait(20) == 0, told
        assert "Traceback" not in told


@pytest.fixture
def http(shop):
    with TestClient(create_app(Workspace.open(shop), ServerSettings(rate=0)), base_url="http://127.0.0.1") as client:
        while client.get("/health/ready").json()["status"] == "starting":
            time.sleep(0.02)
        yield client


def test_two_servers_on_two_machines_are_one(shop, tmp_path, postgres, postgres_url, visrec, monkeypatch):
    # Each machine has a copy of the shop's files; the events are shared.
    liked_before = Workspace.open(shop).liked_items(USER, 1)[0]
    visrec("feedback", shop, "--user", "early", "--item", liked_before)
    monkeypatch.setenv("VISREC_EVENTS_URL", postgres_url)
    shown = visrec("info", shop, "--json").json["live_events"]
    assert shown == f"postgresql+psycopg://shop:***@127.0.0.1:{postgres.port}/{postgres_url.rpartition('/')[2]}"
    assert visrec("feedback", shop, "--user", "early", "--item", liked_before, "--kind", "view").out == "Added.\n"
    shutil.copytree(shop, tmp_path / "copy")
    with served(shop, postgres_url) as first, served(tmp_path / "copy", postgres_url) as second:
        with Client(first, retries=8) as one, Client(second, retries=0) as other:
            # What was in the file when the database was first used has moved in.
            assert httpx2.get(f"{second}/v1/users/early/events").json()["total"] == 2
            assert "live_events" not in httpx2.get(f"{first}/v1/info").json()
            for n_events in range(1, 6):
                top = other.recommend("new", 1).item_ids[0]
                assert one.like("new", top) == 1
                assert top not in other.recommend("new", 500).item_ids
                assert httpx2.get(f"{second}/v1/users/new/events").json()["total"] == n_events
            profile = one.profile(USER)
            taken = httpx2.delete(f"{first}/v1/users/{USER}/profile").json()
            assert other.profile(USER) == taken != profile

            postgres.stop("immediate")
            try:
                for path in (f"/v1/users/{USER}/recommendations", f"/v1/users/{USER}/profile"):
                    refused = httpx2.get(second + path)
                    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
                    assert "there is no answer" in refused.json()["detail"]
                with pytest.raises(UnavailableError, match="Nothing was acknowledged"):
                    other.like("new", liked_before)
                # What needs no events goes on.
                assert httpx2.get(f"{second}/v1/items?k=2").status_code == 200
                assert httpx2.get(f"{second}/health/ready").status_code == 200
            finally:
                postgres.start()
            assert other.profile(USER) == taken
            assert other.like("new", liked_before) == 1
            assert httpx2.get(f"{first}/v1/users/new/events").json()["total"] == 6


def test_a_server_does_not_start_without_its_database(shop, attempt, visrec, monkeypatch, postgres_url):
    monkeypatch.setenv("VISREC_EVENTS_URL", "postgresql://u:s3cret@127.0.0.1:1/shop")
    refused = attempt("serve", shop, "--port", "0")
    assert (refused.code, "s3cret" in refused.err) == (1, False)
    assert re.search(r"Error: postgresql\+psycopg://u:\*\*\*@127.0.0.1:1/shop is not reached", refused.err)
    monkeypatch.setenv("VISREC_EVENTS_URL", postgres_url)
    visrec("feedback", shop, "--user", "u", "--item", Workspace.open(shop).liked_items(USER, 1)[0])
    monkeypatch.delenv("VISREC_EVENTS_URL")
    for command in (("serve", shop, "--port", "0"), ("recommend", shop, "--user", "u"), ("info", shop)):
        refused = attempt(*command)
        assert refused.code == 1
        assert "VISREC_EVENTS_URL is not set" in refused.err


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [
        (StorageFullError("no room"), 507, None),
        (UnavailableError("busy"), 503, "1"),
        (OSError(errno.ENOSPC, "No space left on device", "/shop/x"), 507, None),
        (OSError(errno.EIO, "Input/output error", "/shop/x"), 500, None),
    ],
)
def test_what_a_server_says_of_a_full_disk(http, monkeypatch, error, status, retry):
    def refuse(*_, **__):
        raise error

    shop = http.app.state.served.shop
    monkeypatch.setattr(shop.catalogue, "add_events", refuse)
    event = {"user_id": "u", "item_id": shop.catalogue.items()["item_id"][0].as_py()}
    answer = http.post("/v1/feedback", json=[event])
    assert (answer.status_code, answer.headers.get("retry-after")) == (status, retry)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "/shop/x" not in answer.json()["detail"] or status == 507


def test_an_edit_of_a_taste_and_an_event_are_in_one_database(shop, postgres_url, monkeypatch):
    monkeypatch.setenv("VISREC_EVENTS_URL", postgres_url)
    one, other = Workspace.open(shop), Workspace.open(shop)
    one.tastes.reset(USER)
    assert other.liked_items(USER) == []
    liked = one.catalogue.items()["item_id"][0].as_py()
    one.add_feedback([Interaction(USER, liked, timestamp=4_000_000_000)])
    assert other.liked_items(USER) == [liked]
    assert not list(shop.glob("*.db"))
