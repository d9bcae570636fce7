"""Items that come one at a time, with their pictures: stored, embedded and looked at in one go."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visrec.core.artifacts import write_atomic
from visrec.core.errors import ImageError, InputError
from visrec.images.decode import inspect

if TYPE_CHECKING:
    from visrec.workspace.workspace import Workspace

__all__ = ["PutReport", "put_items"]

_EXTENSIONS = {"JPEG": "jpg", "MPO": "jpg", "JPEG2000": "jp2"}


@dataclass(frozen=True)
class PutReport:
    """What became of the items.

    Attributes:
        new: how many were added.
        updated: how many were changed.
        unchanged: how many were as they are already.
        not_embedded: item_id -> why its picture has no embedding, of the items that were given one.
    """

    new: int
    updated: int
    unchanged: int
    not_embedded: Mapping[str, str]


def put_items(shop: Workspace, rows: Sequence[Mapping[str, Any]], pictures: Mapping[str, bytes]) -> PutReport:
    """Add items or change them, all or none; then embed what is new with the encoders in use.

    Args:
        shop: where to.
        rows: item_id and any columns; a column that a row does not name keeps its value.
        pictures: item_id of one of the rows -> its picture from now on, a whole image file. Files are kept in
            SHOP/uploads, named by their content.

    Raises:
        InputError: when a row or a picture cannot be used; nothing was changed.
        WorkspaceError: when another process is writing; nothing was changed.
        WeightsError: when the items are stored, but an encoder's weights cannot be had: encode later.
    """
    # Not as sets: an id that is no text, which is refused below, may not be hashable.
    strangers = [item_id for item_id in pictures if all(row.get("item_id") != item_id for row in rows)]
    if strangers:
        raise InputError(f"Expected pictures of the items given, got one of {strangers[0]!r}.")
    looks = partial(inspect, limits=shop.limits)
    files = {item_id: [_keep(shop, item_id, data)] for item_id, data in pictures.items()}
    counts = shop.catalogue.put_items(rows, files, looks)
    failed: dict[str, str] = {}
    for report in shop.encode_new():
        failed |= dict(report.failures)
    shop.attributes.recognize_new()
    not_embedded = {item_id: failed[item_id] for item_id in files if item_id in failed}
    return PutReport(counts.new, counts.updated, counts.unchanged, not_embedded)


def _keep(shop: Workspace, item_id: str, data: bytes) -> Path:
    try:
        facts = inspect(data, shop.limits)
    except ImageError as error:
        raise InputError(f"The picture of item {item_id!r} cannot be used: {error}. Nothing was changed.") from error
    extension = _EXTENSIONS.get(facts.format, facts.format.lower())
    file = (shop.root / "uploads" / f"{hashlib.sha256(data).hexdigest()}.{extension}").resolve()
    if not file.exists():
        write_atomic(file, data)
    return file
