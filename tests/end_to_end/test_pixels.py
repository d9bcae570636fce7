"""A model that learns from pixels, from the command line: on likes, on ratings, and where there are no pictures."""

from __future__ import annotations

import json

QUICK = ("--set", "size=32", "--set", "epochs=3")


def test_on_likes_it_ranks(ingested, attempt, visrec, seen):
    visrec("train", ingested, "--model", "pixel-cnn", *QUICK)
    user = next(iter(seen))
    ranked = visrec("recommend", ingested, "--user", user, "-k", 5, "--json")
    assert len(set(ranked.item_ids) - set(seen[user])) == 5
    assert set(ranked.json["items"][0]["parts"]) <= {"visual", "appeal"}
    pairs = ingested / "pairs.csv"
    pairs.write_text(f"user_id,item_id\n{user},{ranked.item_ids[0]}\n")
    refused = attempt("predict", ingested, "--pairs", pairs, "--model", "pixel-cnn")
    assert refused.code == 1
    assert "pixel-cnn was trained on a log without ratings" in refused.err


def test_on_ratings_it_predicts_and_names_pictures_that_are_gone(visrec, sample, seen, tmp_path):
    shop, log, pairs = tmp_path / "shop", tmp_path / "log.csv", tmp_path / "pairs.csv"
    rows = [(user, item, 1 + len(item + user) % 5) for user, items in seen.items() for item in dict.fromkeys(items)]
    log.write_text("user_id,item_id,rating\n" + "".join(f"{u},{i},{r}\n" for u, i, r in rows))
    images = tmp_path / "images"
    images.mkdir()
    for file in sample.images.iterdir():
        (images / file.name).write_bytes(file.read_bytes())
    visrec("ingest", shop, "--items", sample.items, "--images", images, "--interactions", log)
    gone = next(file for file in images.iterdir() if rows[0][1] in file.name)
    gone.unlink()
    trained = visrec("train", shop, "--model", "pixel-resnet", "--set", "epochs=2")
    assert f"counted as black: 1, such as {gone} (missing file" in trained.out
    pairs.write_text(f"user_id,item_id\n{rows[0][0]},{rows[1][1]}\nnobody,{rows[1][1]}\n{rows[0][0]},unknown\n")
    lines = [json.loads(line) for line in visrec("predict", shop, "--pairs", pairs, "--json").out.splitlines()]
    assert all(1 <= line["rating"] <= 5 for line in lines)
    assert [line.get("fallback", "").partition(":")[0] for line in lines] == [
        "", "user without ratings", "item without ratings and picture"
    ]  # fmt: skip


def test_without_pictures_it_says_what_to_do(attempt, visrec, sample, tmp_path):
    visrec("ingest", tmp_path / "shop", "--items", sample.items, "--interactions", sample.interactions)
    done = attempt("train", tmp_path / "shop", "--model", "pixel-cnn")
    assert done.code == 1
    assert "pixel-cnn needs pictures, and the items have none. Ingest a folder of images" in done.err
