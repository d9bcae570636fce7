"""Filters, candidates and columns as rows of the items, remembered while nothing changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest

from visrec.core.errors import FilterError, InputError, NotFoundError
from visrec.core.list_options import ListOptions
from visrec.workspace import list_plans
from visrec.workspace.list_plans import ListPlans, _membership, _values
from visrec.workspace.workspace import Workspace

ITEMS = 'item_id,kind,price,genre\na,x,1,"p|q"\n007,y,2,q\n五,x,3,\n'


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "items.csv").write_text(ITEMS)
    shop = Workspace.create(tmp_path / "shop")
    shop.ingest(items=tmp_path / "items.csv")
    return shop


@pytest.fixture
def plans(shop):
    return ListPlans(shop.root, shop.catalogue, shop.attributes, shop.item_features, shop.titles)


def stages(plans, shop, **options):
    plan = plans.plan(ListOptions(**options), shop.item_features())
    return {stage.stage: stage.kept.tolist() for stage in plan.narrowed}


def test_candidates_and_filters_are_stages(plans, shop):
    assert stages(plans, shop) == {}
    assert stages(plans, shop, where="price > 1", candidates=["a", "五", "a"]) == {
        "candidates": [True, False, True],
        "filter": [False, True, True],
    }
    with pytest.raises(NotFoundError, match="1 of the candidates .*'z'"):
        stages(plans, shop, candidates=["a", "z"])
    with pytest.raises(FilterError):
        stages(plans, shop, where="prize > 1")


def test_what_another_process_ingests_is_seen(plans, shop, tmp_path):
    assert stages(plans, shop, where="price > 1") == {"filter": [False, True, True]}
    (tmp_path / "more.csv").write_text("item_id,price\na,9\nnew,0\n")
    Workspace.open(shop.root).ingest(items=tmp_path / "more.csv")
    assert stages(plans, shop, where="price > 1") == {"filter": [True, True, True, False]}


def test_a_filter_is_evaluated_once(plans, shop, monkeypatch):
    asked = []
    matching = shop.attributes.matching
    monkeypatch.setattr(shop.attributes, "matching", lambda where: asked.append(where) or matching(where))
    for _ in range(3):
        stages(plans, shop, where="price > 1")
    stages(plans, shop, where="price > 2")
    assert asked == ["price > 1", "price > 2"]


def test_only_so_much_is_remembered_also_by_many_threads(plans, shop, monkeypatch):
    monkeypatch.setattr(list_plans, "_KEPT", 3)

    def ask(number):
        found = stages(plans, shop, where=f"price > {number % 7}")["filter"]
        return found == [price > number % 7 for price in (1, 2, 3)]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(80)))
    assert len(plans._known) == 3


def test_caps_know_which_item_has_which_values(plans, shop):
    plan = plans.plan(ListOptions(max_per={"genre": 2, "kind": 1}), shop.item_features())
    assert [(cap.column, cap.limit) for cap in plan.caps] == [("genre", 2), ("kind", 1)]
    assert plan.caps[0].members.toarray().tolist() == [[1, 1], [0, 1], [0, 0]]
    assert plan.caps[1].members.toarray().tolist() == [[1, 0], [0, 1], [1, 0]]
    with pytest.raises(InputError, match="'size'.* item_id, kind, price, genre"):
        plans.plan(ListOptions(max_per={"size": 1}), shop.item_features())


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.chunked_array([["a | b", None], ["", "b", "a|a"]], pa.string()), [(0, 0), (0, 1), (3, 1), (4, 0), (4, 0)]),
        (pa.chunked_array([[3, None, 3, 4]], pa.int64()), [(0, 0), (2, 0), (3, 1)]),
        (pa.chunked_array([[True, False]]), [(0, 0), (1, 1)]),
        (pa.chunked_array([[["a", "b"], None, []], [["b"]]], pa.list_(pa.string())), [(0, 0), (0, 1), (3, 1)]),
    ],
)
def test_values_of_columns(column, expected):
    rows, codes = _values(column)
    assert list(zip(rows.tolist(), codes.tolist(), strict=True)) == expected


def test_members_go_where_their_items_are():
    members = _membership(np.array([0, 1, 1, 2]), np.array([1, 0, 0, 1]), np.array([2, -1, 0]), 3)
    assert members.toarray().tolist() == [[0, 1], [0, 0], [0, 1]]
    assert _membership(np.array([], int), np.array([], int), np.array([0]), 1).shape == (1, 0)
