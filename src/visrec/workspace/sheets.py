"""Rankings as pictures: contact sheets of what was liked and what was recommended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import ImageColor

from visrec.core.attributes import Attribute, in_words
from visrec.core.errors import InputError
from visrec.core.ranking import Ranking
from visrec.images.sheet import Section, Tile, contact_sheet
from visrec.workspace.duplicates import DuplicateGroup
from visrec.workspace.workspace import Workspace

if TYPE_CHECKING:
    from visrec.taste.profile import Interest, TasteProfile

__all__ = [
    "check_sheet",
    "picture_files",
    "write_attribute_sheet",
    "write_duplicate_sheet",
    "write_label_sheet",
    "write_profile_sheet",
    "write_sheet",
]

_PER_INTEREST = 6
#: Attributes that a sheet shows first.
_FOREMOST = ("colour", "pattern", "object", "group", "kind")


def check_sheet(path: Path) -> None:
    """Refuse a file that no sheet can be written to, before anything is computed.

    Raises:
        InputError: unless it is named ….png, is no folder, and lies in one or can get one.
    """
    if path.suffix.lower() != ".png" or path.is_dir():
        raise InputError(f"Expected a file named ….png for the contact sheet, got {str(path)!r}.")
    lowest = next(folder for folder in path.parents if folder.exists())
    if not lowest.is_dir():
        raise InputError(f"Expected a folder for the contact sheet, got the file {lowest}.")


def write_sheet(
    shop: Workspace,
    ranking: Ranking,
    path: Path,
    *,
    title: str,
    examples: Sequence[tuple[str, Sequence[str | Path]]] = (),
    heading: str = "Recommended",
) -> None:
    """Write a contact sheet: sections of examples, then the ranked items with source and score.

    Args:
        shop: where titles and pictures are.
        ranking: the ranked items.
        path: a .png file.
        title: above everything.
        examples: (heading, item ids or picture files) of the sections above the ranking.
        heading: above the ranked items.
    """
    ids = [example for _, group in examples for example in group if isinstance(example, str)]
    files = picture_files(shop, {*ids, *ranking.item_ids})
    titles = _titles(shop)
    sections = [
        Section(name, [_example(example, files, titles) for example in group]) for name, group in examples if group
    ]
    ranked = [
        Tile(files.get(item.item_id), item.title or item.item_id, f"{item.rank}. {item.source} {item.score:.2f}")
        for item in ranking.items
    ]
    contact_sheet([*sections, Section(heading, ranked)], path, title=title)


def write_attribute_sheet(shop: Workspace, seen: Mapping[str, Sequence[Attribute]], path: Path) -> None:
    """Write a contact sheet of items with what was seen in their pictures."""
    files = picture_files(shop, set(seen))
    tiles = []
    for item_id, found in seen.items():
        words = in_words(found)
        foremost = dict.fromkeys(words.pop(name) for name in _FOREMOST if name in words)
        tiles.append(Tile(files.get(item_id), ", ".join(foremost) or "nothing seen", "; ".join(words.values())))
    contact_sheet([Section("", tiles)], path, title=f"Seen in the pictures of {shop.root.name}", columns=5, tile=260)


def write_profile_sheet(shop: Workspace, profile: TasteProfile, path: Path) -> None:
    """Write a contact sheet of a taste profile: a row of typical pictures for each interest, then what is avoided.

    Args:
        shop: where titles and pictures are.
        profile: of `Workspace.profile`.
        path: a .png file.
    """
    groups = [*profile.interests, *profile.avoids]
    files = picture_files(shop, {item_id for group in groups for item_id in group.typical(_PER_INTEREST)})
    titles = _titles(shop)

    def section(heading: str, group: Interest, share: float | None = None) -> Section:
        tiles = [_example(item_id, files, titles) for item_id in group.typical(_PER_INTEREST)]
        words = " · ".join(map(str, group.words)) or "alike in look"
        return Section(f"{heading}: {words}", tiles, share, _colours(group))

    sections = [section(f"{one.number}. {one.weight:.0%}", one, one.weight) for one in profile.interests]
    sections += [section("Avoids", avoided) for avoided in profile.avoids]
    title = f"Taste of {profile.user_id}: {profile.n_liked} liked, sureness {profile.confidence:.0%}"
    contact_sheet(sections or [Section(profile.note, ())], path, title=title, columns=_PER_INTEREST, tile=150)


def _colours(group: Interest) -> list[tuple[int, int, int]]:
    """The palette where colours were recognised, else those words that name a colour, as colours."""
    from visrec.recognition.colour_names import colour_of

    found = []
    for word in group.palette or group.words:
        colour = colour_of(word.value)
        if colour is None:
            # What is no colour's name is no error here: columns are the shop's own.
            with suppress(ValueError):
                colour = ImageColor.getrgb(word.value.lower().replace(" ", ""))[:3]
        if colour is not None:
            found.append(colour)
    return found


def _titles(shop: Workspace) -> dict[str, str]:
    item_ids = shop.item_features().item_ids
    return {item_ids[row]: title for row, title in shop.titles().items()}


def write_duplicate_sheet(shop: Workspace, groups: Sequence[DuplicateGroup], path: Path) -> None:
    """Write a contact sheet of items that show one picture, a group after the other."""
    files = picture_files(shop, {item_id for group in groups for item_id in group.item_ids})
    tiles = [
        Tile(files.get(item_id), item_id, f"group {number}: {'same file' if group.same_file else 'near'}")
        for number, group in enumerate(groups, start=1)
        for item_id in group.item_ids
    ]
    contact_sheet([Section("", tiles)], path, title=f"Pictures that {shop.root.name} has more than once")


def write_label_sheet(shop: Workspace, proposed: Mapping[str, Attribute], path: Path) -> None:
    """Write a contact sheet of items to label next, each with its id and what is proposed for it."""
    files = picture_files(shop, set(proposed))
    tiles = [
        Tile(files.get(item_id), item_id, f"{one.name} {one.value}? {one.confidence:.2f}")
        for item_id, one in proposed.items()
    ]
    contact_sheet([Section("Label these next", tiles)], path, title=f"Labels of {shop.root.name}")


def picture_files(shop: Workspace, item_ids: set[str]) -> dict[str, Path]:
    """Item id -> file of its first picture, of the items that have one."""
    images = shop.catalogue.images()
    paths: dict[str, Path] = {}
    for item_id, path in zip(images.column("item_id").to_pylist(), images.column("path").to_pylist(), strict=True):
        if item_id in item_ids:
            paths.setdefault(item_id, Path(path))
    return paths


def _example(example: str | Path, files: dict[str, Path], titles: Mapping[str, str]) -> Tile:
    if isinstance(example, Path):
        return Tile(example, example.name)
    return Tile(files.get(example), titles.get(example, example))
