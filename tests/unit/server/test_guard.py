"""The guard, around an application that only reads bodies."""

from __future__ import annotations

import threading

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from visrec.core.errors import InputError
from visrec.server.guard import Guard
from visrec.server.settings import ServerSettings, is_loopback


async def echo(request: Request) -> JSONResponse:
    return JSONResponse({"bytes": len(await request.body())})


def client_of(settings, endpoint=echo, base_url="http://127.0.0.1"):
    methods = ["GET", "POST"]
    routes = [Route(path, endpoint, methods=methods) for path in ("/", "/metrics")]
    return TestClient(Guard(Starlette(routes=routes), settings), base_url=base_url)


def test_a_body_at_the_limit_passes_and_one_byte_more_does_not():
    client = client_of(ServerSettings(max_body_bytes=10))
    assert client.post("/", content=b"x" * 10).json() == {"bytes": 10}
    refused = client.post("/", content=b"x" * 11)
    assert refused.status_code == 413
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"] == "Expected a body of at most 10 bytes, got 11."


def test_a_body_of_untold_length_is_counted_as_it_comes():
    client = client_of(ServerSettings(max_body_bytes=10))

    def chunks(n):
        yield from [b"xxxx"] * n

    assert client.post("/", content=chunks(2)).json() == {"bytes": 8}
    assert client.post("/", content=chunks(3)).status_code == 413


def test_a_client_has_a_burst_of_twice_its_rate():
    client = client_of(ServerSettings(rate=0.001))
    # Twice .001 is less than one request.
    assert client.get("/").status_code == 429
    client = client_of(ServerSettings(rate=1.5))
    answers = [client.get("/").status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]
    assert client.get("/").headers["retry-after"] == "1"
    assert client.get("/metrics").status_code == 200


def test_without_a_rate_everything_passes():
    client = client_of(ServerSettings(rate=0))
    assert {client.get("/").status_code for _ in range(50)} == {200}


def test_more_requests_at_once_than_allowed_are_turned_away():
    entered, leave = threading.Event(), threading.Event()

    async def slow(request: Request) -> JSONResponse:
        entered.set()
        await anyio.to_thread.run_sync(leave.wait, 10)
        return JSONResponse({})

    client, statuses = client_of(ServerSettings(concurrency=1), slow), []
    with client:
        first = threading.Thread(target=lambda: statuses.append(client.get("/").status_code))
        first.start()
        assert entered.wait(10)
        busy = client.get("/")
        leave.set()
        first.join()
        assert statuses == [200]
        assert busy.status_code == 503
        assert busy.headers["retry-after"] == "1"
        assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:80", 200),
        ("localhost", 200),
        ("[::1]:99", 200),
        ("evil.example", 421),
        ("shop.example", 200),
        ("", 421),
    ],
)
def test_a_server_on_this_machine_answers_to_its_own_names_only(host, status):
    client = client_of(ServerSettings(hosts=("shop.example",)))
    assert client.get("/", headers={"host": host}).status_code == status


def test_a_server_for_others_answers_to_any_name():
    client = client_of(ServerSettings(host="0.0.0.0"))
    assert client.get("/", headers={"host": "shop.example"}).status_code == 200


@pytest.mark.parametrize(
    ("method", "origin", "status"),
    [
        ("POST", "http://127.0.0.1", 200),
        ("POST", "http://evil.example", 403),
        ("POST", "null", 403),
        ("POST", None, 200),
        ("GET", "http://evil.example", 200),
    ],
)
def test_other_sites_pages_may_not_change_anything(method, origin, status):
    headers = {} if origin is None else {"origin": origin}
    assert client_of(ServerSettings()).request(method, "/", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("[::1]", True), ("LOCALHOST", True), ("0.0.0.0", False),
     ("::", False), ("192.168.1.2", False), ("localhost.evil.example", False), ("", False)],
)  # fmt: skip
def test_which_addresses_stay_on_this_machine(host, loopback):
    assert is_loopback(host) is loopback


@pytest.mark.parametrize("wrong", [{"max_k": 0}, {"rate": -1}, {"port": 70000}, {"body_seconds": 0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InputError, match="Expected limits of 1 or more"):
        ServerSettings(**wrong)
