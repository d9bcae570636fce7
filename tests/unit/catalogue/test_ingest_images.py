from __future__ import annotations

import hashlib
import os
from urllib.parse import quote

import pytest

from visrec.core.settings import ImageLimits

from .toy_images import toy_image, toy_inspect


class CountingProgress:
    def __init__(self):
        self.started = []
        self.done = 0

    def __call__(self, label, *, total, unit):
        self.started.append((label, total, unit))
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def advance(self, n=1):
        self.done += n


@pytest.fixture
def ingest(shop):
    def run(**files):
        files.setdefault("inspect", toy_inspect)
        return shop.ingest(**files)

    return run


def reasons(report):
    return sorted((problem.reason, problem.subject.split(",")[0]) for problem in report.problems)


def test_images_by_name(shop, write, ingest, tmp_path):
    ids = ["1", "000.1", "a/b", "鞋", "?*|"]
    items = write("items.csv", "item_id\n" + "\n".join(ids) + "\nnone\n")
    data = {item_id: toy_image(10 + n, 20 + n) for n, item_id in enumerate(ids)}
    for item_id, content in data.items():
        write(f"img/{item_id if item_id != '?*|' else quote(item_id, safe='')}.jpg", content)
    write("img/stray.png", toy_image())
    progress = CountingProgress()
    report = ingest(items=items, images=tmp_path / "img", progress=progress)
    assert [(i["item_id"], i["position"], i["width"], i["height"], i["sha256"]) for i in shop.images().to_pylist()] == [
        (item_id, 0, 10 + n, 20 + n, hashlib.sha256(data[item_id]).hexdigest()) for n, item_id in enumerate(ids)
    ]
    assert all(os.path.isabs(path) and os.path.isfile(path) for path in shop.images()["path"].to_pylist())
    assert [str(field.type) for field in shop.images().schema] == [
        "string",
        "int32",
        "string",
        "string",
        "int32",
        "int32",
    ]
    assert (report.images.ok, report.images.total, report.images.without_item, report.items.without_image) == (
        5,
        5,
        1,
        1,
    )
    assert reasons(report) == [("no image file for the item", "item_id 'none'")]
    assert (progress.started, progress.done) == ([("read images", 5, "images")], 5)


def test_again_reads_nothing(shop, write, ingest, tmp_path):
    items = write("items.csv", "item_id\n1\n2\n")
    write("img/1.jpg", toy_image())
    write("img/2.jpg", toy_image(9))
    ingest(items=items, images=tmp_path / "img")
    before = shop.images()

    def never(data):
        raise AssertionError("an unchanged file was read")

    report = ingest(items=items, images=tmp_path / "img", inspect=never)
    assert (report.images.unchanged, report.images.ok, report.images.replaced) == (2, 0, 0)
    assert shop.images().equals(before)


def test_a_changed_image_is_seen_by_its_hash(shop, write, ingest, tmp_path):
    items = write("items.csv", "item_id\n1\n2\n3\n")
    for name in "123":
        write(f"img/{name}.jpg", toy_image(content=name))
    ingest(items=items, images=tmp_path / "img")
    changed = write("img/1.jpg", toy_image(content="X"))
    os.utime(write("img/2.jpg", toy_image(content="2")), ns=(1, 1))
    report = ingest(images=tmp_path / "img")
    assert (report.images.replaced, report.images.unchanged, report.images.ok) == (1, 2, 0)
    assert shop.images()["sha256"].to_pylist()[0] == hashlib.sha256(changed.read_bytes()).hexdigest()
    report = ingest(images=tmp_path / "img")
    assert (report.images.replaced, report.images.unchanged) == (0, 3)


def test_bad_images_are_named_and_the_items_stay(shop, write, ingest, tmp_path):
    items = write("items.csv", "item_id\nempty\nbroken\nbig\ngood\nlocked\n")
    write("img/empty.jpg", b"")
    write("img/broken.jpg", b"JUNK")
    write("img/big.jpg", toy_image(content="x" * 500))
    write("img/good.jpg", toy_image(content="rotated"))
    (tmp_path / "img/locked.jpg").mkdir()
    report = ingest(items=items, images=tmp_path / "img", limits=ImageLimits(max_bytes=100))
    assert shop.images()["item_id"].to_pylist() == ["good"]
    assert len(shop.items()) == 5
    assert reasons(report) == [
        ("empty file", "item_id 'empty'"),
        ("no image file for the item", "item_id 'locked'"),
        ("not an image", "item_id 'broken'"),
        ("too many bytes", "item_id 'big'"),
    ]
    assert report.images.rejected == 3
    assert "images read with a correction: rotated (1)" in report.notes
    assert any("no TOY header" in problem.subject for problem in report.problems)


def test_a_good_image_that_went_bad_is_dropped(shop, write, ingest, tmp_path):
    items = write("items.csv", "item_id\n1\n")
    write("img/1.jpg", toy_image())
    ingest(items=items, images=tmp_path / "img")
    write("img/1.jpg", b"JUNK!")
    report = ingest(items=items, images=tmp_path / "img")
    assert len(shop.images()) == 0
    assert (report.images.dropped, report.images.rejected, report.items.without_image) == (1, 1, 1)


def test_earlier_images_stay_while_their_files_do(shop, write, ingest, tmp_path):
    items = write("items.csv", "item_id\n1\n2\n")
    write("old/1.jpg", toy_image(1))
    gone = write("old/2.jpg", toy_image(2))
    ingest(items=items, images=tmp_path / "old")
    gone.unlink()
    write("new/3.jpg", toy_image(3))
    report = ingest(items=write("more.csv", "item_id\n3\n"), images=tmp_path / "new")
    assert shop.images()["item_id"].to_pylist() == ["1", "3"]
    assert (report.images.dropped, report.images.unchanged, report.images.ok) == (1, 1, 1)
    assert reasons(report) == [("earlier image file is gone", "item_id '2'")]


def test_items_alone_leave_the_images(shop, write, ingest, tmp_path):
    write("img/1.jpg", toy_image())
    ingest(items=write("items.csv", "item_id\n1\n"), images=tmp_path / "img")
    report = ingest(items=write("items.csv", "item_id\n1\n2\n"))
    assert len(shop.images()) == 1
    assert (report.images, report.items.without_image) == (None, 1)


def test_several_images_in_a_column(shop, write, ingest, tmp_path):
    items = write("items.csv", "item_id,image\n1,front.jpg|sub/back.png\n2,\n3,gone.jpg|front.jpg\n4,../out.jpg\n")
    for name in ("front.jpg", "sub/back.png", "2.jpg", "1.jpg"):
        write(f"img/{name}", toy_image(content=name))
    write("out.jpg", toy_image())
    report = ingest(items=items, images=tmp_path / "img")
    assert [
        (i["item_id"], i["position"], os.path.relpath(i["path"], tmp_path / "img")) for i in shop.images().to_pylist()
    ] == [
        ("1", 0, "front.jpg"),
        ("1", 1, "sub/back.png"),
        ("2", 0, "2.jpg"),
        ("3", 0, "front.jpg"),
    ]
    assert reasons(report) == [
        ("image file is missing", "item_id '3'"),
        ("image path leads out of the image folder", "item_id '4'"),
    ]
    assert report.images.without_item == 0


def test_a_list_of_images_and_no_folder(shop, write, ingest, tmp_path):
    items = write("items.jsonl", '{"item_id": "1", "images": ["a.jpg", "b.jpg"]}\n')
    report = ingest(items=items)
    assert report.images is None
    assert "the image column was stored but not followed" in report.notes[0]
    write("img/a.jpg", toy_image(1))
    write("img/b.jpg", toy_image(2))
    ingest(images=tmp_path / "img")
    assert shop.images()["width"].to_pylist() == [1, 2]


def test_a_folder_alone_makes_items(shop, write, ingest, tmp_path):
    write("img/b.jpg", toy_image())
    write("img/007.png", toy_image())
    write("img/bad.gif", b"")
    write("img/._b.jpg", b"")
    write("img/readme.txt", b"")
    report = ingest(images=tmp_path / "img")
    assert shop.items()["item_id"].to_pylist() == ["007", "b", "bad"]
    assert (report.items.new, report.items.without_image, report.images.ok) == (3, 1, 2)
    write("img/new.jpg", toy_image())
    report = ingest(images=tmp_path / "img")
    assert shop.items()["item_id"].to_pylist() == ["007", "b", "bad", "new"]
    assert (report.items.new, report.items.unchanged) == (1, 3)


def test_a_folder_makes_no_items_where_a_table_did(shop, write, ingest, tmp_path):
    write("img/1.jpg", toy_image())
    write("img/2.jpg", toy_image())
    ingest(items=write("items.csv", "item_id\n1\n"))
    report = ingest(images=tmp_path / "img")
    assert shop.items()["item_id"].to_pylist() == ["1"]
    assert report.images.without_item == 1


def test_one_image_for_two_items_is_read_once(shop, write, ingest, tmp_path):
    write("img/x.jpg", toy_image())
    calls = []

    def counting(data):
        calls.append(data)
        return toy_inspect(data)

    ingest(items=write("items.csv", "item_id,image\n1,x.jpg\n2,x.jpg\n"), images=tmp_path / "img", inspect=counting)
    assert len(calls) == 1
    assert shop.images()["item_id"].to_pylist() == ["1", "2"]


def test_no_folder_changes_nothing(shop, write, ingest, tmp_path):
    from visrec.core.errors import InputError

    with pytest.raises(InputError, match="no such folder"):
        ingest(items=write("items.csv", "item_id\n1\n"), images=tmp_path / "none")
    assert len(shop.items()) == 0
