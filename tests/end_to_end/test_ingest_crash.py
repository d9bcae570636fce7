"""A killed writer leaves the workspace as it was, and doing it again completes it."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from visrec.catalogue.catalogue import Catalogue
from visrec.catalogue.features import FeatureStore
from visrec.core.protocols import EncoderInfo

# The child names the moment of its death: the n-th call of a function, before or after it.
_INGEST = """
import os, signal, sys
from pathlib import Path
from types import SimpleNamespace

import visrec.catalogue.catalogue as module
import visrec.catalogue.versioned_table as tables

home, moment, nth = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
calls = 0

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def deadly(function, before):
    def call(*arguments, **named):
        global calls
        calls += 1
        if before and calls == nth:
            die()
        result = function(*arguments, **named)
        if calls == nth:
            die()
        return result
    return call

def half_written(path, table):
    global calls
    calls += 1
    if calls != nth:
        return tables.write_version(path, table)
    import lance, pyarrow
    def batches():
        yield from table.slice(0, len(table) // 2).to_batches()
        die()
    reader = pyarrow.RecordBatchReader.from_batches(table.schema, batches())
    mode = "overwrite" if tables.is_table(path) else "create"
    lance.write_dataset(reader, str(path), mode=mode, max_rows_per_file=100)

def inspect(data):
    return SimpleNamespace(width=len(data), height=1, notes=())

if moment == "inspect":
    inspect = deadly(inspect, True)
elif moment == "write":
    module.write_version = half_written
elif moment == "written":
    module.write_version = deadly(module.write_version, False)
elif moment == "switch":
    module.Snapshot.write = deadly(module.Snapshot.write, True)
elif moment == "switched":
    module.Snapshot.write = deadly(module.Snapshot.write, False)
print("started", flush=True)
module.Catalogue.open(home / "shop").ingest(
    items=home / "items.csv", images=home / "images", interactions=home / "x.csv", inspect=inspect
)
"""

_APPEND = """
import os, signal, sys
from pathlib import Path
import numpy as np
from visrec.catalogue.features import FeatureStore
from visrec.core.protocols import EncoderInfo

folder = Path(sys.argv[1])
info = EncoderInfo("toy", "image", 64, "", {}, "Apache-2.0", "test")
store = FeatureStore(folder)
keys = [f"key{row}" for row in range(2000)]
values = np.arange(2000 * 64, dtype=np.float32).reshape(2000, 64)
print("started", flush=True)
missing = set(store.missing(info, keys))
rows = [row for row, key in enumerate(keys) if key in missing]
for first in range(0, len(rows), 50):
    batch = rows[first : first + 50]
    store.append(info, [keys[row] for row in batch], values[batch])
    print(len(batch), flush=True)
"""

MOMENTS = [
    ("inspect", 10),
    ("write", 1),
    ("write", 3),
    ("written", 2),
    ("switch", 1),
    ("switched", 1),
]


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def fill(home: Path, generation: int) -> None:
    """Input files of which a later generation changes and adds rows and images."""
    rng = random.Random(generation)
    n_items = 200 + 50 * generation
    (home / "images").mkdir(parents=True, exist_ok=True)
    for item in range(0, n_items, 3):
        (home / "images" / f"{item}.jpg").write_bytes(b"x" * (1 + item + generation * (item % 2)))
    items = [f"{item},{item * (1 + generation * (item % 5 == 0))}" for item in range(n_items)]
    (home / "items.csv").write_text("item_id,price\n" + "\n".join(items))
    rows = [f"u{rng.randrange(30)},{rng.randrange(n_items)},{rng.randrange(5)},{rng.randrange(50)}" for _ in range(900)]
    (home / "x.csv").write_text("user_id,item_id,rating,timestamp\n" + "\n".join(rows))


def content(shop: Path) -> list[object]:
    catalogue = Catalogue.open(shop)
    return [catalogue.items().to_pylist(), catalogue.images().to_pylist(), catalogue.interactions().to_pylist()]


def ingest(home: Path) -> None:
    Catalogue.open(home / "shop").ingest(
        items=home / "items.csv",
        images=home / "images",
        interactions=home / "x.csv",
        inspect=lambda data: SimpleNamespace(width=len(data), height=1, notes=()),
    )


def restore(home: Path) -> Path:
    """Put the workspace back to what it was after the first generation."""
    shutil.rmtree(home / "shop", ignore_errors=True)
    shutil.copytree(home / "before", home / "shop")
    return home / "shop"


@pytest.fixture(scope="module")
def generations(tmp_path_factory) -> tuple[Path, list[object], list[object]]:
    """A folder that was ingested once, its content, and the content after an undisturbed second ingest."""
    home = tmp_path_factory.mktemp("crash")
    fill(home, 0)
    Catalogue.create(home / "shop")
    ingest(home)
    shutil.copytree(home / "shop", home / "before")
    first = content(home / "shop")
    fill(home, 1)
    ingest(home)
    second = content(home / "shop")
    assert first != second
    assert (len(first[0]), len(second[0])) == (200, 250)
    return home, first, second


@pytest.mark.parametrize(("moment", "nth"), MOMENTS)
def test_a_killed_ingest_leaves_the_workspace_as_it_was(generations, moment, nth):
    home, first, second = generations
    shop = restore(home)
    killed = run(_INGEST, home, moment, nth)
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, "started\n"), killed.stderr
    # Once the snapshot is switched the ingest is done, whatever is still to be tidied.
    assert content(shop) == (second if moment == "switched" else first)
    ingest(home)
    assert content(shop) == second


@pytest.mark.parametrize(("moment", "nth"), [("write", 1), ("switch", 1)])
def test_a_killed_first_ingest(generations, moment, nth):
    home, _, second = generations
    shop = home / "shop"
    shutil.rmtree(shop, ignore_errors=True)
    Catalogue.create(shop)
    assert run(_INGEST, home, moment, nth).returncode == -signal.SIGKILL
    assert content(shop) == [[], [], []]
    ingest(home)
    assert content(shop)[:2] == second[:2]


def test_ingests_killed_at_any_time(generations):
    home, first, second = generations
    shop = restore(home)
    rng = random.Random(11)
    for _ in range(3):
        command = [sys.executable, "-c", _INGEST, str(home), "never", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(rng.uniform(0, 0.6))
            child.kill()
        assert content(shop) in (first, second)
    ingest(home)
    assert content(shop) == second


def test_killed_removals_can_be_repeated(generations):
    home, first, _ = generations
    shop = restore(home)
    script = _INGEST.split("print(")[0] + "module.Catalogue.open(home / 'shop').remove_item('3')"
    assert run(script, home, "switch", 1).returncode == -signal.SIGKILL
    assert content(shop) == first
    assert Catalogue.open(shop).remove_item("3").images == 1
    assert content(shop)[0] == [item for item in first[0] if item["item_id"] != "3"]


def test_a_killed_append_goes_on_where_it_stopped(tmp_path):
    info = EncoderInfo("toy", "image", 64, "", {}, "Apache-2.0", "test")
    keys = [f"key{row}" for row in range(2000)]
    values = np.arange(2000 * 64, dtype=np.float32).reshape(2000, 64)
    store = FeatureStore(tmp_path)
    rng = random.Random(5)
    acknowledged = 0
    for _ in range(3):
        command = [sys.executable, "-c", _APPEND, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(rng.uniform(0.05, 0.5))
            child.kill()
            acknowledged += sum(map(int, child.stdout.read().split()))
        # What was acknowledged is there; at most the one batch under way more.
        stored = len(keys) - len(store.missing(info, keys))
        assert acknowledged <= stored <= acknowledged + 50
        acknowledged = stored
    assert run(_APPEND, tmp_path).returncode == 0
    assert store.sets()[0].n_vectors == len(keys)
    found, present = store.read(info.feature_set, keys)
    assert present.all()
    np.testing.assert_array_equal(found, values)
