from __future__ import annotations

import json
import re

from visrec.catalogue.report import ImageCounts, IngestReport, InteractionCounts, ItemCounts, Problem, ProblemLog

from .toy_images import toy_inspect


def report(**changes):
    fields = {
        "started": "2024-01-31T12:00:00Z",
        "seconds": 1.25,
        "items": ItemCounts(new=2, rejected=1, total=1200, without_image=1),
        "images": ImageCounts(ok=1199, rejected=1, without_item=2, total=1199),
        "interactions": InteractionCounts(unchanged=5, total=5),
        "problems": [Problem("items.csv", 7, "item_id ''", "no item_id")],
        "totals": {("items.csv", "no item_id"): 1},
        "notes": ["column 'a' was int64 and now is string"],
    }
    return IngestReport(**{**fields, **changes})


def test_summary():
    assert report().summary().splitlines() == [
        "Items         1,200 in the catalogue (2 new, 1 rejected)",
        "              1 item without a usable image (recommendable by behaviour)",
        "Images        1,199 in the catalogue (1,199 ok, 1 rejected)",
        "              2 image files without an item, not used",
        "Interactions  5 in the catalogue (5 unchanged)",
        "Note: column 'a' was int64 and now is string",
        "1 problem; the rest was used:",
        "  1 x no item_id (items.csv)",
        "      line 7: item_id ''",
    ]


def test_a_clean_report():
    clean = report(problems=[], totals={}, notes=[], images=None, interactions=None)
    assert clean.n_problems == 0
    assert clean.text().endswith("No problems.\n")
    assert "problem" not in clean.summary()


def test_text_and_json_hold_every_named_problem(tmp_path):
    problems = [Problem("x.csv", line, f"user_id 'u{line}'", "no item_id") for line in range(2, 60)]
    full = report(problems=problems, totals={("x.csv", "no item_id"): 100})
    path = full.write(tmp_path)
    assert path == tmp_path / "ingest-20240131T120000Z.txt"
    text = path.read_text()
    assert all(f"line {line}: user_id 'u{line}'" in text for line in range(2, 60))
    assert "… and 42 more that are not named one by one" in text
    content = json.loads(path.with_suffix(".json").read_text())
    assert len(content["problems"]) == 58
    assert content["problems"][0] == {"file": "x.csv", "line": 2, "subject": "user_id 'u2'", "reason": "no item_id"}
    assert (content["n_problems"], content["items"]["new"], content["images"]["ok"]) == (100, 2, 1199)
    assert "… and 97 more" in full.summary()


def test_two_reports_of_one_second(tmp_path):
    assert report().write(tmp_path).name == "ingest-20240131T120000Z.txt"
    assert report().write(tmp_path).name == "ingest-20240131T120000Z-2.txt"
    assert report().write(tmp_path).name == "ingest-20240131T120000Z-3.txt"
    assert len(list(tmp_path.iterdir())) == 6


def test_the_log_asks_only_for_what_it_names(monkeypatch):
    from visrec.catalogue import report as module

    monkeypatch.setattr(module, "NAMED_PER_REASON", 3)
    asked = []
    log = ProblemLog()
    for n in (2, 5, 4):
        log.add_many("f", "r", n, lambda m: asked.append(m) or ["s"] * m, lambda m: [None] * m)
    log.add_many("f", "r", 0, lambda m: [], lambda m: [])
    log.add("f", "other", "s", 4)
    assert (asked, log.totals, len(log.problems)) == ([2, 1], {("f", "r"): 11, ("f", "other"): 1}, 4)


def test_an_ingest_writes_it(shop, write):
    made = shop.ingest(items=write("items.csv", "item_id\n1\n\n,\n".replace(",", '""')), inspect=toy_inspect)
    assert made.path is not None
    assert re.fullmatch(r"ingest-\d{8}T\d{6}Z\.txt", made.path.name)
    assert made.path.parent == shop._root / "reports"
    assert f"Full report: {made.path}" in made.summary()
    assert json.loads(made.path.with_suffix(".json").read_text())["problems"][0]["line"] == 4
