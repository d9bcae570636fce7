"""An experiment as a shop runs one: started by a command, answered by a server, read as a table."""

from __future__ import annotations

import shutil
import time

import pytest
from fastapi.testclient import TestClient

from visrec.server.app import create_app
from visrec.server.settings import ServerSettings
from visrec.workspace.workspace import Workspace


@pytest.fixture
def shop(built, visrec, tmp_path):
    shutil.copytree(built, tmp_path / "shop")
    visrec("train", tmp_path / "shop", "--model", "ease")
    visrec("use", tmp_path / "shop", "--model", "blend")
    return tmp_path / "shop"


def serving(shop):
    client = TestClient(create_app(Workspace.open(shop), ServerSettings(rate=0)), base_url="http://127.0.0.1")
    client.__enter__()
    while client.get("/health/ready").json()["status"] == "starting":
        time.sleep(0.02)
    return client


def items(answer):
    assert answer.status_code == 200, answer.text
    return [line["item_id"] for line in answer.json()["items"]]


def test_users_are_split_shown_and_counted(shop, visrec):
    http, workspace = serving(shop), Workspace.open(shop)
    asked = "/v1/users/customer-007/recommendations"
    assert http.get(asked).json()["experiment"] is None
    said = visrec("experiment", "start", shop, "spring", "--variant", "blend", "--variant", "new=ease")
    assert "50% blend, 50% new (model ease)" in said.err
    # The server follows at once, and shows each user the variant's list.
    users = [f"customer-{number:03}" for number in range(1, 21)]
    wanted = {user: workspace.experiments.get("spring").variant_of(user) for user in users}
    assert {variant.name for variant in wanted.values()} == {"blend", "new"}
    for user in users:
        answer = http.get(f"/v1/users/{user}/recommendations", params={"k": 5})
        expected = {"name": "spring", "variant": wanted[user].name, "model": wanted[user].model}
        assert answer.json()["experiment"] == expected
        assert items(answer) == workspace.recommend(user, 5, model=wanted[user].model).item_ids
    batch = http.post("/v1/recommendations", json={"user_ids": users, "k": 5}).json()
    assert [(one["user_id"], one["experiment"]["variant"]) for one in batch] == [(u, wanted[u].name) for u in users]
    # A model that is asked for by name is no part of it, nor is somebody's session.
    assert http.get(asked, params={"model": "popular"}).json()["experiment"] is None
    (session,) = http.post("/v1/recommendations", json={"sessions": [[]]}).json()
    assert session["experiment"] is None
    first = next(user for user in users if wanted[user].name == "new")
    taken = items(http.get(f"/v1/users/{first}/recommendations", params={"k": 5}))[0]
    http.post("/v1/feedback", json=[{"user_id": first, "item_id": taken, "kind": "buy"}])
    assert len(http.get(f"/v1/users/{first}/export").json()["impressions"]) <= 3
    # Ending the server writes down what it has not yet.
    http.__exit__(None, None, None)
    report = visrec("experiment", "report", shop, "--json").json
    figures = {variant["name"]: variant for variant in report["variants"]}
    for name in ("blend", "new"):
        assert figures[name]["n_users"] == sum(variant.name == name for variant in wanted.values())
    assert sum(variant["n_lists"] for variant in figures.values()) == 41
    assert (figures["new"]["n_taken"], figures["blend"]["n_taken"]) == (1, 0)
    table = visrec("experiment", "report", shop, "spring")
    assert "users who took" in table.out
    assert "Too few users" in table.err
    workspace.remove_user(first)
    assert workspace.experiments.impressions.shown_to(first) == []


def test_over_http_it_is_started_read_and_ended(shop, visrec):
    http = serving(shop)
    variants = [{"name": "a", "model": "blend"}, {"name": "b", "model": "popular", "weight": 2}]
    started = http.post("/v1/experiments", json={"name": "a/b", "variants": variants})
    assert started.status_code == 201, started.text
    assert started.json()["variants"][1] == {"name": "b", "model": "popular", "weight": 2.0}
    assert "is running" in http.post("/v1/experiments", json={"name": "c", "variants": variants}).json()["detail"]
    assert [one["name"] for one in http.get("/v1/experiments").json()] == ["a/b"]
    assert http.get("/v1/experiments/a%2Fb/report").json()["variants"][0]["n_users"] == 0
    assert http.get("/v1/experiments/none/report").status_code == 404
    assert http.post("/v1/experiments/end").json()["ended"] is not None
    assert http.post("/v1/experiments/end").status_code == 404
    assert http.get("/v1/users/x/recommendations").json()["experiment"] is None
    http.__exit__(None, None, None)
    assert visrec("experiment", "list", shop).out.startswith("a/b: 33% a (model blend), 67% b (model popular); ")


def test_wrong_words_change_nothing(shop, attempt):
    for arguments, message in (
        (["start", shop, "e", "--variant", "blend"], "two variants"),
        (["start", shop, "e", "--variant", "blend", "--variant", "vbpr"], "no trained model 'vbpr'"),
        (["start", shop, "e", "--variant", "blend", "--variant", "ease", "--weight", "x=2"], "no variant 'x'"),
        (["start", shop, "e", "--variant", "blend", "--variant", "ease", "--weight", "ease"], "NAME=NUMBER"),
        (["report", shop], "no experiment yet"),
        (["end", shop], "No experiment is running"),
    ):
        done = attempt("experiment", *arguments)
        assert done.code == 1
        assert message in done.err
    assert Workspace.open(shop).experiments.all() == ()
