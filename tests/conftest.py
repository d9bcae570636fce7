"""Fixtures that every test may use."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from postgres_server import PostgresServer

_NUMBERS = itertools.count()


# No test writes into a database that the machine's environment names.
os.environ.pop("VISREC_EVENTS_URL", None)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real data sets; the test is skipped, saying so, where they are absent."""
    folder = Path(os.environ.get("VISREC_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"real data sets not found in {folder}; set VISREC_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL; the test is skipped, saying so, where there is none."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """An empty database of a real PostgreSQL, by URL; the test's own."""
    name = f"shop_{next(_NUMBERS)}"
    yield postgres.make(name)
    postgres.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def live_url(request: pytest.FixtureRequest) -> str | None:
    """Where live events are kept: in the shop's file (None), and once more in PostgreSQL."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_url")
