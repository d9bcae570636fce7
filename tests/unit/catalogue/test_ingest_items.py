from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import csv as arrow_csv

from visrec.catalogue.catalogue import Catalogue
from visrec.core.errors import InputError, WorkspaceError

from .toy_images import toy_image, toy_inspect


def ingest(shop, **files):
    return shop.ingest(inspect=toy_inspect, **files)


def test_items_keep_columns_types_and_order(shop, write):
    content = "title,item_id,price,code,new,since\nB,010,2,007,true,2020-01-01\nA,2,3.5,12,false,\n"
    report = ingest(shop, items=write("items.csv", content))
    items = shop.items()
    assert items.column_names == ["item_id", "title", "price", "code", "new", "since"]
    assert items.to_pylist()[0]["item_id"] == "010"
    assert [str(field.type) for field in items.schema] == [
        "string",
        "string",
        "double",
        "string",
        "bool",
        "date32[day]",
    ]
    assert (report.items.new, report.items.total, report.n_problems) == (2, 2, 0)


def test_doing_it_again_changes_nothing(shop, write):
    items = write("items.csv", "item_id,price\n1,2\n2,\n")
    events = write("x.csv", "user_id,item_id,rating\nu,1,3\nu,2,\n")
    first = ingest(shop, items=items, interactions=events)
    snapshot = (shop._home / "snapshot.json").read_bytes()
    before = (shop.items(), shop.interactions())
    for _ in range(2):
        report = ingest(shop, items=items, interactions=events)
        assert (report.items.unchanged, report.items.new, report.items.updated) == (2, 0, 0)
        assert (report.interactions.unchanged, report.interactions.new) == (2, 0)
    assert (first.items.new, first.interactions.new) == (2, 2)
    assert shop.items().equals(before[0])
    assert shop.interactions().equals(before[1])
    assert (shop._home / "snapshot.json").read_bytes() == snapshot


def test_upsert_merges_rows_and_unites_columns(shop, write):
    ingest(shop, items=write("a.csv", "item_id,title,price\n1,A,10\n2,B,20\n3,C,30\n"))
    report = ingest(shop, items=write("b.csv", "item_id,price,colour\n2,25,red\n4,40,blue\n1,10,\n"))
    assert shop.items().to_pylist() == [
        {"item_id": "1", "title": "A", "price": 10, "colour": None},
        {"item_id": "2", "title": "B", "price": 25, "colour": "red"},
        {"item_id": "3", "title": "C", "price": 30, "colour": None},
        {"item_id": "4", "title": None, "price": 40, "colour": "blue"},
    ]
    assert (report.items.new, report.items.updated, report.items.unchanged, report.items.total) == (1, 1, 1, 4)


def test_a_column_is_widened(shop, write):
    ingest(shop, items=write("a.csv", "item_id,price,size\n1,10,38\n"))
    report = ingest(shop, items=write("b.csv", "item_id,price,size\n2,9.5,XL\n"))
    assert shop.items().to_pylist() == [
        {"item_id": "1", "price": 10.0, "size": "38"},
        {"item_id": "2", "price": 9.5, "size": "XL"},
    ]
    assert "column 'size' was int64 and now is string" in report.notes


def test_a_column_that_is_text_stays_text(shop, write):
    ingest(shop, items=write("a.csv", "item_id,code\n1,A7\n"))
    ingest(shop, items=write("b.csv", "item_id,code\n2,1.50\n"))
    assert shop.items()["code"].to_pylist() == ["A7", "1.50"]


def test_an_empty_column_takes_no_part_in_types(shop, write):
    ingest(shop, items=write("a.csv", "item_id,a,b\n1,,5\n"))
    ingest(shop, items=write("b.csv", "item_id,a,b\n2,7,\n"))
    assert shop.items().to_pylist() == [{"item_id": "1", "a": None, "b": 5}, {"item_id": "2", "a": 7, "b": None}]


def test_types_that_do_not_go_together_change_nothing(shop, write):
    ingest(shop, items=write("a.jsonl", '{"item_id": "1", "tags": ["a"]}\n'))
    before = shop.items()
    with pytest.raises(InputError, match="Expected column 'tags' as list"):
        ingest(shop, items=write("b.csv", "item_id,tags\n2,a\n"))
    assert shop.items().equals(before)


def test_lists_and_structs_are_stored_and_compared(shop, write):
    rows = [{"item_id": "1", "tags": ["a", "b"], "size": {"w": 1}}, {"item_id": "2", "tags": None, "size": None}]
    path = write("a.jsonl", "\n".join(map(json.dumps, rows)))
    ingest(shop, items=path)
    assert shop.items().to_pylist() == rows
    assert ingest(shop, items=path).items.unchanged == 2
    rows[0]["tags"] = ["a"]
    assert ingest(shop, items=write("a.jsonl", "\n".join(map(json.dumps, rows)))).items.updated == 1


def test_bad_rows_are_named_and_the_rest_is_used(shop, write):
    content = "item_id,title\n1,first\n,nobody\n2,b\n\n1,last\n"
    report = ingest(shop, items=write("items.csv", content))
    assert shop.items().to_pylist() == [{"item_id": "2", "title": "b"}, {"item_id": "1", "title": "last"}]
    assert [(p.file, p.line, p.subject, p.reason) for p in report.problems] == [
        ("items.csv", 3, "item_id (empty)", "no item_id"),
        ("items.csv", 2, "item_id '1'", "item_id repeated further down, where the last row counts"),
    ]
    assert report.items.rejected == 2


def test_a_nul_character_is_no_part_of_an_id(shop, write):
    report = ingest(shop, items=write("a.jsonl", '{"item_id": "a\\u0000b"}\n{"item_id": "c"}\n'))
    assert shop.items()["item_id"].to_pylist() == ["c"]
    assert report.problems[0].reason == "item_id holds a NUL character"


@pytest.mark.parametrize("name", ["a.b", "a`b", 'a"b', "_rowid"])
def test_column_names_that_no_filter_could_use(shop, write, name):
    path = write("a.jsonl", json.dumps({"item_id": "1", name: 1}))
    with pytest.raises(InputError, match="Rename the column"):
        ingest(shop, items=path)
    assert len(shop.items()) == 0


def test_nothing_given(shop):
    with pytest.raises(InputError, match="got none"):
        ingest(shop)


def test_an_input_error_in_a_later_file_changes_nothing(shop, write):
    with pytest.raises(InputError, match="'item_id'"):
        ingest(shop, items=write("a.csv", "item_id\n1\n"), interactions=write("x.csv", "user_id,item\nu,1\n"))
    assert len(shop.items()) == 0
    assert not (shop._root / "reports").exists()


text_ids = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
    | st.sampled_from(
        ["007", "a/b", "../x", "鞋子", "O'Neil", '"', "a,b", " ", "a\nb", "#1", "%2F", "NA", "1.0", "null"]
    ),
    min_size=1,
    max_size=6,
    unique=True,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=text_ids)
def test_ids_survive_unchanged(ids, tmp_path_factory):
    home = tmp_path_factory.mktemp("ids")
    shop = Catalogue.create(home / "shop")
    arrow_csv.write_csv(pa.table({"item_id": ids, "n": range(len(ids))}), home / "items.csv")
    users = [f"{item_id}?" for item_id in ids]
    (home / "x.jsonl").write_text(
        "\n".join(json.dumps({"user_id": u, "item_id": i}) for u, i in zip(users, ids, strict=True)), encoding="utf-8"
    )
    ingest(shop, items=home / "items.csv", interactions=home / "x.jsonl")
    reopened = Catalogue.open(home / "shop")
    assert reopened.items()["item_id"].to_pylist() == ids
    assert reopened.interactions().select(["user_id", "item_id"]).to_pylist() == [
        {"user_id": u, "item_id": i} for u, i in zip(users, ids, strict=True)
    ]
    for item_id in ids:
        quoted = item_id.replace("'", "''")
        assert reopened.matching(f"item_id = '{quoted}'") == [item_id]
    removed = reopened.remove_item(ids[0])
    assert (removed.items, removed.interactions) == (1, 1)
    assert reopened.items()["item_id"].to_pylist() == ids[1:]


def test_open_and_create(tmp_path):
    with pytest.raises(WorkspaceError, match="holds no visrec catalogue"):
        Catalogue.open(tmp_path)
    Catalogue.create(tmp_path / "new" / "shop")
    shop = Catalogue.open(tmp_path / "new" / "shop")
    assert (len(shop.items()), len(shop.images()), len(shop.interactions())) == (0, 0, 0)
    with pytest.raises(WorkspaceError, match="already holds"):
        Catalogue.create(tmp_path / "new" / "shop")
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="cannot be made a workspace"):
        Catalogue.create(tmp_path / "file")


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": 1, "items": "x"}', b"[]", b'{"format": 99}'])
def test_a_damaged_or_newer_snapshot(tmp_path, content):
    Catalogue.create(tmp_path / "shop")
    (tmp_path / "shop" / "catalogue" / "snapshot.json").write_bytes(content)
    with pytest.raises(WorkspaceError, match="newer visrec" if b"99" in content else "is damaged"):
        Catalogue.open(tmp_path / "shop")


def test_a_missing_table_is_a_clear_error(shop, write, tmp_path):
    ingest(shop, items=write("a.csv", "item_id\n1\n"))
    (shop._home / "items.lance").rename(tmp_path / "gone")
    with pytest.raises(WorkspaceError, match=r"items\.lance is damaged: version 1"):
        Catalogue.open(tmp_path / "shop").items()


def test_a_reader_sees_what_another_handle_ingested(shop, write):
    other = Catalogue.open(shop._root)
    assert len(other.items()) == 0
    ingest(shop, items=write("a.csv", "item_id\n1\n"))
    assert len(other.items()) == 1
    ingest(shop, items=write("a.csv", "item_id\n2\n"), images=None)
    assert len(other.items()) == 2


def test_old_versions_go_after_a_day(shop, write, monkeypatch):
    import datetime as dt

    from visrec.catalogue import versioned_table

    ingest(shop, items=write("a.csv", "item_id,n\n1,1\n"))
    ingest(shop, items=write("a.csv", "item_id,n\n1,2\n"))
    table = shop._home / "items.lance"
    assert len(list(table.glob("_versions/*.manifest"))) == 2
    monkeypatch.setattr(versioned_table, "KEPT", dt.timedelta(0))
    ingest(shop, items=write("a.csv", "item_id,n\n1,3\n"))
    assert len(list(table.glob("_versions/*.manifest"))) == 1
    assert Catalogue.open(shop._root).items().to_pylist() == [{"item_id": "1", "n": 3}]


def test_toy_image_is_what_the_inspector_reads():
    assert toy_inspect(toy_image(5, 6)).width == 5
