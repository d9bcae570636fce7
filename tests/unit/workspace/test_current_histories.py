"""Users who are looked up have the histories that reading the whole log gives them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pytest

import visrec
from visrec.core.ids import IdMap
from visrec.core.settings import FeedbackRules
from visrec.workspace import assemble
from visrec.workspace.assemble import current_histories, make_histories

ITEMS = ["a", "b/1", "003", "五"]
RULES = FeedbackRules(positive_threshold=2)


@pytest.fixture
def shop(tmp_path):
    """60 drawn events of 7 users; ratings from 2 to 4."""
    rng = np.random.default_rng(3)
    n = 60
    log = pa.table(
        {
            "user_id": [f"用户 {row}" for row in rng.integers(7, size=n)],
            "item_id": rng.choice(ITEMS, size=n).tolist(),
            "kind": rng.choice(["rate", "view", "skip"], size=n).tolist(),
            "value": rng.integers(2, 5, size=n).astype(float),
            "timestamp": rng.integers(20, size=n),
        }
    )
    csv.write_csv(log, tmp_path / "log.csv")
    (tmp_path / "items.csv").write_text("item_id\n" + "\n".join(ITEMS) + "\n")
    shop = visrec.Workspace.create(tmp_path / "shop")
    shop.ingest(items=tmp_path / "items.csv", interactions=tmp_path / "log.csv")
    return shop


def same(one, other):
    assert list(one.user_ids) == list(other.user_ids)
    for field in dataclasses.fields(one):
        if field.name not in ("user_ids", "n_items"):
            np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


def check(shop, *user_ids):
    items, users = IdMap(ITEMS), IdMap(user_ids)
    slow = make_histories(shop.catalogue.interactions(), items, RULES, users)
    same(current_histories(shop.catalogue, items, RULES, users), slow)
    return slow


def test_ingested_events(shop):
    for user in range(7):
        assert check(shop, f"用户 {user}").n_events
    check(shop, "用户 3", "nobody", "用户 1")
    assert not check(shop, "nobody").n_events


def test_live_events_count_at_once_and_once(shop):
    check(shop, "用户 1")
    event = visrec.Interaction("用户 1", "五", "rate", 3.0, 50)
    shop.add_feedback([event, visrec.Interaction("new", "a", "view", None, 2)])
    shop.add_feedback([event])
    assert check(shop, "用户 1").timestamp[-1] == 50
    assert check(shop, "new", "用户 1").n_events
    # The stored one of the same key: the live value counts, in the stored one's place.
    known = shop.catalogue.interactions_of(["用户 2"]).slice(0, 1).to_pylist()[0]
    shop.add_feedback([visrec.Interaction(**{**known, "value": 3.5})])
    assert 3.5 in shop.catalogue.interactions_of(["用户 2"])["value"].to_pylist()
    check(shop, "用户 2")


def test_a_rating_of_anybody_stretches_the_range_for_all(shop):
    before = check(shop, "用户 1")
    shop.add_feedback([visrec.Interaction("new", "a", "rate", 9.0, 2), visrec.Interaction("new", "a", "buy", 99.0, 2)])
    assert shop.catalogue.rating_range() == (2.0, 9.0)
    after = check(shop, "用户 1")
    assert (after.weight != before.weight).any()


def test_removed_users_and_items_are_gone(shop):
    shop.add_feedback([visrec.Interaction("用户 1", "五", "like", None, 99)])
    check(shop, "用户 1")
    shop.remove_item("五")
    assert (check(shop, "用户 1", "用户 4").item_index != 3).all()
    shop.remove_user("用户 1")
    assert not check(shop, "用户 1").n_events


def test_an_ingest_is_seen_and_another_process_too(shop, tmp_path):
    check(shop, "用户 1")
    other = visrec.Workspace.open(shop.root)
    (tmp_path / "more.csv").write_text("user_id,item_id,kind,timestamp\n用户 1,a,like,77\n")
    other.ingest(interactions=tmp_path / "more.csv")
    other.add_feedback([visrec.Interaction("用户 1", "a", "like", None, 78)])
    assert check(shop, "用户 1").timestamp[-2:].tolist() == [77, 78]


def test_many_users_are_read_at_once_with_the_same_result(shop, monkeypatch):
    users = [f"用户 {row}" for row in range(7)]
    looked_up = check(shop, *users)
    monkeypatch.setattr(assemble, "_LOOKED_UP", 3)
    same(check(shop, *users), looked_up)
    everybody = current_histories(shop.catalogue, IdMap(ITEMS), RULES)
    same(everybody, make_histories(shop.catalogue.interactions(), IdMap(ITEMS), RULES))


def test_an_empty_shop_has_no_histories(tmp_path):
    shop = visrec.Workspace.create(tmp_path / "shop")
    assert shop.catalogue.rating_range() is None
    assert current_histories(shop.catalogue, IdMap(()), RULES, IdMap(["u"])).n_events == 0


def test_without_a_rating_there_is_no_range(tmp_path):
    (tmp_path / "items.csv").write_text("item_id\na\n")
    (tmp_path / "log.csv").write_text("user_id,item_id,kind,value\nu,a,buy,7\n")
    shop = visrec.Workspace.create(tmp_path / "shop")
    shop.ingest(items=tmp_path / "items.csv", interactions=tmp_path / "log.csv")
    assert shop.catalogue.rating_range() is None
    shop.add_feedback([visrec.Interaction("u", "a", "rate", None, 3)])
    assert shop.catalogue.rating_range() is None
