"""The HTTP API on the drawn shop: the same answers as the Python API, and its own rules."""

from __future__ import annotations

import io
import json
import shutil
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from visrec.server.app import create_app
from visrec.server.keys import Keys
from visrec.server.settings import ServerSettings
from visrec.workspace.workspace import Workspace

ODD = "a/b?c#d%2F ü🙂..;'\""
USER = "customer-007"


def serving(folder, **settings):
    client = TestClient(
        create_app(Workspace.open(folder), ServerSettings(rate=0, **settings)),
        base_url="http://127.0.0.1",
        raise_server_exceptions=False,
    )
    client.__enter__()
    while client.get("/health/ready").json()["status"] == "starting":
        time.sleep(0.02)
    return client


@pytest.fixture(scope="module")
def folder(built, visrec, tmp_path_factory):
    shop = tmp_path_factory.mktemp("http") / "shop"
    shutil.copytree(built, shop)
    visrec("recognize", shop)
    return shop


@pytest.fixture(scope="module")
def http(folder):
    """A server for tests that change nothing but users of their own."""
    client = serving(folder)
    yield client
    client.__exit__(None, None, None)


@pytest.fixture
def own(folder, tmp_path):
    """A server of the test's own."""
    shutil.copytree(folder, tmp_path / "shop")
    client = serving(tmp_path / "shop")
    yield client
    client.__exit__(None, None, None)


@pytest.fixture
def shop(folder):
    return Workspace.open(folder)


def picture(colour="red", size=(64, 64)):
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def problem(answer, status):
    """The detail of an error that must have this status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    return body["detail"]


def test_recommendations_are_those_of_the_python_api(http, shop):
    answer = http.get(f"/v1/users/{USER}/recommendations", params={"k": 7, "where": "price < 200"}).json()
    expected = shop.recommend(USER, 7, where="price < 200").to_json()
    assert answer["user_id"] == USER
    assert [line["item_id"] for line in answer["items"]] == [line["item_id"] for line in expected["items"]]
    assert answer["items"][0]["score"] == pytest.approx(expected["items"][0]["score"])
    assert answer["items"][0]["parts"] == pytest.approx(expected["items"][0]["parts"])
    assert [line["rank"] for line in answer["items"]] == list(range(1, 8))
    assert answer["took_ms"] > 0


def test_pages_of_a_list_are_the_list(http):
    whole = ids(http.get(f"/v1/users/{USER}/recommendations", params={"k": 20}))
    pages, cursor, ranks = [], None, []
    for _ in range(4):
        params = {"k": 5, **({"cursor": cursor} if cursor else {})}
        page = http.get(f"/v1/users/{USER}/recommendations", params=params).json()
        pages += [line["item_id"] for line in page["items"]]
        ranks += [line["rank"] for line in page["items"]]
        cursor = page["next_cursor"]
    assert pages == whole
    assert ranks == list(range(1, 21))


def test_reasons_are_those_of_the_python_api(http, shop):
    listed = http.get(f"/v1/users/{USER}/recommendations", params={"k": 3, "reasons": True}).json()["items"]
    expected = shop.explanations.reasons(USER, [line["item_id"] for line in listed])
    assert [line["reasons"]["sentence"] for line in listed] == [why.sentence for why in expected]
    whole = http.get(f"/v1/users/{USER}/recommendations/{listed[0]['item_id']}/explanation").json()
    assert whole["score"] == pytest.approx(listed[0]["score"], rel=1e-4)
    total = whole["base"] + sum(past["contribution"] for past in whole["history"])
    assert total == pytest.approx(whole["score"], rel=1e-4)
    assert "no item 'nope'" in problem(http.get(f"/v1/users/{USER}/recommendations/nope/explanation"), 404)


def test_many_users_and_sessions_in_one_request(http, shop):
    many = http.post("/v1/recommendations", json={"user_ids": [USER, "nobody"], "k": 3}).json()
    assert [line["item_id"] for line in many[0]["items"]] == shop.recommend(USER, 3).item_ids
    assert "popular" in many[1]["note"]
    liked = shop.liked_items(USER, 3)
    session = [{"item_id": item_id} for item_id in liked]
    answer = http.post("/v1/recommendations", json={"sessions": [session], "k": 5}).json()[0]
    assert not set(liked) & {line["item_id"] for line in answer["items"]}
    assert len(answer["items"]) == 5


def test_similar_items_and_queries_by_example(http, shop):
    item_id = shop.catalogue.items().column("item_id")[3].as_py()
    expected = shop.similar(item_id, 4).item_ids
    assert ids(http.get(f"/v1/items/{quote(item_id, safe='')}/similar", params={"k": 4})) == expected
    assert ids(http.post("/v1/query", json={"like": [item_id], "k": 4})) == expected
    assert ids(http.post("/v1/query", json={"like": [{"item_id": item_id, "weight": 2}], "k": 4})) == expected
    batch = http.post("/v1/query/batch", json=[{"like": [item_id], "k": 4}, {"like": expected[:1], "k": 4}]).json()
    assert [line["item_id"] for line in batch[0]["items"]] == expected


def test_a_query_by_picture_finds_what_the_picture_shows(http, shop):
    row = shop.catalogue.images().to_pylist()[5]
    data = Path(row["path"]).read_bytes()
    assert ids(http.post("/v1/query/pictures", files=[("pictures", ("a", data))], data={"query": '{"k": 1}'})) == [
        row["item_id"]
    ]
    both = {"like": [{"file": 1}], "dislike": [{"file": 0}], "k": 1}
    files = [("pictures", ("a", picture())), ("pictures", ("b", data))]
    assert ids(http.post("/v1/query/pictures", files=files, data={"query": json.dumps(both)})) == [row["item_id"]]


def test_feedback_counts_in_the_next_answer_also_of_another_process(http, folder, shop):
    item_id = shop.recommend("nobody", 1).item_ids[0]
    event = {"user_id": ODD, "item_id": item_id, "kind": "like", "timestamp": 1_700_000_000}
    assert http.post("/v1/feedback", json=[event]).json() == {"received": 1, "stored": 1}
    # A retry counts once.
    assert http.post("/v1/feedback", json=[event]).json() == {"received": 1, "stored": 0}
    path = f"/v1/users/{quote(ODD, safe='')}"
    assert item_id not in ids(http.get(f"{path}/recommendations", params={"k": 50}))
    assert item_id not in Workspace.open(folder).recommend(ODD, 50).item_ids
    events = http.get(f"{path}/events").json()
    assert events["total"] == 1
    assert events["events"][0]["item_id"] == item_id
    # PUT gives it another value, POST does not.
    assert http.post("/v1/feedback", json=[{**event, "value": 2.0}]).json()["stored"] == 0
    assert http.get(f"{path}/events").json()["events"][0]["value"] is None
    assert http.put("/v1/feedback", json=[{**event, "value": 2.0}]).json()["stored"] == 1
    assert http.get(f"{path}/events").json()["events"][0]["value"] == 2.0


def test_an_item_is_added_by_its_picture_and_found_in_the_next_request(own):
    path = f"/v1/items/{quote(ODD, safe='')}"
    files = {"picture": ("p.png", picture())}
    added = own.put(f"{path}/picture", files=files, data={"item": '{"title": "A red thing", "price": 3.5}'})
    assert added.json() == {"new": 1, "updated": 0, "unchanged": 0, "not_embedded": {}}
    assert ODD in ids(
        own.post("/v1/query/pictures", files=[("pictures", ("a", picture()))], data={"query": '{"k": 3}'})
    )
    item = own.get(path).json()
    assert item["item"] == {"item_id": ODD, "title": "A red thing", "price": 3.5}
    assert {"name": "colour", "value": "red"}.items() <= item["attributes"][0].items()
    # Another column; the rest stays.
    assert own.put(path, json={"price": 4}).json()["updated"] == 1
    assert own.get(path).json()["item"]["title"] == "A red thing"
    shown = own.get(f"{path}/picture", params={"width": 120})
    assert Image.open(io.BytesIO(shown.content)).size == (64, 64)
    again = own.get(f"{path}/picture", params={"width": 120}, headers={"if-none-match": shown.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert own.delete(path).json() == {"items": 1, "images": 1, "interactions": 0}
    assert "no item" in problem(own.get(path), 404)


def test_items_are_listed_filtered_and_counted(http, shop):
    n_items = len(shop.catalogue.items())
    first = http.get("/v1/items", params={"k": 50}).json()
    rest = http.get("/v1/items", params={"k": 50, "cursor": first["next_cursor"]}).json()
    listed = [item["item_id"] for item in first["items"] + rest["items"]]
    assert listed == shop.catalogue.items().column("item_id").to_pylist()
    assert (first["total"], rest["next_cursor"]) == (n_items, None)
    for facet in http.get("/v1/facets").json():
        for value in facet["values"][:3]:
            found = http.get("/v1/items", params={"where": value["where"], "k": 1}).json()
            assert found["total"] == value["items"], value
    columns = [facet["column"] for facet in http.get("/v1/facets").json()]
    assert {"category", "pattern"} <= set(columns)


def test_a_taste_profile_is_read_edited_and_restored(own):
    path = f"/v1/users/{USER}/profile"
    before = own.get(path).json()
    assert before["interests"]
    without = own.delete(f"{path}/interests/1").json()
    gone = set(before["interests"][0]["item_ids"])
    assert not gone & {item_id for interest in without["interests"] for item_id in interest["item_ids"]}
    assert own.delete(path).json()["interests"] == []
    restored = own.post(f"{path}/undo").json()
    assert [one["item_ids"] for one in restored["interests"]] == [one["item_ids"] for one in before["interests"]]
    document = own.get(f"/v1/users/{USER}/export").json()
    assert own.put("/v1/users/somebody/import", json=document).json()["new"] > 0
    assert own.get("/v1/users/somebody/profile").json()["n_liked"] == before["n_liked"]
    assert own.delete("/v1/users/somebody").json()["interactions"] > 0
    assert "Nothing is known" in problem(own.get("/v1/users/somebody/profile"), 404)


def test_a_new_model_is_used_at_once(own, folder, tmp_path, visrec):
    before = own.get(f"/v1/users/{USER}/recommendations").json()
    visrec("train", tmp_path / "shop", "--model", "popular")
    after = own.get(f"/v1/users/{USER}/recommendations").json()
    assert {line["source"] for line in after["items"]} == {"popular"}
    assert {line["source"] for line in before["items"]} != {"popular"}


def test_without_a_key_nobody_enters_where_there_are_keys(own, tmp_path):
    keys = Keys(tmp_path / "shop")
    read, write, admin = (keys.add(role, role) for role in ("read", "write", "admin"))
    url, event = f"/v1/users/{USER}/recommendations", [{"user_id": "u", "item_id": "nothing"}]
    assert "none came" in problem(own.get(url), 401)
    assert own.get(url).headers["www-authenticate"] == "Bearer"
    assert "not known" in problem(own.get(url, headers={"authorization": "Bearer visrec_x"}), 401)

    def status(method, path, key, **parts):
        return own.request(method, path, headers={"authorization": f"Bearer {key}"}, **parts).status_code

    assert status("GET", url, read) == 200
    assert status("POST", "/v1/feedback", read, json=event) == 403
    assert status("POST", "/v1/feedback", write, json=event) == 404
    assert status("POST", "/v1/items", write, json=[{"item_id": "n"}]) == 403
    assert status("POST", "/v1/items", admin, json=[{"item_id": "n"}]) == 201
    assert own.get("/health/live").status_code == 200
    # The page's way: a cookie that scripts cannot read.
    signed = own.post("/v1/session", json={"key": read})
    assert "httponly" in signed.headers["set-cookie"].lower()
    assert "samesite=strict" in signed.headers["set-cookie"].lower()
    assert own.get(url).status_code == 200
    assert own.delete("/v1/session").status_code == 204
    assert own.get(url).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "parts", "status", "words"),
    [
        ("GET", "/v1/users/u/recommendations?k=501", {}, 400, "k of 1 to 500"),
        ("GET", "/v1/users/u/recommendations?k=x", {}, 422, "query.k"),
        ("GET", "/v1/users/u/recommendations?nonsense=1", {}, 422, "nonsense"),
        ("GET", "/v1/users/u/recommendations?where=nope%20%3D%201", {}, 400, "nope"),
        ("GET", "/v1/users/u/recommendations?cursor=!", {}, 400, "cursor"),
        ("GET", "/v1/users/u/recommendations?model=nope", {}, 400, "no recommender 'nope'"),
        ("GET", "/v1/users/u/recommendations?model=ease", {}, 409, "visrec train"),
        ("GET", "/v1/users/%FF/recommendations", {}, 422, "user_id"),
        ("GET", "/v1/items/nope", {}, 404, "'nope'"),
        ("GET", "/v1/items/nope/similar", {}, 404, "'nope'"),
        ("GET", "/v1/items/nope/picture", {}, 404, "'nope'"),
        ("GET", "/v1/facets?columns=price", {}, 404, "'price'"),
        ("POST", "/v1/query", {"json": {}}, 400, "at least one liked or disliked"),
        ("POST", "/v1/query", {"json": {"like": [{"vector": [1, 2]}]}}, 400, "embedding as 128"),
        ("POST", "/v1/query", {"json": {"like": [{"weight": 2}]}}, 422, "one of item_id, vector, url and file"),
        ("POST", "/v1/query", {"content": b"{", "headers": {"content-type": "application/json"}}, 422, "JSON"),
        ("POST", "/v1/query/pictures", {"files": [("pictures", ("a", b"GIF89a"))]}, 400, "cannot be used"),
        ("POST", "/v1/query", {"json": {"like": [{"url": "http://example.com/a.jpg"}]}}, 400, "--image-urls"),
        ("PUT", "/v1/items/a/picture", {"data": {"url": "http://example.com/a.jpg"}}, 400, "--image-urls"),
        ("PUT", "/v1/items/a/picture", {"data": {"item": "{}"}}, 400, "either `picture`"),
        ("POST", "/v1/query/batch", {"json": [{"like": ["a"]}, {"like": ["b"], "k": 3}]}, 400, "examples only"),
        ("POST", "/v1/recommendations", {"json": {}}, 422, "either user_ids or sessions"),
        ("POST", "/v1/feedback", {"json": [{"user_id": "u", "item_id": "nope"}]}, 404, "No event was stored"),
        ("POST", "/v1/feedback", {"json": [{"user_id": "u", "item_id": "x", "knd": "y"}]}, 422, "knd"),
        ("POST", "/v1/items", {"json": [{"title": "t"}]}, 400, "Nothing was changed"),
        ("POST", "/v1/items", {"json": [{"item_id": ["a"]}]}, 400, "texts without NUL"),
        ("POST", "/v1/items", {"json": [{"item_id": "a", "x": {}}]}, 400, "an object without any"),
        ("POST", "/v1/items", {"json": [{"item_id": "a", "x": [{"y": [{}]}]}]}, 400, "column 'x'"),
        ("PUT", "/v1/items/a", {"json": {"item_id": "b"}}, 400, "as in the path"),
        ("PUT", "/v1/items/a/picture", {"files": {"picture": ("a", b"no")}}, 400, "Nothing was changed"),
        ("DELETE", "/v1/items/nope", {}, 404, "Nothing was removed"),
        ("DELETE", "/v1/users/u/profile/interests/1", {}, 404, "Nothing is known"),
        ("PATCH", "/v1/items", {}, 405, "Method Not Allowed"),
        ("GET", "/nothing", {}, 404, "Not Found"),
    ],
)  # fmt: skip
def test_every_error_is_a_problem_that_says_what_to_do(method, path, parts, status, words, http):
    assert words in problem(http.request(method, path, **parts), status)


def test_what_happened_is_counted_and_documented(http):
    http.get("/v1/items/nope")
    counted = http.get("/metrics").text
    assert 'visrec_requests_total{method="GET",route="/v1/items/{item_id}",status="404"}' in counted
    assert "nope" not in counted
    paths = http.get("/openapi.json").json()["paths"]
    assert {"/v1/users/{user_id}/recommendations", "/v1/feedback", "/v1/query", "/health/ready"} <= set(paths)


def test_a_request_id_is_kept_or_given(http):
    assert http.get("/health/live", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert len(http.get("/v1/info", headers={"x-request-id": "a b\n"}).headers["x-request-id"]) == 16


def test_the_page_may_load_nothing_from_elsewhere(http):
    page = http.get("/page/")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert http.get("/", follow_redirects=False).headers["location"] == "/page/"
