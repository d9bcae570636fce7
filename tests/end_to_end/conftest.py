"""The command line as a function, and a small drawn shop to use it on."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from visrec.cli.main import run
from visrec.sample import SampleFiles, draw_shop

ENCODER = "colour-histogram"


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def item_ids(self) -> list[str]:
        return [item["item_id"] for item in self.json["items"]]


Command = Callable[..., Done]


@pytest.fixture(scope="session")
def attempt() -> Command:
    """Runs `visrec ARGUMENTS…` in this process, whatever comes of it."""

    def call(*arguments: object) -> Done:
        out, err, code = io.StringIO(), io.StringIO(), 0
        argv = ["visrec", *map(str, arguments)]
        with redirect_stdout(out), redirect_stderr(err), mock.patch.object(sys, "argv", argv):
            try:
                run()
            except SystemExit as leaving:
                code = int(leaving.code or 0)
        return Done(code, out.getvalue(), err.getvalue())

    return call


@pytest.fixture(scope="session")
def visrec(attempt: Command) -> Command:
    """Runs `visrec ARGUMENTS…`, which must succeed."""

    def call(*arguments: object) -> Done:
        done = attempt(*arguments)
        assert done.code == 0, (arguments, done)
        return done

    return call


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleFiles:
    """A drawn shop of 84 products and 60 customers."""
    return draw_shop(tmp_path_factory.mktemp("sample"), n_items=84, n_users=60)


@pytest.fixture(scope="session")
def items(sample: SampleFiles) -> dict[str, dict[str, str]]:
    """Item id -> its row of items.csv."""
    with sample.items.open(newline="") as file:
        return {row["item_id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="session")
def seen(sample: SampleFiles) -> dict[str, list[str]]:
    """User id -> the items of interactions.csv, in the order of the file."""
    histories: dict[str, list[str]] = {}
    with sample.interactions.open(newline="") as file:
        for row in csv.DictReader(file):
            histories.setdefault(row["user_id"], []).append(row["item_id"])
    return histories


@pytest.fixture(scope="session")
def _ingested(sample: SampleFiles, visrec: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = tmp_path_factory.mktemp("ingested") / "shop"
    visrec(
        "ingest", shop, "--items", sample.items, "--images", sample.images, "--interactions", sample.interactions
    )  # fmt: skip
    return shop


@pytest.fixture(scope="session")
def built(_ingested: Path, visrec: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample shop: ingested, encoded, trained. To be read only: see `shop`."""
    shop = tmp_path_factory.mktemp("built") / "shop"
    shutil.copytree(_ingested, shop)
    visrec("encode", shop, "--encoder", ENCODER)
    visrec("train", shop)
    return shop


@pytest.fixture
def ingested(_ingested: Path, tmp_path: Path) -> Path:
    """The sample shop, ingested and no more; the test's own."""
    shutil.copytree(_ingested, tmp_path / "shop")
    return tmp_path / "shop"


@pytest.fixture
def shop(built: Path, tmp_path: Path) -> Path:
    """The built sample shop; the test's own."""
    shutil.copytree(built, tmp_path / "shop")
    return tmp_path / "shop"
