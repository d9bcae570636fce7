from __future__ import annotations

import os

import pytest

from visrec.catalogue.image_folder import ImageFolder, split_references
from visrec.core.errors import InputError


@pytest.fixture
def folder(tmp_path):
    names = [
        "1.jpg", "000.114.28.JPG", "a/b.png", "x%2Fy.webp", "two.jpg", "two.png", " .gif", "鞋.tiff",
        "..jpg", "note.txt", "._1.jpg", ".jpg",
    ]  # fmt: skip
    home = tmp_path / "images"
    for name in names:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * len(name))
    (tmp_path / "secret.jpg").write_bytes(b"s")
    (home / "link-out.jpg").symlink_to(tmp_path / "secret.jpg")
    (home / "link-in.jpg").symlink_to(home / "1.jpg")
    (home / "broken.jpg").symlink_to(home / "nothing.jpg")
    (home / "dir-out").symlink_to(tmp_path)
    (home / "dir-in").symlink_to(home / "a")
    return home


@pytest.mark.parametrize(
    ("item_id", "files"),
    [
        ("1", ["1.jpg"]),
        ("000.114.28", ["000.114.28.JPG"]),
        ("a/b", ["a/b.png"]),
        ("x/y", ["x%2Fy.webp"]),
        ("x%2Fy", ["x%2Fy.webp"]),
        ("two", ["two.jpg", "two.png"]),
        (" ", [" .gif"]),
        ("鞋", ["鞋.tiff"]),
        (".", ["..jpg"]),
        ("b", []),
        ("note", []),
        ("../secret", []),
        ("a/../1", []),
        ("", []),
    ],
)
def test_of_item(folder, item_id, files):
    assert ImageFolder.scan(folder).of_item(item_id) == files


def test_a_file_called_after_another_item_as_it_stands_is_not_taken(folder):
    assert ImageFolder.scan(folder).of_item("x/y", {"x/y", "x%2Fy"}) == []


@pytest.mark.parametrize(
    ("reference", "file"),
    [("1.jpg", "1.jpg"), ("./a//b.png", "a/b.png"), ("note.txt", "note.txt"), ("link-in.jpg", "link-in.jpg")],
)
def test_locate(folder, reference, file):
    located = ImageFolder.scan(folder).locate(reference)
    status = os.stat(folder / file)
    assert (located.path, located.n_bytes, located.mtime_ns) == (str(folder / file), status.st_size, status.st_mtime_ns)


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("../secret.jpg", "image path leads out of the image folder"),
        ("a/../../secret.jpg", "image path leads out of the image folder"),
        ("a/../1.jpg", "image path leads out of the image folder"),
        ("/etc/passwd", "image path leads out of the image folder"),
        ("link-out.jpg", "image path leads out of the image folder"),
        ("dir-out/secret.jpg", "image path leads out of the image folder"),
        ("1.jpg\0", "image path leads out of the image folder"),
        ("broken.jpg", "image file is missing"),
        ("none.jpg", "image file is missing"),
        ("1.jpg/x", "image file is missing"),
        ("a", "image path is not a file"),
    ],
)
def test_locate_refuses(folder, reference, reason):
    assert ImageFolder.scan(folder).locate(reference) == reason


def test_a_linked_folder_inside_is_followed_only_by_name(folder):
    scanned = ImageFolder.scan(folder)
    assert "dir-in/b" not in scanned.stems
    assert scanned.locate("dir-in/b.png").n_bytes == len("a/b.png")


def test_the_folder_itself_may_be_a_link(folder, tmp_path):
    (tmp_path / "alias").symlink_to(folder)
    assert ImageFolder.scan(tmp_path / "alias").of_item("1") == ["1.jpg"]


def test_item_ids_are_the_stems_that_nobody_has(folder):
    found = ImageFolder.scan(folder).item_ids(["x/y", "two", "1"])
    assert found == sorted([" ", ".", "000.114.28", "a/b", "link-in", "link-out", "鞋"])


def test_names_that_are_not_utf8_are_counted(folder):
    path = os.path.join(os.fsencode(folder), b"caf\xe9.jpg")
    with open(path, "wb") as file:
        file.write(b"x")
    assert ImageFolder.scan(folder).unnamed == 1


def test_no_folder(folder, tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        ImageFolder.scan(tmp_path / "none")
    with pytest.raises(InputError, match="got a file"):
        ImageFolder.scan(folder / "1.jpg")


def test_split_references():
    assert split_references("a.jpg| b.jpg ||") == ["a.jpg", "b.jpg"]
    assert split_references(["a|b.jpg", None, ""]) == ["a|b.jpg"]
    assert split_references(None) == split_references("") == []
