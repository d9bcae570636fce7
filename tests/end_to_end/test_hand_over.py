"""Models and feature sets are switched, and taken back, while a server answers: no request fails."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from visrec.server.app import create_app
from visrec.server.keys import Keys
from visrec.server.settings import ServerSettings
from visrec.workspace.workspace import Workspace

USER = "customer-007"


@pytest.fixture
def http(shop):
    with TestClient(create_app(Workspace.open(shop), ServerSettings(rate=0)), base_url="http://127.0.0.1") as client:
        while client.get("/health/ready").json()["status"] == "starting":
            time.sleep(0.02)
        yield client


def listed(http, **params):
    answer = http.get(f"/v1/users/{USER}/recommendations", params={"k": 5, **params})
    assert answer.status_code == 200, answer.text
    return [(line["item_id"], line["score"]) for line in answer.json()["items"]]


def kept(http):
    return {model["name"]: model for model in http.get("/v1/models").json()["models"]}


def test_a_model_is_taken_back_and_another_one_used(visrec, attempt, shop, http):
    before = listed(http)
    visrec("train", shop, "--model", "visual-knn")
    knn = listed(http)
    assert knn != before
    assert kept(http)["visual-knn"]["answers"] == "recommend"
    assert visrec("use", shop, "--model", "blend").out == "blend 0001 is in use from now on.\n"
    assert listed(http) == before
    visrec("train", shop, "--model", "visual-knn", "--set", "power=8")
    assert visrec("use", shop, "--back").out == "visual-knn 0001 is in use from now on.\n"
    assert listed(http) == knn
    assert visrec("use", shop, "--version", "0002", "--json").json["version"] == "0002"
    assert listed(http) != knn
    shown = visrec("use", shop).out
    assert "* visual-knn           0001 [0002]    recommend" in shown
    assert "  blend                [0001]" in shown
    refused = attempt("use", shop, "--model", "blend", "--back")
    assert refused.code == 1
    assert "no version of blend before 0001" in refused.err
    assert attempt("use", shop, "--model", "ease").code == 1
    assert attempt("use", shop, "--model", "blend", "--encoder", "colour-histogram").code == 1


def test_the_api_switches_too_with_an_admin_key_only(shop, http):
    shown = http.get("/v1/models").json()
    assert {model["name"] for model in shown["models"]} == {"blend", "popular"}
    assert shown["feature_sets"][0]["encoder"] == "colour-histogram"
    popular = listed(http, model="popular")
    assert http.post("/v1/models/use", json={"model": "popular"}).json()["version"] == "0001"
    assert listed(http) == popular
    assert http.post("/v1/models/use", json={"back": True}).status_code == 404
    assert http.post("/v1/models/use", json={"version": "../0001"}).status_code == 404
    assert http.post("/v1/models/use", json={}).status_code == 400
    assert http.post("/v1/models/use", json={"model": "ease"}).status_code == 409
    key = {"Authorization": f"Bearer {Keys(shop).add('front', 'write')}"}
    assert http.post("/v1/models/use", json={"model": "blend"}, headers=key).status_code == 403
    assert http.get("/v1/models", headers=key).status_code == 200


def test_another_feature_set_is_used_and_the_one_before_again(visrec, attempt, shop, http):
    item = http.get("/v1/items", params={"k": 1}).json()["items"][0]["item_id"]
    before = http.get(f"/v1/items/{item}/similar").json()["items"]
    visrec("encode", shop, "--encoder", "efficientnet-lite0")
    after = http.get(f"/v1/items/{item}/similar").json()["items"]
    assert after != before
    assert visrec("use", shop, "--encoder", "colour-histogram").err == ""
    assert http.get(f"/v1/items/{item}/similar").json()["items"] == before
    http.post("/v1/models/use", json={"encoder": "efficientnet-lite0"})
    assert http.get(f"/v1/items/{item}/similar").json()["items"] == after
    assert "no features of 'clip-vit-b16'" in attempt("use", shop, "--encoder", "clip-vit-b16").err


def test_no_request_fails_while_others_train_and_take_back(shop, http):
    done = threading.Event()
    statuses: Counter[int] = Counter()

    def ask(number: int) -> None:
        # A breath between requests: the other process needs the processor too.
        while not done.wait(0.02):
            for path in (f"/v1/users/customer-{number:03}/recommendations", "/v1/models"):
                statuses[http.get(path).status_code] += 1

    script = (
        "import sys; from visrec.workspace.workspace import Workspace\n"
        "shop = Workspace.open(sys.argv[1])\n"
        "for turn in range(3):\n"
        "    shop.train('visual-knn', settings={'power': 2.0 + turn})\n"
        "    if turn: shop.versions.use(back=True)\n"
        "    shop.versions.use('blend')\n"
    )
    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask, number) for number in range(3)]
        try:
            trained = subprocess.run(
                [sys.executable, "-c", script, str(shop)], capture_output=True, text=True, timeout=60
            )
        finally:
            done.set()
        for one in asking:
            one.result(30)
    assert trained.returncode == 0, trained.stderr
    assert set(statuses) == {200}
    assert statuses[200] > 20
    assert kept(http)["visual-knn"]["versions"] == ["0001", "0003"]
