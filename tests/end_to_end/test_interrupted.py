"""Encode and train, interrupted by Ctrl-C or killed, go on where they stopped; what was in use stays in use."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from visrec.catalogue.catalogue import Catalogue
from visrec.workspace.workspace import Workspace

# The child sends itself a signal at the n-th call of a function, then goes on with the command line.
_CHILD = """
import importlib, os, signal, sys

module, owner, name, nth, number = sys.argv[1].split(":")
place = importlib.import_module(module)
place = getattr(place, owner) if owner else place
function = getattr(place, name)
calls = 0

def call(*arguments, **named):
    global calls
    calls += 1
    if calls == int(nth):
        os.kill(os.getpid(), int(number))
    return function(*arguments, **named)

setattr(place, name, call)
# Where the tests themselves run in the background, Ctrl-C is ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Otherwise everything that this small shop holds would be kept at once, at the end.
importlib.import_module("visrec.encoders.pipeline")._KEEP_EVERY_SECONDS = 0.0
sys.argv = ["visrec", *sys.argv[2:]]
from visrec.cli.main import run
run()
"""

APPEND = "visrec.catalogue.features:FeatureStore:append"
ENCODE = ("encode", "{shop}", "--encoder", "colour-histogram")


def interrupted(moment: str, nth: int, number: signal.Signals, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _CHILD, f"{moment}:{nth}:{number.value}", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def features(shop: Path) -> tuple[list[str], np.ndarray]:
    """The keys of the pictures, and the vectors of those that have one, in that order."""
    catalogue = Catalogue.open(shop)
    keys = catalogue.images().column("sha256").to_pylist()
    (feature_set,) = catalogue.features.sets()
    vectors, known = catalogue.features.read(feature_set.name, keys)
    assert feature_set.n_vectors == known.sum() == len({key for key, there in zip(keys, known, strict=True) if there})
    return keys, vectors[known]


@pytest.fixture(scope="module")
def undisturbed(built) -> np.ndarray:
    return features(built)[1]


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [(signal.SIGINT, 130, "Interrupted. What was finished is kept"), (signal.SIGKILL, -signal.SIGKILL, "")],
)
def test_an_interrupted_encode_goes_on_where_it_stopped(number, code, words, ingested, visrec, undisturbed):
    encode = [argument.format(shop=ingested) for argument in ENCODE]
    done = interrupted(APPEND, 4, number, *encode)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    # Three batches of eight were kept.
    _, kept = features(ingested)
    assert len(kept) == 24
    # Nothing half encoded is in use.
    assert visrec("info", ingested, "--json").json["image_features"] == ""
    again = interrupted(APPEND, 3, number, *encode)
    assert again.returncode == code
    assert len(features(ingested)[1]) == 40
    assert "44 images encoded, 40 were there already" in visrec(*encode).out
    # Equal but for the order in which other batches are summed.
    np.testing.assert_allclose(features(ingested)[1], undisturbed, atol=1e-5)
    assert visrec("info", ingested, "--json").json["image_features"] != ""


ARTIFACTS = "visrec.core.artifacts"


@pytest.mark.parametrize(
    ("moment", "nth", "number"),
    [
        ("visrec.recommenders.ease:Ease:fit", 1, signal.SIGINT),
        ("numpy::save", 5, signal.SIGINT),
        (f"{ARTIFACTS}::write_atomic", 4, signal.SIGKILL),
        ("visrec.workspace.settings:WorkspaceSettings:write", 1, signal.SIGKILL),
    ],
)
def test_an_interrupted_first_train_can_be_done_again(moment, nth, number, shop, built, visrec, attempt):
    before = visrec("recommend", built, "--users", "all", "--json").out
    shutil.rmtree(shop / "models")
    done = interrupted(moment, nth, number, "train", shop)
    assert done.returncode == (130 if number == signal.SIGINT else -number), done.stderr
    assert "Traceback" not in done.stderr
    assert number != signal.SIGINT or not list(shop.rglob(".building*"))
    answer = attempt("recommend", shop, "--users", "all", "--json")
    # Either there is no model yet, and that is said, or the whole of it.
    assert (answer.code, answer.out) in ((1, ""), (0, before))
    assert answer.code == 0 or "visrec train" in answer.err
    # Never a model without its fallback.
    assert visrec("info", shop, "--json").json["trained_models"] in ([], ["popular"], ["blend", "popular"])
    visrec("train", shop)
    assert visrec("recommend", shop, "--users", "all", "--json").out == before


@pytest.mark.parametrize(
    ("moment", "nth"),
    [("numpy::save", 5), (f"{ARTIFACTS}::write_atomic", 3), (f"{ARTIFACTS}::write_atomic", 4)],
)
def test_a_killed_train_leaves_the_model_in_use(moment, nth, shop, visrec, items):
    for item in list(items)[:5]:
        visrec("feedback", shop, "--user", "customer-001", "--item", item)
    old = visrec("recommend", shop, "--users", "all", "--json").out
    done = interrupted(moment, nth, signal.SIGKILL, "train", shop)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert visrec("recommend", shop, "--users", "all", "--json").out == old
    visrec("train", shop)
    assert visrec("recommend", shop, "--users", "all", "--json").out != old


def test_a_killed_first_ingest_can_be_done_again(sample, visrec, built, tmp_path):
    shop = tmp_path / "shop"
    files = ("--items", sample.items, "--images", sample.images, "--interactions", sample.interactions)
    done = interrupted("visrec.catalogue.snapshot:Snapshot:write", 2, signal.SIGKILL, "ingest", shop, *files)
    assert done.returncode == -signal.SIGKILL
    assert visrec("info", shop, "--json").json["items"] == 0
    visrec("ingest", shop, *files)
    counts = {name: visrec("info", shop, "--json").json[name] for name in ("items", "pictures", "interactions")}
    assert counts == {name: visrec("info", built, "--json").json[name] for name in counts}


def test_an_ingest_stopped_by_the_user_leaves_no_new_folder(sample, tmp_path):
    shop = tmp_path / "new" / "shop"
    files = ("--items", sample.items, "--images", sample.images)
    done = interrupted("visrec.images.decode::inspect", 20, signal.SIGINT, "ingest", shop, *files)
    assert done.returncode == 130, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_settings_that_another_process_changed_are_kept(shop, visrec):
    here = Workspace.open(shop)
    visrec("train", shop, "--model", "ease")
    here.set_positive_threshold(3.0)
    settings = json.loads((shop / "visrec.json").read_text())
    assert (settings["model"], settings["positive_threshold"]) == ("ease", 3.0)


def test_two_trainings_at_once_both_succeed(shop, visrec):
    command = [sys.executable, "-m", "visrec", "train", str(shop)]
    children = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
    for child in children:
        assert child.stderr is not None
        with child:
            assert (child.stderr.read(), child.wait(120)) == (b"", 0)
    assert sorted(path.name for path in (shop / "models" / "blend").iterdir()) == ["0002", "0003", "current"]
    assert len(visrec("recommend", shop, "--user", "customer-007", "--json").item_ids) == 10
