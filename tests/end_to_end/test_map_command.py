"""The map: by command, and as the server sends it."""

from __future__ import annotations

import json
import time

from fastapi.testclient import TestClient

from visrec.server.app import create_app
from visrec.workspace.workspace import Workspace


def test_the_map_is_made_once_and_printed(shop, visrec):
    first = visrec("map", shop)
    assert "84 items" in first.out
    assert "worked out" in first.out
    assert "as it was saved" in visrec("map", shop).out
    told = visrec("map", shop, "--json").json
    assert told["method"] == "tsne"
    assert len({line["item_id"] for line in told["items"]}) == 84
    assert all(0 <= line[axis] <= 1 for line in told["items"] for axis in "xy")


def test_before_encode_it_says_what_to_do(ingested, attempt):
    done = attempt("map", ingested)
    assert done.code == 1
    assert "visrec encode" in done.err


def test_the_server_sends_a_stand_in_until_the_layout_is_there(shop):
    with TestClient(create_app(Workspace.open(shop)), base_url="http://127.0.0.1") as client:
        first = client.get("/v1/map")
        assert first.json()["method"] == "pca"
        end = time.monotonic() + 30
        while (latest := client.get("/v1/map")).json()["method"] == "pca":
            assert time.monotonic() < end
            time.sleep(0.05)
        assert latest.headers["etag"] != first.headers["etag"]
        unchanged = client.get("/v1/map", headers={"If-None-Match": latest.headers["etag"]})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
    told = latest.json()
    made = Workspace.open(shop).item_map()
    assert told["item_ids"] == list(made.item_ids)
    assert told["x"][7] == round(float(made.positions[7, 0]) * 65_535)
    assert told["colours"] == []
    assert set(told["colour"]) == {-1}


def test_the_map_has_the_colours_that_were_recognized(shop, visrec):
    visrec("recognize", shop)
    told = json.loads(create_app(Workspace.open(shop)).state.map.answer().body)
    seen = Workspace.open(shop).attributes.of(told["item_ids"])
    for item_id, colour in zip(told["item_ids"], told["colour"], strict=True):
        expected = next((one.value for one in seen[item_id] if one.name == "colour"), None)
        assert (told["colours"][colour] if colour >= 0 else None) == expected
