"""The client against a server that runs as a process of its own."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from visrec import Client, Interaction
from visrec.catalogue.report import EventsRemoved
from visrec.core.errors import AccessError, InputError, NotFoundError, UnavailableError, UnsupportedError
from visrec.server.keys import Keys
from visrec.workspace.workspace import Workspace

USER, ODD = "customer-007", "a/b?c#ü"
TAKEN_BACK = "Taken back, live events: 1.\n"


@pytest.fixture(scope="module")
def folder(built, tmp_path_factory):
    shop = tmp_path_factory.mktemp("client") / "shop"
    shutil.copytree(built, shop)
    return shop


@pytest.fixture(scope="module")
def url(folder):
    """Where a server runs; it must leave in peace when it is told to."""
    command = [sys.executable, "-m", "visrec", "serve", str(folder), "--port", "0", "--log-level", "warning"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        line = server.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line + server.stderr.read()
        yield found.group()
        server.send_signal(signal.SIGTERM)
        told = server.stderr.read()
        assert server.wait(20) == 0, told
        assert "Traceback" not in told


@pytest.fixture
def client(url):
    with Client(url, retries=8) as made:
        yield made


def test_answers_are_those_of_the_python_api(client, folder):
    shop = Workspace.open(folder)
    assert client.recommend(USER, 5).item_ids == shop.recommend(USER, 5).item_ids
    assert client.recommend_many([USER, "nobody"], 3)[1].item_ids == shop.recommend("nobody", 3).item_ids
    item_id = client.recommend(USER, 1, where="price < 100").item_ids[0]
    assert client.similar(item_id, 4).item_ids == shop.similar(item_id, 4).item_ids
    liked = shop.liked_items(USER, 2)
    assert len(client.recommend_session([Interaction("", item_id) for item_id in liked], 3)) == 3
    assert client.profile(USER)["user_id"] == USER


def test_pictures_are_examples_as_files_and_as_bytes(client, folder):
    row = Workspace.open(folder).catalogue.images().to_pylist()[7]
    file = Path(row["path"])
    assert client.query([file], k=1).item_ids == [row["item_id"]]
    assert client.query([file.read_bytes()], k=1).item_ids == [row["item_id"]]
    mixed = client.query([file], dislike=[row["item_id"]], k=2)
    assert len(mixed) == 2


def test_feedback_is_stored_once(client):
    item_id = client.recommend("nobody", 1).item_ids[0]
    event = Interaction("new/user", item_id, "like", timestamp=1_700_000_000)
    assert [client.add_feedback([event]), client.add_feedback([event])] == [1, 0]
    assert client.dislike("new/user", item_id) == 1
    assert client.remove_user("new/user") == {"interactions": 2}


def test_feedback_is_taken_back(client, folder, visrec, attempt):
    item_id = client.recommend("nobody", 1).item_ids[0]
    before = client.recommend("nobody", 5).item_ids
    client.add_feedback([Interaction("nobody", item_id, kind) for kind in ("like", "buy")])
    assert client.recommend("nobody", 5).item_ids != before
    assert client.remove_feedback("nobody", item_id, "buy") == EventsRemoved(removed=1, kept=0)
    assert client.remove_feedback("nobody", item_id) == EventsRemoved(removed=1, kept=0)
    assert client.remove_feedback("nobody", item_id) == EventsRemoved(removed=0, kept=0)
    assert client.recommend("nobody", 5).item_ids == before
    visrec("feedback", folder, "--user", "nobody", "--item", item_id)
    assert visrec("feedback", folder, "--user", "nobody", "--item", item_id, "--remove").out == TAKEN_BACK
    assert client.recommend("nobody", 5).item_ids == before
    refused = attempt("feedback", folder, "--user", "nobody", "--item", item_id, "--remove", "--value", "3")
    assert (refused.code, "no --value" in refused.err) == (1, True)
    liked = Workspace.open(folder).liked_items(USER, 1)[0]
    assert "come from a file" in visrec("feedback", folder, "--user", USER, "--item", liked, "--remove").out
    assert liked in Workspace.open(folder).liked_items(USER)


def test_items_are_added_read_and_removed(client, folder):
    file = Path(Workspace.open(folder).catalogue.images().to_pylist()[0]["path"])
    assert client.put_item({"item_id": ODD, "title": "New"}, file)["new"] == 1
    assert client.item(ODD)["item"]["title"] == "New"
    assert client.put_item({"item_id": ODD, "price": 2.0})["updated"] == 1
    assert ODD in client.query([file], k=2).item_ids
    assert [item["item_id"] for item in client.items(where="title = 'New'")] == [ODD]
    assert sum(1 for _ in client.items(page=30)) == 85
    assert client.remove_item(ODD)["items"] == 1


def test_errors_are_those_of_the_python_api(client):
    with pytest.raises(NotFoundError, match=r"no item 'nope'.*status 404"):
        client.item("nope")
    with pytest.raises(InputError, match="status 400"):
        client.recommend(USER, where="nope = 1")
    with pytest.raises(InputError, match="status 422"):
        client.recommend(USER, nonsense=1)
    with pytest.raises(UnsupportedError, match="visrec train"):
        client.recommend(USER, model="ease")


def test_a_key_is_wanted_where_there_are_keys(url, folder):
    secret = Keys(folder).add("test", "read")
    try:
        with Client(url) as nobody, pytest.raises(AccessError, match="none came"):
            nobody.recommend(USER)
        with Client(url, key=secret) as reader:
            assert len(reader.recommend(USER)) == 10
            with pytest.raises(AccessError, match="role write"):
                reader.like(USER, "x")
    finally:
        Keys(folder).remove("test")


def test_a_server_that_is_not_there_is_tried_again_and_named():
    with Client("http://127.0.0.1:9", retries=1) as client, pytest.raises(UnavailableError, match="is not reached"):
        client.recommend(USER)


def test_beyond_this_machine_a_key_is_needed(folder, attempt):
    done = attempt("serve", folder, "--host", "0.0.0.0", "--port", "0")
    assert done.code == 1
    assert "visrec keys" in done.err


def test_keys_are_made_listed_and_removed(folder, visrec, attempt):
    secret = visrec("keys", folder, "--add", "front", "--role", "write").out.strip()
    assert Keys(folder).of(secret).role == "write"
    assert visrec("keys", folder).out.split()[:2] == ["front", "write"]
    assert [key["name"] for key in visrec("keys", folder, "--json").json["keys"]] == ["front"]
    visrec("keys", folder, "--remove", "front")
    assert "has no keys" in visrec("keys", folder).err
    assert attempt("keys", folder, "--remove", "front").code == 1
    assert attempt("keys", folder, "--add", "x", "--role", "god").code == 1
