"""Files read into a workspace that is there or is made for them; one made in vain is taken away again."""

from __future__ import annotations

import shutil
from pathlib import Path

from visrec.catalogue.catalogue import Catalogue
from visrec.catalogue.report import IngestReport
from visrec.core.errors import InputError
from visrec.core.progress import ProgressFactory, silent
from visrec.core.settings import FeedbackRules
from visrec.workspace.workspace import Workspace

__all__ = ["ingest_into"]


def ingest_into(
    root: str | Path,
    *,
    items: str | Path | None = None,
    images: str | Path | None = None,
    interactions: str | Path | None = None,
    positive_threshold: float | None = None,
    progress: ProgressFactory = silent,
) -> tuple[Workspace, IngestReport]:
    """Open a workspace, or make one, and read files into it.

    Args:
        root: the workspace.
        items: see `Workspace.ingest`.
        images: see `Workspace.ingest`.
        interactions: see `Workspace.ingest`.
        positive_threshold: replaces the stored one once the files are in; None leaves it.
        progress: shows progress.

    Raises:
        InputError: when a file cannot be used as a whole, or none is given; nothing was changed, nothing was made.
    """
    root = Path(root)
    if items is None and images is None and interactions is None:
        raise InputError("Expected at least one of --items, --images and --interactions, got none.")
    # Refused now, not after the files were read.
    FeedbackRules(positive_threshold)
    files = {"items": items, "images": images, "interactions": interactions}
    if Catalogue.exists(root):
        shop = Workspace.open(root)
        report = shop.ingest(**files, progress=progress)
        if positive_threshold is not None:
            shop.set_positive_threshold(positive_threshold)
        return shop, report
    absent = [folder for folder in (root / "catalogue", root, *root.parents) if not folder.exists()]
    try:
        shop = Workspace.create(root, positive_threshold=positive_threshold)
        return shop, shop.ingest(**files, progress=progress)
    except BaseException:
        _take_away(root, absent)
        raise


def _take_away(root: Path, made: list[Path]) -> None:
    """Undo `Workspace.create`: its files, and the folders that were not there before, the innermost first."""
    if not root.is_dir():
        return
    if root / "catalogue" in made:
        shutil.rmtree(root / "catalogue", ignore_errors=True)
    (root / "catalogue" / "snapshot.json").unlink(missing_ok=True)
    (root / "visrec.json").unlink(missing_ok=True)
    for folder in made:
        try:
            folder.rmdir()
        except OSError:
            # Gone already, or somebody else has put something into it.
            continue
