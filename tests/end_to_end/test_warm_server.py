"""What a server has ready before it says that it is, and what the hot path answers."""

from __future__ import annotations

from fastapi.testclient import TestClient

from visrec.catalogue import catalogue
from visrec.recommenders.blend import Blend
from visrec.server.app import create_app
from visrec.server.forms import Listed
from visrec.server.served_shop import ServedShop
from visrec.server.settings import ServerSettings
from visrec.workspace.workspace import Workspace


def test_a_warm_server_sorts_no_log_for_its_first_user_and_has_asked_the_model(built, monkeypatch):
    shop, scored, sorted_logs = Workspace.open(built), [], []
    score, index = Blend.score, catalogue.UserIndex
    monkeypatch.setattr(Blend, "score", lambda *given: scored.append(1) or score(*given))
    monkeypatch.setattr(catalogue, "UserIndex", lambda *given: sorted_logs.append(1) or index(*given))
    ServedShop(shop).warm_up()
    assert scored == [1]
    assert sorted_logs == [1]
    shop.recommend("customer-007", 1)
    assert sorted_logs == [1]


def test_the_answer_of_the_hot_path_is_as_documented(built):
    with TestClient(create_app(Workspace.open(built), ServerSettings(rate=0)), base_url="http://127.0.0.1") as http:
        answer = http.get("/v1/users/customer-007/recommendations", params={"k": 3, "trace": True}).json()
        documented = http.get("/openapi.json").json()
    assert Listed.model_validate(answer).model_dump() == answer
    of = documented["paths"]["/v1/users/{user_id}/recommendations"]["get"]["responses"]["200"]
    assert of["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Listed"}
