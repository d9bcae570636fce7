"""The main job through the command line, on a small drawn shop."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import visrec as package

USER = "customer-007"
METRICS = {"ndcg", "recall", "precision", "mrr", "map", "hit_rate", "coverage", "novelty", "diversity"}


def write_csv(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_ids(path: Path, ids: list[str]) -> Path:
    path.write_text("".join(f"{identifier}\n" for identifier in ids), encoding="utf-8")
    return path


def test_the_installed_program_says_its_version_and_its_errors():
    command = [sys.executable, "-m", "visrec"]
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=60)
    assert (version.returncode, version.stdout) == (0, f"visrec {package.__version__}\n")
    wrong = subprocess.run([*command, "info", "no such shop"], capture_output=True, text=True, timeout=60)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("Error: no such shop is not a visrec workspace")


def test_a_reader_that_goes_away_is_no_error(built):
    command = [sys.executable, "-m", "visrec", "recommend", str(built), "--users", "all", "-k", "80"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline().startswith('{"user_id"')
        child.stdout.close()
        assert child.stderr is not None
        assert (child.stderr.read(), child.wait(60)) == ("", 0)


def test_what_was_ingested_is_there(built, visrec, sample, seen):
    facts = visrec("info", built, "--json").json
    assert (facts["items"], facts["pictures"], facts["users"]) == (84, 84, 60) == (84, 84, len(seen))
    assert facts["interactions"] == sample.n_events
    assert facts["trained_models"] == ["blend", "popular"]
    assert "category" in facts["category_columns"]
    printed = visrec("info", built).out
    assert "positive threshold   none\n" in printed


def test_ingesting_and_encoding_again_changes_nothing(shop, visrec, sample):
    before = visrec("info", shop, "--json").out, visrec("recommend", shop, "--user", USER, "--json").out
    files = ("--items", sample.items, "--images", sample.images, "--interactions", sample.interactions)
    again = visrec("ingest", shop, *files)
    assert "84 unchanged" in again.out
    assert "new" not in again.out
    assert "0 images encoded, 84 were there already" in visrec("encode", shop).out
    assert (visrec("info", shop, "--json").out, visrec("recommend", shop, "--user", USER, "--json").out) == before


def test_the_list_of_a_user(built, visrec, items, seen):
    done = visrec("recommend", built, "--user", USER, "--json")
    body = done.json
    assert set(body) == {"user_id", "items"}
    assert body["user_id"] == USER
    assert [item["rank"] for item in body["items"]] == list(range(1, 11))
    scores = [item["score"] for item in body["items"]]
    assert scores == sorted(scores, reverse=True)
    assert len(set(done.item_ids)) == 10
    assert set(done.item_ids) <= set(items) - set(seen[USER])
    for item in body["items"]:
        assert sum(item["parts"].values()) == pytest.approx(item["score"], abs=1e-4)
        assert item["source"] == max(item["parts"], key=item["parts"].__getitem__)
        assert item["title"] == items[item["item_id"]]["title"]
    printed = visrec("recommend", built, "--user", USER, "-k", "3").out
    assert [item_id in printed for item_id in done.item_ids[:4]] == [True, True, True, False]


def test_seen_items_are_left_out_unless_they_are_wanted(built, visrec, items, seen):
    without = visrec("recommend", built, "--user", USER, "-k", "1000", "--json").item_ids
    assert sorted(without) == sorted(set(items) - set(seen[USER]))
    everything = visrec("recommend", built, "--user", USER, "-k", "1000", "--include-seen", "--json").item_ids
    assert sorted(everything) == sorted(items)


def test_filters_and_candidates(built, visrec, items, seen, tmp_path):
    where = "price < 60 and category in ('lamp', 'mug')"
    found = visrec("recommend", built, "--user", USER, "-k", "99", "--where", where, "--json").item_ids
    let_through = {
        item_id
        for item_id, row in items.items()
        if row["category"] in ("lamp", "mug") and row["price"] and float(row["price"]) < 60
    }
    assert 1 < len(let_through) < 40
    assert sorted(found) == sorted(let_through - set(seen[USER]))
    wanted = [item_id for item_id in items if item_id not in seen[USER]][5:9]
    file = write_ids(tmp_path / "ids.txt", [*wanted, "", wanted[0]])
    assert sorted(visrec("recommend", built, "--user", USER, "--candidates", file, "--json").item_ids) == sorted(wanted)
    nothing = visrec("recommend", built, "--user", USER, "--where", "price < 0", "--json")
    assert nothing.json == {"user_id": USER, "items": []}
    assert "Nothing to recommend" in visrec("recommend", built, "--user", USER, "--where", "price < 0").out
    similar = visrec("similar", built, "--item", wanted[0], "--candidates", file, "--where", "price > 0", "--json")
    assert set(similar.item_ids) <= set(wanted[1:])


def test_many_users_get_what_each_gets_alone(built, visrec, seen, tmp_path):
    lines = visrec("recommend", built, "--users", "all", "-k", "4").out.splitlines()
    lists = {body["user_id"]: body for body in map(json.loads, lines)}
    assert len(lines) == len(lists)
    assert set(lists) == set(seen)
    few = [USER, "nobody", "customer-002"]
    file = write_ids(tmp_path / "users.txt", few)
    some = [
        json.loads(line) for line in visrec("recommend", built, "--users", file, "-k", "4", "--json").out.splitlines()
    ]
    assert [body["user_id"] for body in some] == few
    for body in (some[0], some[2]):
        alone = visrec("recommend", built, "--user", body["user_id"], "-k", "4", "--json").json
        assert [item["item_id"] for item in body["items"]] == [item["item_id"] for item in alone["items"]]
        assert [item["item_id"] for item in lists[body["user_id"]]["items"]] == [i["item_id"] for i in alone["items"]]


def test_an_unknown_user_gets_the_popular_items_marked_so(built, visrec, seen):
    body = visrec("recommend", built, "--user", "who is that?", "-k", "3", "--json").json
    assert "popular" in body["note"]
    assert {item["source"] for item in body["items"]} == {"popular"}
    counts = [item["score"] for item in body["items"]]
    assert counts == sorted(counts, reverse=True)
    most = max((len({u for u in seen if item in seen[u]}), item) for h in seen.values() for item in h)
    assert most[1] in visrec("recommend", built, "--user", "x", "-k", "10", "--json").item_ids


def test_similar_to_an_item_and_to_its_picture(built, visrec, sample, items):
    item = next(iter(items))
    like_item = visrec("similar", built, "--item", item, "-k", "5", "--json")
    assert item not in like_item.item_ids
    assert {entry["source"] for entry in like_item.json["items"]} == {"visual"}
    like_file = visrec("similar", built, "--image", sample.images / f"{item}.jpg", "-k", "6", "--json")
    assert like_file.item_ids == [item, *like_item.item_ids]
    assert like_file.json["items"][0]["score"] == pytest.approx(1.0, abs=1e-3)
    assert set(like_file.json) == {"items"}


def test_a_query_mixes_items_and_pictures(built, visrec, sample, items):
    one, other, third = list(items)[:3]
    done = visrec("query", built, "--like", one, "--like", sample.images / f"{other}.jpg", "-k", "84", "--json")
    assert one not in done.item_ids
    assert done.item_ids[0] == other
    scores = {item["item_id"]: item["score"] for item in done.json["items"]}
    pushed = visrec("query", built, "--like", one, "--dislike", third, "-k", "84", "--json").json["items"]
    alone = visrec("query", built, "--like", one, "-k", "84", "--json").json["items"]
    near_third = visrec("similar", built, "--item", third, "-k", "1", "--json").item_ids[0]
    before = {item["item_id"]: item["score"] for item in alone}[near_third]
    assert {item["item_id"]: item["score"] for item in pushed}[near_third] < before
    assert set(scores) == set(items) - {one}
    only_disliked = visrec("query", built, "--dislike", third, "-k", "84", "--json")
    assert "nothing liked" in only_disliked.json["note"]
    assert only_disliked.item_ids[-1] == near_third


def test_evaluation_is_complete_and_repeats_itself(built, visrec):
    command = ("evaluate", built, "--split", "random", "--model", "ease", "-k", "5", "--json")
    done = visrec(*command)
    assert visrec(*command).out == done.out
    body = done.json
    assert (body["split"], body["k"], body["n_items"]) == ("random", 5, 84)
    assert 40 < body["n_users"] <= 60
    assert set(body["models"]) == {"ease", "popular", "random"}
    for metrics in body["models"].values():
        assert {name.split("@")[0] for name in metrics} >= METRICS
        for value in metrics.values():
            assert value["low"] <= value["mean"] <= value["high"]
    assert visrec(*command, "--seed", "1").out != done.out
    assert body["models"]["ease"]["ndcg@5"]["mean"] > body["models"]["random"]["ndcg@5"]["mean"]
    assert "| ease" in visrec(*command[:-1], "--markdown").out


def test_build_does_it_all_in_one_go(visrec, sample, tmp_path):
    files = ("--items", sample.items, "--images", sample.images, "--interactions", sample.interactions)
    done = visrec("build", tmp_path / "shop", *files, "--encoder", "colour-histogram", "--text-encoder", "none")
    assert "84 images encoded" in done.out
    assert "Trained blend from: collaborative, visual, category, appeal, popular." in done.out
    assert "Split random" in done.out
    assert "Split item-cold" in done.out
    assert len(visrec("recommend", tmp_path / "shop", "--user", USER, "--json").item_ids) == 10


def test_the_contact_sheet(built, visrec, tmp_path):
    heights = {}
    for k in (6, 12):
        file = tmp_path / "sheets" / f"{k}.png"
        visrec("recommend", built, "--user", USER, "-k", str(k), "--sheet", file)
        with Image.open(file) as sheet:
            assert sheet.format == "PNG"
            # Six tiles of 180 pixels, five gaps of 16, two margins of 28.
            assert sheet.width == 6 * 180 + 5 * 16 + 2 * 28
            heights[k] = sheet.height
            assert len(sheet.convert("RGB").getcolors(1 << 24)) > 1000
    # One more row: a tile of 0.75 to 1.5 times its width, and its words.
    assert 180 * 0.75 < heights[12] - heights[6] < 180 * 1.5 + 80


def test_feedback_counts_at_once(shop, visrec, items):
    item = list(items)[10]
    assert visrec("feedback", shop, "--user", "newcomer", "--item", item, "--timestamp", "1700000000").out == "Added.\n"
    again = visrec("feedback", shop, "--user", "newcomer", "--item", item, "--timestamp", "1700000000")
    assert again.out == "Was there already.\n"
    done = visrec("recommend", shop, "--user", "newcomer", "-k", "83", "--json")
    assert "note" not in done.json
    assert sorted(done.item_ids) == sorted(set(items) - {item})
    assert any(entry["source"] != "popular" for entry in done.json["items"])
    # One liked item: what looks like it is ahead of what does not.
    looks = visrec("similar", shop, "--item", item, "-k", "83", "--json").item_ids
    rank = {item_id: place for place, item_id in enumerate(done.item_ids)}
    assert sum(rank[i] for i in looks[:10]) < sum(rank[i] for i in looks[-10:])


def test_a_new_item_is_served_at_once(shop, visrec, sample, items, tmp_path):
    model = next(iter(items))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    with Image.open(sample.images / f"{model}.jpg") as picture:
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(pictures / "twin.jpg", quality=95)
    new = write_csv(tmp_path / "new.csv", [{"item_id": "twin", "title": "Twin", "category": items[model]["category"]}])
    done = visrec("ingest", shop, "--items", new, "--images", pictures)
    assert "1 images encoded" in done.out
    assert visrec("similar", shop, "--item", model, "-k", "1", "--json").item_ids == ["twin"]
    visrec("feedback", shop, "--user", "newcomer", "--item", model)
    file = write_ids(tmp_path / "ids.txt", ["twin"])
    alone = visrec("recommend", shop, "--user", "newcomer", "--candidates", file, "--json").json["items"]
    assert [entry["item_id"] for entry in alone] == ["twin"]
    assert alone[0]["parts"]["visual"] > 0
    assert "twin" in visrec("recommend", shop, "--user", "newcomer", "-k", "15", "--json").item_ids
    # Both axioms at once: the item is new, and so is what is known of the user.
    visrec("feedback", shop, "--user", "another", "--item", "twin")
    assert model in visrec("recommend", shop, "--user", "another", "-k", "15", "--json").item_ids


def test_an_item_and_a_user_can_be_removed(shop, visrec, seen, tmp_path):
    item = visrec("recommend", shop, "--user", USER, "-k", "1", "--json").item_ids[0]
    n_pairs = sum(len([i for i in history if i == item]) for history in seen.values())
    done = visrec("remove", shop, "--item", item)
    assert f"pictures: 1, interactions: {n_pairs}." in done.out
    assert "visrec train" in done.out
    for line in visrec("recommend", shop, "--users", "all", "-k", "84", "--include-seen").out.splitlines():
        assert item not in {entry["item_id"] for entry in json.loads(line)["items"]}
    assert "note" not in visrec("recommend", shop, "--user", USER, "--json").json
    visrec("remove", shop, "--user", USER)
    assert "popular" in visrec("recommend", shop, "--user", USER, "--json").json["note"]
    assert visrec("info", shop, "--json").json["users"] == len(seen) - 1


def test_an_encoder_switched_in_leaves_the_trained_model_as_it_was(shop, visrec, sample, items, tmp_path):
    before = visrec("recommend", shop, "--user", USER, "--json").out
    other = _tiny_onnx(tmp_path / "tiny.onnx")
    done = visrec("encode", shop, "--encoder", f"onnx:{other}")
    assert f"visrec train {shop} --model blend" in done.out
    assert visrec("recommend", shop, "--user", USER, "--json").out == before
    users = {s["encoder"]: s["used_by"] for s in visrec("features", shop, "--json").json["features"]}
    assert users == {"colour-histogram": ["blend"], f"onnx:{other}": ["new items"]}
    # A new item is encoded for both.
    (tmp_path / "pictures").mkdir()
    Image.effect_noise((64, 64), 90).convert("RGB").save(tmp_path / "pictures" / "new.png")
    new = write_csv(tmp_path / "new.csv", [{"item_id": "new", "title": "New"}])
    visrec("ingest", shop, "--items", new, "--images", tmp_path / "pictures")
    vectors = {s["encoder"]: s["vectors"] for s in visrec("features", shop, "--json").json["features"]}
    assert set(vectors.values()) == {85}
    visrec("train", shop)
    users = {s["encoder"]: s["used_by"] for s in visrec("features", shop, "--json").json["features"]}
    assert users == {"colour-histogram": [], f"onnx:{other}": ["new items", "blend"]}
    unmarked = [line for line in visrec("features", shop).out.splitlines() if not line.startswith("*")]
    assert len(unmarked) == 1
    assert unmarked[0].strip().startswith("colour-histogram")


def _tiny_onnx(path: Path) -> Path:
    """An image encoder whose embedding is the mean colour of each quarter of the picture."""
    import onnx
    from onnx import TensorProto, helper

    pool = helper.make_node("AveragePool", ["pixels"], ["pooled"], kernel_shape=[32, 32], strides=[32, 32])
    flat = helper.make_node("Flatten", ["pooled"], ["embedding"], axis=1)
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 3, 64, 64])
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", 12])
    graph = helper.make_graph([pool, flat], "tiny", [pixels], [embedding])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def test_a_picture_that_changed_since_ingest_is_not_taken_for_the_old_one(ingested, visrec, sample, items, tmp_path):
    pictures = tmp_path / "copies"
    pictures.mkdir()
    first, second = list(items)[:2]
    for item in (first, second):
        (pictures / f"{item}.jpg").write_bytes((sample.images / f"{item}.jpg").read_bytes())
    visrec("ingest", ingested, "--images", pictures)
    # Still a picture, but of another item: stored under the old key it would look right for ever.
    (pictures / f"{first}.jpg").write_bytes((sample.images / f"{list(items)[2]}.jpg").read_bytes())
    done = visrec("encode", ingested, "--encoder", "colour-histogram")
    assert "83 images encoded" in done.out
    assert f"1 could not be encoded: {first}: changed since ingest: run visrec ingest again" in done.out
    visrec("ingest", ingested, "--images", pictures)
    assert visrec("similar", ingested, "--item", first, "-k", "1", "--json").item_ids == [list(items)[2]]


def test_ratings_below_the_threshold_are_seen_but_not_liked(visrec, tmp_path):
    write_csv(tmp_path / "items.csv", [{"item_id": f"00{n}", "kind": "a" if n < 3 else "b"} for n in range(6)])
    ratings = [("u", "000", 5), ("u", "003", 2), ("v", "001", 5), ("w", "003", 1)]
    rows = [{"user_id": u, "item_id": i, "rating": r, "timestamp": 1700000000} for u, i, r in ratings]
    write_csv(tmp_path / "log.csv", rows)
    shop = tmp_path / "shop"
    files = ("--items", tmp_path / "items.csv", "--interactions", tmp_path / "log.csv")
    visrec("ingest", shop, *files, "--positive-threshold", "3")
    visrec("train", shop)
    assert visrec("info", shop, "--json").json["positive_threshold"] == 3
    found = visrec("recommend", shop, "--user", "u", "--json")
    assert sorted(found.item_ids) == ["001", "002", "004", "005"]
    # w has seen 003 and likes nothing.
    assert "popular" in visrec("recommend", shop, "--user", "w", "--json").json["note"]
    assert "003" not in visrec("recommend", shop, "--user", "w", "--json").item_ids
    assert visrec("recommend", shop, "--user", "w", "--json").item_ids[:2] == ["000", "001"]
    # A lower threshold counts from the next list on.
    visrec("ingest", shop, *files, "--positive-threshold", "1")
    assert "note" not in visrec("recommend", shop, "--user", "w", "--json").json
