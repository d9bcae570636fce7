"""An explanation as one picture: the item, the regions that count, past items with what they add, the sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from visrec.core.settings import ImageLimits
from visrec.images.decode import decode
from visrec.images.overlay import overlay
from visrec.images.sheet import Section, Tile, contact_sheet

if TYPE_CHECKING:
    from visrec.explanation.explanation import Explanation
    from visrec.workspace.explain import Regions
    from visrec.workspace.workspace import Workspace

__all__ = ["write_explanation_sheet", "write_matching_sheet"]

_PAST, _COLUMNS, _TILE = 6, 6, 190
_LEGEND = "red raises, blue lowers"


def write_explanation_sheet(
    shop: Workspace, found: Explanation, path: Path, regions: Sequence[Regions] = (), note: str = ""
) -> None:
    """Write an explanation as a contact sheet.

    Args:
        shop: where the pictures are.
        found: of `shop.explanations.explain`.
        path: a .png file.
        regions: of `shop.explanations.regions`, one for each method to show.
        note: a further paragraph, such as why no regions are shown.
    """
    from visrec.workspace.sheets import picture_files

    past = found.history[:_PAST]
    files = picture_files(shop, {found.item_id, *(item.item_id for item in past)})
    drawn, tiles = _region_tiles(regions)
    item = Tile(files.get(found.item_id), found.title or found.item_id, f"score {found.score:.3g} by {found.model}")
    told = [
        Tile(files.get(one.item_id), one.title or one.item_id, f"{one.contribution:+.3g}" + _feeling(one.liked))
        for one in past
    ]
    words = ", ".join(f"{one.value} {one.contribution:+.2g}" for one in found.attributes[:5])
    text = [
        found.sentence["en"],
        found.sentence["zh"],
        *([f"Attributes: {words}"] if words else []),
        *filter(None, [note]),
    ]
    sections = [Section("The item", [item, *tiles])]
    heading = f"Past items that add most ({len(found.history)} in all, base {found.base:+.3g})"
    sections.append(Section(heading, told))
    title = f"Why {found.title or found.item_id}, for {found.user_id}?"
    read = partial(_read, drawn)
    contact_sheet(sections, path, title=title, text=text, columns=_COLUMNS, tile=_TILE, read=read)


def write_matching_sheet(shop: Workspace, found: Sequence[Regions], path: Path) -> None:
    """Write two pictures with the regions in which they match, of `shop.explanations.matching_regions`."""
    from visrec.workspace.sheets import picture_files

    files = picture_files(shop, {one.item_id for one in found})
    titles = {shop.item_features().item_ids[row]: title for row, title in shop.titles().items()}
    drawn, tiles = _region_tiles(found)
    shown = []
    for one, tile in zip(found, tiles, strict=True):
        shown += [Tile(files.get(one.item_id), titles.get(one.item_id, one.item_id)), tile]
    contact_sheet(
        [Section("What makes them alike", shown)], path, title="Alike", columns=4, tile=260, read=partial(_read, drawn)
    )


def _feeling(liked: bool) -> str:
    return "" if liked else " (not liked)"


def _region_tiles(regions: Sequence[Regions]) -> tuple[dict[Path, Image.Image], list[Tile]]:
    """Maps drawn over their pictures, under names that stand for them, and their tiles."""
    drawn = {Path(f"region map {number}"): overlay(r.picture.pixels, r.map.heat()) for number, r in enumerate(regions)}
    tiles = [Tile(name, f"regions by {one.map.method}", _LEGEND) for name, one in zip(drawn, regions, strict=True)]
    return drawn, tiles


def _read(drawn: Mapping[Path, Image.Image], path: Path) -> Image.Image:
    return drawn[path] if path in drawn else decode(path.read_bytes(), ImageLimits(), 2 * _TILE)
