"""What a user gets wrong is said in one clear message, with exit code 1, and changes nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

# (command, a part of the message)
WRONG = [
    # A workspace that is none.
    ("recommend {here}/nowhere --user a", "is not a visrec workspace. Make one with: visrec ingest"),
    ("info {items}", "is not a visrec workspace"),
    ("train {here}", "is not a visrec workspace"),
    ("similar {here} --item a", "is not a visrec workspace"),
    ("remove {here} --item a", "is not a visrec workspace"),
    ("feedback {here} --user a --item b", "is not a visrec workspace"),
    ("evaluate {here}", "is not a visrec workspace"),
    ("encode {here}", "is not a visrec workspace"),
    ("features {here}", "is not a visrec workspace"),
    # Files that cannot be used.
    ("ingest {shop}", "Expected at least one of --items, --images and --interactions"),
    ("ingest {new}", "Expected at least one of --items, --images and --interactions"),
    ("build {new}", "Expected --items, --images and --interactions to build"),
    ("ingest {new} --items {here}/absent.csv", "there is no such file"),
    ("ingest {new} --items {here}", "it is a folder"),
    ("ingest {new} --items {here}/no_id.csv", "expected a column 'item_id', found 'sku', 'title'"),
    ("ingest {new} --items {here}/empty.csv", "line 1"),
    ("ingest {new} --items {here}/items.xlsx", "got '.xlsx'"),
    ("ingest {new} --images {here}/absent", "Nothing was changed"),
    ("ingest {new} --images {items}", "expected a folder of images, got a file"),
    ("ingest {new} --interactions {here}/no_id.csv", "expected a column 'user_id'"),
    ("ingest {here}/deep/er/shop --items {here}/no_id.csv", "expected a column 'item_id'"),
    ("ingest {items} --items {items}", "Expected a folder for the workspace, got the file"),
    ("ingest {items}/shop --items {items}", "cannot be made a workspace"),
    ("ingest {shop} --items {here}/no_id.csv --positive-threshold 3", "expected a column 'item_id'"),
    ("build {new} --items {here}/no_id.csv", "expected a column 'item_id'"),
    # Encoders and models.
    ("encode {shop} --encoder nope", "There is no image encoder 'nope'. Known: efficientnet-lite0"),
    ("encode {shop} --encoder onnx:{here}/absent.onnx", "absent.onnx does not exist"),
    ("encode {shop} --encoder onnx:{items}", "is not an ONNX file"),
    ("build {new} --items {items} --encoder nope", "There is no image encoder 'nope'"),
    ("build {new} --items {items} --encoder bge-small", "reads texts. Give it as --text-encoder"),
    ("build {new} --items {items} --text-encoder nope", "There is no text encoder 'nope'"),
    ("train {shop} --model nope", "There is no recommender 'nope'. Known: random, popular"),
    ("train {shop} --model text-knn", "needs text features and the items have none"),
    ("recommend {shop} --user a --model nope", "There is no recommender 'nope'"),
    ("recommend {shop} --user a --model ../../etc", "There is no recommender '../../etc'"),
    ("recommend {shop} --user a --model ease", "There is no trained model 'ease'"),
    ("weights get nope", "There are no weights 'nope'. Known: efficientnet-lite0"),
    ("weights verify nope", "There are no weights 'nope'"),
    # Answers that cannot be given.
    ("recommend {shop}", "Expected either --user ID or --users FILE"),
    ("recommend {shop} --user a --users all", "Expected either --user ID or --users FILE"),
    ("recommend {shop} --user=", "Expected a user id as text"),
    ("recommend {shop} --user a\udcff", "Expected a user id as text"),
    ("recommend {shop} --user a -k 0", "Expected k of 1 or more, got 0"),
    ("recommend {shop} --users all -k -5", "Expected k of 1 or more, got -5"),
    ("recommend {shop} --users {here}/absent.txt", "There is no file"),
    ("recommend {shop} --users {here}", "cannot be read: Is a directory"),
    ("recommend {shop} --users {here}/empty.csv", "holds no id"),
    ("recommend {shop} --users {here}/latin.txt", "is no UTF-8 text"),
    ("recommend {shop} --user a --candidates {here}/absent.txt", "There is no file"),
    ("recommend {shop} --user a --candidates {here}/ids.txt", "2 of the candidates are not in"),
    ("recommend {shop} --user a --where prise<5", "No field named prise. Did you mean 'price'?"),
    ("recommend {shop} --user a --where price<", "Filter 'price<'"),
    ("recommend {shop} --user a --where price", "Filter 'price'"),
    ("recommend {shop} --user a --where=", "it is empty"),
    ("recommend {shop} --user a --where price='cheap'", "Filter"),
    ("recommend {shop} --users all --sheet {here}/sheet.png", "--sheet goes with --user"),
    ("recommend {shop} --user a --sheet {here}/sheet.jpg", "Expected a file named ….png"),
    ("recommend {shop} --user a --sheet {items}/sheet.png", "Expected a folder for the contact sheet, got the file"),
    ("similar {shop}", "Expected either --item ID or --image FILE"),
    ("similar {shop} --item nope", "There is no item 'nope'"),
    ("similar {shop} --item a\udcff", "There is no item 'a\\udcff'"),
    ("similar {shop} --item {first} --image {picture}", "Expected either --item ID or --image FILE"),
    ("similar {shop} --item {first} -k 0", "Expected k of 1 or more, got 0"),
    ("similar {shop} --image {here}/absent.jpg", "There is no file"),
    ("similar {shop} --image {here}", "Expected a picture file, got the folder"),
    ("similar {shop} --image {items}", "not an image"),
    ("similar {shop} --image {here}/cut.jpg", "Give a picture such as JPEG or PNG"),
    ("similar {shop} --item {first} --where nope=1", "No field named nope"),
    ("query {shop}", "Expected at least one liked or disliked item or picture"),
    ("query {shop} --like nope", "'nope' is neither an item of"),
    ("query {shop} --like {first} --dislike {first}", "as both. Leave one out"),
    ("query {shop} --like {first} --sheet {here}/sheet", "Expected a file named ….png"),
    # Changes that cannot be made.
    ("remove {shop}", "Expected either --item ID or --user ID"),
    ("remove {shop} --item a --user b", "Expected either --item ID or --user ID"),
    ("remove {shop} --item nope", "There is no item 'nope' in"),
    ("remove {shop} --user nope", "There is no user 'nope' in"),
    ("feedback {shop} --user a --item nope", "No event was stored"),
    ("feedback {shop} --user= --item {first}", "Expected user_id as text"),
    ("feedback {shop} --user a --item {first} --value nan", "Expected a finite value"),
    ("feedback {shop} --user a --item {first} --timestamp 1700000000000", "Expected a timestamp in epoch seconds"),
    # Evaluations that cannot be made.
    (
        "evaluate {shop} --split nope",
        "item-cold, user-cold, kfold, got 'nope'",
    ),
    ("evaluate {shop} --model nope", "There is no recommender 'nope'"),
    ("evaluate {shop} -k 0", "Expected k of 1 or more, got 0"),
    ("evaluate {shop} --seed -1", "Expected a seed of 0 or more, got -1"),
    ("evaluate {shop} --test-fraction 1.5", "Expected a test_fraction above 0 and below 1"),
    ("evaluate {shop} --test-fraction nan", "Expected a test_fraction above 0 and below 1"),
    ("evaluate {shop} --split time --test-days -1", "Expected test_days above 0"),
    ("evaluate {shop} --positive-threshold nan", "Expected a number as positive threshold"),
    ("evaluate {shop} --positive-threshold inf", "Expected a number as positive threshold"),
    ("evaluate {shop} --encoder clip-vit-b16", "no picture features of 'clip-vit-b16'"),
    ("evaluate {shop} --folds 3", "--folds goes with --split kfold or --ratings"),
    ("evaluate {shop} --split kfold --folds 1", "Expected 2 or more folds, got 1"),
    ("evaluate {shop} --split kfold --test-fraction 0.5", "kfold takes a number of folds"),
    ("evaluate {shop} --split kfold --tuned", "go with one split, not with kfold"),
    ("evaluate {shop} --split kfold --learning-curve", "go with one split, not with kfold"),
    ("evaluate {shop} --report report.pdf", "Expected a file ending in .html for the report, got report.pdf"),
    ("evaluate {shop} --charts {shop}/visrec.json", "Expected a folder for the pictures, got the file"),
    ("evaluate {shop} --ratings --report report.html", "none of --test-fraction"),
    ("evaluate {shop} --ratings", "Expected at least 5 ratings to split, got 0"),
    (
        "evaluate {shop} --ratings --split time",
        "Expected a split of ratings out of kfold, random, user-time, item-cold",
    ),
    ("evaluate {shop} --ratings --seed -1", "Expected a seed of 0 or more, got -1"),
    ("evaluate {shop} --ratings --folds 1", "Expected 2 or more folds, got 1"),
    ("evaluate {shop} --ratings --test-days 3", "none of --test-fraction"),
    ("evaluate {shop} --ratings --test-fraction 0.5", "none of --test-fraction"),
    # Settings and searches that cannot be.
    ("train {shop} --model ease --set dim=3", "ease has no setting 'dim'. It has: blocks"),
    ("train {shop} --model ease --set min_likes=2.5", "Expected the setting 'min_likes' of ease as int, got 2.5"),
    ("train {shop} --set x", "Expected a setting as NAME=VALUE"),
    ("train {shop} --model ease --tuned", "ease has not been tuned yet. Run: visrec tune"),
    ("train {shop} --model visual-mf", "visual-mf needs ratings, and the log holds none"),
    ("tune {shop} --model popular", "popular has no settings to search"),
    ("tune {shop} --model bias --split kfold", "none is left to tune by"),
    (
        "tune {shop} --model bias --split time",
        "split of ratings out of kfold, random, user-time, item-cold, got 'time'",
    ),
    (
        "evaluate {shop} --ratings --split nope",
        "split of ratings out of kfold, random, user-time, item-cold, got 'nope'",
    ),
    ("tune {shop} --model ease --trials 0", "Expected 1 trial or more, got 0"),
    (
        "tune {shop} --model ease --split nope",
        "item-cold, user-cold, kfold, got 'nope'",
    ),
    ("tune {shop} --model ease --split kfold", "Expected a split that cuts once, got 'kfold'"),
    ("tune {shop} --model ease --seed -1", "Expected a seed of 0 or more, got -1"),
    # Ratings that cannot be predicted.
    ("predict {shop} --pairs {here}/none.csv", "there is no such file"),
    ("predict {shop} --pairs {items}", "expected a column 'user_id'"),
    # A threshold that no rating could be compared with.
    ("ingest {shop} --items {items} --positive-threshold nan", "Expected a number as positive threshold"),
    ("ingest {new} --items {items} --positive-threshold inf", "Expected a number as positive threshold"),
    ("build {shop} --positive-threshold nan", "Expected a number as positive threshold"),
]

# (command, a part of the message) on a workspace that is not finished.
UNFINISHED = [
    ("recommend {shop} --user a", "There is no trained model 'blend'"),
    ("recommend {shop} --users all", "visrec train"),
    ("similar {shop} --image {picture}", "has no image features yet. Run: visrec encode"),
]

EMPTY = [
    ("recommend {shop} --user a", "holds no items. Run: visrec ingest"),
    ("recommend {shop} --users all", "holds no items. Run: visrec ingest"),
    ("similar {shop} --item a", "holds no items. Run: visrec ingest"),
    ("query {shop} --like a", "'a' is neither an item of"),
    ("train {shop}", "holds no items. Run: visrec ingest"),
    ("build {shop}", "holds no items. Run: visrec ingest"),
    ("evaluate {shop}", "Expected interactions to split, got none"),
]


def content(*folders: Path) -> dict[str, str]:
    """Every file's hash, and every folder; the files that writers lock are no content."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if "lock" not in path.name and "locks" not in path.parent.name:
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
    return found


@pytest.fixture(scope="module")
def here(tmp_path_factory, sample) -> Path:
    """A folder of files that are wrong in one way each."""
    folder = tmp_path_factory.mktemp("wrong files")
    (folder / "no_id.csv").write_text("sku,title\n1,One\n")
    (folder / "empty.csv").write_text("")
    (folder / "items.xlsx").write_bytes(b"PK")
    (folder / "latin.txt").write_bytes("é\n".encode("latin-1"))
    (folder / "ids.txt").write_text("nope\nneither\n")
    picture = next(sample.images.iterdir()).read_bytes()
    (folder / "cut.jpg").write_bytes(picture[: len(picture) // 3])
    return folder


@pytest.fixture
def refused(attempt, here, sample, items):
    """Runs a command that must fail with a message, and change nothing."""

    def call(command: str, message: str, shop: Path) -> None:
        first = next(iter(items))
        places = {
            "shop": shop,
            "new": here / "new shop",
            "here": here,
            "items": sample.items,
            "first": first,
            "picture": sample.images / f"{first}.jpg",
        }
        before = content(shop, here)
        # Split first: paths hold spaces.
        done = attempt(*(word.format(**places) for word in command.split(" ")))
        assert done.code == 1, done
        assert done.out == ""
        assert done.err.startswith("Error: ")
        assert message in done.err
        assert "Traceback" not in done.err
        assert done.err.count("\n") == 1, "one message, on one line"
        assert content(shop, here) == before

    return call


@pytest.mark.parametrize(("command", "message"), WRONG, ids=[repr(command)[1:-1] for command, _ in WRONG])
def test_wrong_input_is_one_clear_message(command, message, refused, built):
    refused(command, message, built)


@pytest.mark.parametrize(("command", "message"), UNFINISHED)
def test_an_unfinished_workspace_says_what_to_run(command, message, refused, ingested):
    refused(command, message, ingested)


@pytest.mark.parametrize(("command", "message"), EMPTY)
def test_an_empty_catalogue_says_what_to_run(command, message, refused, visrec, tmp_path):
    (tmp_path / "header.csv").write_text("item_id,title\n")
    visrec("ingest", tmp_path / "shop", "--items", tmp_path / "header.csv")
    refused(command, message, tmp_path / "shop")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Usage: visrec"),
        (("bogus",), "No such command 'bogus'"),
        (("recommend", "{shop}", "--user", "a", "-k", "many"), "valid integer"),
        (("feedback", "{shop}", "--user", "a"), "Missing option '--item'"),
        (("train", "{shop}", "--modell", "ease"), "--modell"),
    ],
)
def test_wrong_usage_is_explained_with_code_2(arguments, message, attempt, built):
    done = attempt(*(argument.format(shop=built) for argument in arguments))
    assert done.code == 2
    assert message in done.out + done.err
    assert "Traceback" not in done.err


def test_a_failed_ingest_leaves_the_folder_that_was_there(attempt, here, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / "mine.txt").write_text("mine too")
    before = content(tmp_path)
    assert attempt("ingest", tmp_path, "--items", here / "no_id.csv").code == 1
    assert content(tmp_path) == before


def test_a_workspace_that_holds_a_bad_threshold_is_damaged(attempt, shop):
    settings = shop / "visrec.json"
    settings.write_text(settings.read_text().replace('"positive_threshold": null', '"positive_threshold": NaN'))
    done = attempt("info", shop, "--json")
    assert done.code == 1
    assert "visrec.json is damaged (Expected a number as positive threshold" in done.err


@pytest.mark.parametrize("name", ["visrec.json", "catalogue/snapshot.json", "models/blend/0001/manifest.json"])
def test_a_damaged_workspace_is_named(name, attempt, shop):
    (shop / name).write_bytes(b"\x00 not json")
    done = attempt("recommend", shop, "--user", "a")
    assert done.code == 1
    assert "is damaged" in done.err
    assert "Traceback" not in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(attempt, sample, shop, tmp_path):
    shop.chmod(0o500)
    try:
        done = attempt("train", shop)
        assert done.code == 1
        assert "Permission denied" in done.err
    finally:
        shop.chmod(0o700)


def test_a_full_disk_is_a_message(attempt, shop, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    before = content(shop)
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        done = attempt("train", shop)
    assert done.code == 1
    assert "No space left on device. Check the path, its permissions and the space on the disk." in done.err
    assert "Traceback" not in done.err
    assert {path: value for path, value in content(shop).items() if ".building" not in path} == before


def test_items_without_pictures_and_without_behaviour(visrec, attempt, sample, tmp_path):
    shop = tmp_path / "shop"
    visrec("ingest", shop, "--items", sample.items)
    assert "the catalogue has no pictures" in visrec("encode", shop).out
    assert visrec("features", shop, "--json").json == {"features": []}
    assert "Trained blend from: category, popular." in visrec("train", shop).out
    done = visrec("recommend", shop, "--users", "all")
    assert done.out == ""
    assert "knows of no user" in done.err
    assert len(visrec("recommend", shop, "--user", "a", "--json").item_ids) == 10
    first = visrec("recommend", shop, "--user", "a", "-k", "1", "--json").item_ids[0]
    alike = visrec("similar", shop, "--item", first, "--json").json
    assert "compared by category" in alike["note"]
    assert attempt("evaluate", shop).code == 1


def test_ids_may_hold_any_characters(visrec, sample, tmp_path):
    ids = [
        "007",
        "a/b",
        "it's",
        'say "hi"',
        "日本語 茶碗",
        "-k",
        "--help",
        " lead",
        "a|b",
        "$HOME",
        "../up",
        "x\u2028y",
    ]
    pictures = sorted(sample.images.iterdir())
    (tmp_path / "pictures").mkdir()
    lines = ["item_id,image"]
    for number, item_id in enumerate(ids):
        shutil.copy(pictures[number], tmp_path / "pictures" / f"{number}.jpg")
        quoted = item_id.replace('"', '""')
        lines.append(f'"{quoted}",{number}.jpg')
    (tmp_path / "items.csv").write_text("\n".join(lines), encoding="utf-8")
    shop = tmp_path / "shop"
    visrec("ingest", shop, "--items", tmp_path / "items.csv", "--images", tmp_path / "pictures")
    visrec("encode", shop, "--encoder", "colour-histogram")
    for item_id in ids:
        visrec("feedback", shop, "--user", item_id, "--item", item_id)
        assert sorted(visrec("similar", shop, "--item", item_id, "-k", "99", "--json").item_ids) == sorted(
            set(ids) - {item_id}
        )
    visrec("train", shop)
    (tmp_path / "ids.txt").write_text("".join(f"{item_id}\r\n" for item_id in ids), encoding="utf-8")
    for user in ids:
        done = visrec("recommend", shop, "--user", user, "--candidates", tmp_path / "ids.txt", "-k", "99", "--json")
        assert done.json["user_id"] == user
        assert sorted(done.item_ids) == sorted(set(ids) - {user})
        assert "note" not in done.json
    found = visrec("recommend", shop, "--user", "new", "--where", "item_id = 'it''s'", "--json")
    assert found.item_ids == ["it's"]
    visrec("remove", shop, "--item", "--help")
    assert visrec("info", shop, "--json").json["items"] == len(ids) - 1
