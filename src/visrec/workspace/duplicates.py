"""Items that show one picture: the very same file, or nearly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from visrec.catalogue.catalogue import Catalogue
from visrec.core.errors import ImageError, NotFittedError
from visrec.core.settings import ImageLimits
from visrec.encoders.pipeline import read_picture
from visrec.images.decode import decode
from visrec.workspace.assemble import unit_rows
from visrec.workspace.recognize import Recognizers

__all__ = ["DuplicateGroup", "find_duplicates"]

#: Pixels of the shorter side that a file is decoded with.
_AT_LEAST = 64


@dataclass(frozen=True)
class DuplicateGroup:
    """Items that show one picture.

    Attributes:
        item_ids: two or more, in the catalogue's order.
        same_file: whether all their pictures have the same bytes.
        similarity: the lowest cosine of a pair that holds the group together; 1 for the same file.
    """

    item_ids: tuple[str, ...]
    same_file: bool
    similarity: float

    def to_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "item_ids": list(self.item_ids),
            "same_file": self.same_file,
            "similarity": round(self.similarity, 4),
        }


def find_duplicates(
    catalogue: Catalogue, recognizers: Recognizers, limits: ImageLimits, item_ids: Sequence[str], keys: Sequence[str]
) -> list[DuplicateGroup]:
    """Group items whose pictures are copies of each other; a chain of copies is one group.

    Args:
        catalogue: where measurements and embeddings are.
        recognizers: made the measurements.
        limits: what an image may cost; the files of likely copies are read once more.
        item_ids: of n items with a picture.
        keys: hashes of the files of their pictures.

    Returns:
        Groups in the order of their first items.

    Raises:
        NotFittedError: before `recognize`.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    from visrec.recognition.duplicates import likely_pairs

    info = recognizers.appearance.info
    if not catalogue.measurements.version(info.feature_set):
        raise NotFittedError("No picture was looked at yet. Run: visrec recognize SHOP")
    # Files with the same bytes are one picture from here on.
    pictures = list(dict.fromkeys(keys))
    place = {key: number for number, key in enumerate(pictures)}
    measured, seen = catalogue.measurements.read(info.feature_set, pictures)
    embeddings, embedded = catalogue.features.read(recognizers.objects().source.feature_set, pictures)
    there = np.flatnonzero(seen & embedded)
    pairs, cosines = likely_pairs(recognizers.appearance.hashes(measured[there]), unit_rows(embeddings[there]))
    pairs = there[pairs]
    same = _have_same_pixels(catalogue, limits, pictures, pairs)
    (first, second), cosines = pairs[same].T, cosines[same]
    links = coo_array((np.ones(len(first)), (first, second)), shape=(len(pictures), len(pictures)))
    n_groups, group_of_picture = connected_components(links, directed=False)
    similarity = np.ones(n_groups, dtype=np.float32)
    np.minimum.at(similarity, group_of_picture[first], cosines)
    members: dict[int, list[int]] = {}
    for row, key in enumerate(keys):
        members.setdefault(int(group_of_picture[place[key]]), []).append(row)
    return [
        DuplicateGroup(
            tuple(item_ids[row] for row in rows), len({keys[row] for row in rows}) == 1, float(similarity[group])
        )
        for group, rows in members.items()
        if len(rows) > 1
    ]


def _have_same_pixels(
    catalogue: Catalogue, limits: ImageLimits, pictures: Sequence[str], pairs: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Whether the pixels of each pair agree; not where a file cannot be read any more. bool (n_pairs,)."""
    from visrec.recognition.duplicates import SAME_PIXELS, pixel_difference, thumbnail

    images = catalogue.images()
    files = dict(zip(images.column("sha256").to_pylist(), images.column("path").to_pylist(), strict=True))
    seen: dict[int, npt.NDArray[np.float32]] = {}
    for picture in np.unique(pairs).tolist():
        try:
            seen[picture] = thumbnail(decode(read_picture(Path(files[pictures[picture]]), limits), limits, _AT_LEAST))
        except ImageError:
            continue
    return np.array(
        [
            one in seen and two in seen and pixel_difference(seen[one], seen[two]) <= SAME_PIXELS
            for one, two in pairs.tolist()
        ],
        dtype=np.bool_,
    )
