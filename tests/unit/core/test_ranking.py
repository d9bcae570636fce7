import json

from visrec.core.ranking import RankedItem, Ranking

FIRST = RankedItem(1, "商品/1", 2.5, "visual", {"visual": 2.0, "text": 0.5}, "Vase")
SECOND = RankedItem(2, "007", -1.0, "popular", {"popular": -1.0})


def test_json_of_a_users_ranking():
    ranking = Ranking((FIRST, SECOND), "用户", "a note")
    body = {
        "user_id": "用户",
        "items": [
            {
                "rank": 1,
                "item_id": "商品/1",
                "score": 2.5,
                "source": "visual",
                "parts": {"visual": 2.0, "text": 0.5},
                "title": "Vase",
            },
            {"rank": 2, "item_id": "007", "score": -1.0, "source": "popular", "parts": {"popular": -1.0}},
        ],
        "note": "a note",
    }
    assert ranking.to_json() == body
    assert json.loads(json.dumps(ranking.to_json())) == body


def test_json_of_a_query_has_items_only():
    assert Ranking(()).to_json() == {"items": []}
    assert list(Ranking((SECOND,)).to_json()) == ["items"]


def test_a_user_whose_id_is_empty_is_a_user():
    assert Ranking((), "").to_json() == {"user_id": "", "items": []}


def test_length_and_ids():
    ranking = Ranking((FIRST, SECOND), "u")
    assert len(ranking) == 2
    assert ranking.item_ids == ["商品/1", "007"]
