"""SHOP/visrec.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from visrec.core.errors import WorkspaceError
from visrec.workspace.settings import WorkspaceSettings

ALL = WorkspaceSettings("lite0-0123", "bge-4567", "onnx:/modèles/网络.onnx", "bge-small", "ease", "pixel-cnn", 3.5)


@pytest.mark.parametrize("settings", [WorkspaceSettings(), ALL], ids=["defaults", "all"])
def test_what_is_written_is_read(settings, tmp_path: Path):
    settings.write(tmp_path)
    assert WorkspaceSettings.read(tmp_path) == settings
    assert [path.name for path in tmp_path.iterdir()] == ["visrec.json"]


def test_rules_take_the_threshold():
    assert ALL.rules.positive_threshold == 3.5
    assert WorkspaceSettings().rules.positive_threshold is None


def test_settings_of_an_older_version_keep_their_defaults(tmp_path: Path):
    (tmp_path / "visrec.json").write_text('{"format": 1, "model": "ease"}', encoding="utf-8")
    assert WorkspaceSettings.read(tmp_path) == WorkspaceSettings(model="ease")


def test_a_newer_format_is_refused(tmp_path: Path):
    (tmp_path / "visrec.json").write_text(json.dumps({"format": 2, "soul": True}), encoding="utf-8")
    with pytest.raises(WorkspaceError, match="newer visrec"):
        WorkspaceSettings.read(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b'{"format": "1"}', b'{"format": 1, "modell": "ease"}', b"\xff\xfe", b"null"],
)
def test_damage_is_refused_by_name(content, tmp_path: Path):
    (tmp_path / "visrec.json").write_bytes(content)
    with pytest.raises(WorkspaceError, match=r"visrec\.json is damaged"):
        WorkspaceSettings.read(tmp_path)


def test_a_lost_file_is_damage(tmp_path: Path):
    with pytest.raises(WorkspaceError, match="damaged"):
        WorkspaceSettings.read(tmp_path)
