"""A fresh catalogue, and files to ingest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from visrec.catalogue.catalogue import Catalogue


@pytest.fixture
def shop(tmp_path: Path) -> Catalogue:
    return Catalogue.create(tmp_path / "shop")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file below the test's folder and give its path."""

    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file
