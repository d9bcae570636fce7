import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from visrec.core.artifacts import (
    current_version,
    load_artifact,
    save_artifact,
    use_version,
    versions_of,
    write_atomic,
)
from visrec.core.errors import NotFoundError, WorkspaceError

SETTINGS = {"power": 2.0, "item_ids": ["007", "商品/1", "a b"], "nested": {"none": None, "flags": [True, False]}}


def arrays():
    generator = np.random.default_rng(0)
    return {
        "weights": generator.normal(size=(4, 3)).astype(np.float32),
        "mean.image": np.array([1.5, np.nan, -0.0], dtype=np.float32),
        "rows": np.arange(5, dtype=np.int64),
        "transposed": np.asfortranarray(generator.normal(size=(3, 2))),
        "empty": np.zeros((0, 7), dtype=np.float32),
        "flags": np.array([True, False]),
    }


def contents(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_what_is_saved_is_loaded(tmp_path):
    folder = tmp_path / "models" / "商 店"
    assert save_artifact(folder, SETTINGS, arrays()) == "0001"
    settings, loaded = load_artifact(folder)
    assert settings == SETTINGS
    assert list(loaded) == list(arrays())
    for name, array in arrays().items():
        np.testing.assert_array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype
    assert contents(folder) == ["0001", "current"]


def test_loaded_arrays_are_mapped_and_cannot_change_the_files(tmp_path):
    save_artifact(tmp_path, {}, arrays())
    weights = load_artifact(tmp_path)[1]["weights"]
    assert isinstance(weights, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        weights[0, 0] = 1


def test_a_new_version_is_switched_in_and_the_two_newest_are_kept(tmp_path):
    versions = [save_artifact(tmp_path, {"n": n}, {"a": np.full(2, n)}) for n in range(1, 5)]
    assert versions == ["0001", "0002", "0003", "0004"]
    assert contents(tmp_path) == ["0003", "0004", "current"]
    settings, loaded = load_artifact(tmp_path)
    assert settings == {"n": 4}
    assert loaded["a"].tolist() == [4, 4]


def test_keep_says_how_many_stay(tmp_path):
    for n in range(5):
        save_artifact(tmp_path, {"n": n}, {}, keep=3)
    assert contents(tmp_path) == ["0003", "0004", "0005", "current"]


def test_one_goes_back_to_a_version_and_it_outlives_the_next_save(tmp_path):
    for n in (1, 2):
        save_artifact(tmp_path, {"n": n}, {"a": np.full(2, n)})
    use_version(tmp_path, "0001")
    assert (current_version(tmp_path), versions_of(tmp_path)) == ("0001", ["0001", "0002"])
    assert load_artifact(tmp_path)[0] == {"n": 1}
    assert load_artifact(tmp_path, "0002")[0] == {"n": 2}
    # 0002 was bad, or nobody would have gone back: what is kept beside the new one is what was in use.
    save_artifact(tmp_path, {"n": 3}, {"a": np.full(2, 3)})
    assert (current_version(tmp_path), versions_of(tmp_path)) == ("0003", ["0001", "0003"])
    with pytest.raises(NotFoundError, match=r"no version '0002' \(there are: 0001, 0003\)"):
        use_version(tmp_path, "0002")
    assert current_version(tmp_path) == "0003"


def test_nothing_saved_has_no_versions(tmp_path):
    assert versions_of(tmp_path / "none") == []
    with pytest.raises(NotFoundError, match="Nothing was saved"):
        current_version(tmp_path / "none")
    with pytest.raises(NotFoundError, match="there are: none"):
        use_version(tmp_path / "none", "0001")


def test_versions_are_numbers_not_words(tmp_path):
    save_artifact(tmp_path, {"n": 0}, {})
    (tmp_path / "0001").rename(tmp_path / "9999")
    write_atomic(tmp_path / "current", b"9999")
    assert [save_artifact(tmp_path, {"n": n}, {}) for n in (1, 2, 3)] == ["10000", "10001", "10002"]
    assert contents(tmp_path) == ["10001", "10002", "current"]
    assert load_artifact(tmp_path)[0] == {"n": 3}


def test_a_save_killed_while_writing_leaves_the_old_version(tmp_path):
    save_artifact(tmp_path, {"n": 1}, {"a": np.ones(2)})
    orphan = tmp_path / ".building-1"
    orphan.mkdir()
    (orphan / "a.npy").write_bytes(b"half an arr")
    os.utime(orphan, (0, 0))
    assert load_artifact(tmp_path)[0] == {"n": 1}
    assert save_artifact(tmp_path, {"n": 2}, {"a": np.ones(2)}) == "0002"
    assert load_artifact(tmp_path)[0] == {"n": 2}
    assert contents(tmp_path) == ["0001", "0002", "current"]


def test_a_save_killed_before_the_switch_leaves_the_old_version(tmp_path, monkeypatch):
    save_artifact(tmp_path, {"n": 1}, {"a": np.ones(2)})

    class Killed(BaseException):
        pass

    def killed(path, data):
        if path.name == "current":
            raise Killed
        write_atomic(path, data)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("visrec.core.artifacts.write_atomic", killed)
        save_artifact(tmp_path, {"n": 2}, {"a": np.zeros(2)})
    settings, loaded = load_artifact(tmp_path)
    assert settings == {"n": 1}
    assert loaded["a"].tolist() == [1, 1]
    save_artifact(tmp_path, {"n": 3}, {})
    assert load_artifact(tmp_path)[0] == {"n": 3}


def test_an_array_that_cannot_be_stored_changes_nothing(tmp_path):
    save_artifact(tmp_path, {"n": 1}, {"a": np.ones(2)})
    with pytest.raises(ValueError, match="pickle"):
        save_artifact(tmp_path, {"n": 2}, {"a": np.array([{}], dtype=object)})
    assert load_artifact(tmp_path)[0] == {"n": 1}


def damage_array(home):
    data = bytearray((home / "weights.npy").read_bytes())
    data[-1] ^= 1
    (home / "weights.npy").write_bytes(data)


DAMAGES = {
    "one bit of an array": damage_array,
    "a cut array": lambda home: (home / "weights.npy").write_bytes((home / "weights.npy").read_bytes()[:-4]),
    "a lost array": lambda home: (home / "weights.npy").unlink(),
    "a lost manifest": lambda home: (home / "manifest.json").unlink(),
    "a cut manifest": lambda home: (home / "manifest.json").write_text('{"format": 1, "sett'),
    "a manifest of another shape": lambda home: (home / "manifest.json").write_text("[1]"),
    "a manifest without arrays": lambda home: (home / "manifest.json").write_text('{"format": 1, "settings": {}}'),
    "a manifest that is no text": lambda home: (home / "manifest.json").write_bytes(b"\xff\xfe\x00"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_is_refused_and_says_what_to_do(damage, tmp_path):
    save_artifact(tmp_path, SETTINGS, arrays())
    damage(tmp_path / "0001")
    with pytest.raises(WorkspaceError, match=r"damaged.*Train again"):
        load_artifact(tmp_path)


def test_a_newer_format_is_refused(tmp_path):
    save_artifact(tmp_path, {}, {})
    manifest = tmp_path / "0001" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 2}))
    with pytest.raises(WorkspaceError, match="newer visrec"):
        load_artifact(tmp_path)


def test_nothing_saved(tmp_path):
    with pytest.raises(NotFoundError):
        load_artifact(tmp_path / "absent")


def test_reading_does_not_depend_on_the_locale(tmp_path):
    save_artifact(tmp_path, SETTINGS, arrays())
    # Python warns, here raises, where a file is opened in whatever encoding the machine happens to have.
    code = "import sys, pathlib, visrec.core.artifacts as a; a.load_artifact(pathlib.Path(sys.argv[1]))"
    options = ["-X", "warn_default_encoding", "-W", "error::EncodingWarning"]
    command = [sys.executable, *options, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_write_atomic_replaces_and_leaves_nothing_behind(tmp_path, monkeypatch):
    path = tmp_path / "new folder" / "file"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert contents(path.parent) == ["file"]

    def full(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, b"three")
    assert path.read_bytes() == b"two"
    assert contents(path.parent) == ["file"]


def test_a_folder_that_another_process_is_still_writing_is_left_alone(tmp_path):
    (tmp_path / ".building-1").mkdir()
    save_artifact(tmp_path, SETTINGS, arrays())
    assert (tmp_path / ".building-1").is_dir()


def test_two_saves_at_once_get_two_versions(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(lambda n: save_artifact(tmp_path, {"n": n}, {}, keep=9), range(4)))
    assert sorted(versions) == ["0001", "0002", "0003", "0004"]
    assert load_artifact(tmp_path)[0]["n"] in range(4)
