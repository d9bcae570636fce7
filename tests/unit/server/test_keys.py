"""Keys: made once, stored as hashes, ranked by role."""

from __future__ import annotations

import hashlib
import json
import stat

import pytest

from visrec.core.errors import InputError, NotFoundError, WorkspaceError
from visrec.server.keys import Keys


def test_a_key_is_shown_once_and_only_its_hash_is_kept(tmp_path):
    secret = Keys(tmp_path).add("shop front", "write")
    stored = (tmp_path / "keys.json").read_text()
    assert secret not in stored
    assert hashlib.sha256(secret.encode()).hexdigest() in stored
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert len(secret) > 40


def test_a_key_is_known_again_with_its_name_and_role(tmp_path):
    keys = Keys(tmp_path)
    secret, other = keys.add("a", "write"), keys.add("b", "read")
    assert keys.of(secret).name == "a"
    assert keys.of(other).name == "b"
    assert keys.of(secret + "x") is None
    assert keys.of("") is None
    assert keys.of("\ud800") is None


@pytest.mark.parametrize(
    ("role", "may"),
    [("read", [True, False, False]), ("write", [True, True, False]), ("admin", [True, True, True])],
)
def test_a_role_may_what_those_before_it_may(role, may, tmp_path):
    keys = Keys(tmp_path)
    key = keys.of(keys.add("a", role))
    assert [key.may(wanted) for wanted in ("read", "write", "admin")] == may


def test_what_another_process_adds_or_removes_is_seen(tmp_path):
    server, command = Keys(tmp_path), Keys(tmp_path)
    assert server.all() == ()
    secret = command.add("a", "read")
    assert server.of(secret) is not None
    command.remove("a")
    assert server.of(secret) is None


def test_wrong_requests_are_named(tmp_path):
    keys = Keys(tmp_path)
    keys.add("a", "read")
    with pytest.raises(InputError, match="named 'a' already"):
        keys.add("a", "read")
    with pytest.raises(InputError, match="role out of read, write, admin, got 'root'"):
        keys.add("b", "root")
    with pytest.raises(InputError, match="a name for the key"):
        keys.add(" ", "read")
    with pytest.raises(NotFoundError, match=r"no key 'b' \(there are: a\)"):
        keys.remove("b")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"keys": [{"name": 1}]}', '{"keys": [{"name": "a", "role": "x", "sha256": "", "created": 0}]}']
)
def test_a_damaged_file_lets_nobody_in(text, tmp_path):
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(WorkspaceError, match="is damaged"):
        Keys(tmp_path).of("anything")


def test_the_file_is_json(tmp_path):
    Keys(tmp_path).add("a", "read")
    assert json.loads((tmp_path / "keys.json").read_text())["format"] == 1
