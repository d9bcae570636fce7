"""Rankings as pictures: contact sheets of what was liked and what was recommended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from visrec.core.ranking import Ranking
from visrec.images.sheet import Section, Tile, contact_sheet
from visrec.workspace.workspace import Workspace

__all__ = ["write_sheet"]


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
    files = shop.image_paths([*ids, *ranking.item_ids])
    titles = shop.titles()
    sections = [
        Section(name, [_example(example, files, titles) for example in group]) for name, group in examples if group
    ]
    ranked = [
        Tile(files.get(item.item_id), item.title or item.item_id, f"{item.rank}. {item.source} {item.score:.2f}")
        for item in ranking.items
    ]
    contact_sheet([*sections, Section(heading, ranked)], path, title=title)


def _example(example: str | Path, files: dict[str, Path], titles: Mapping[str, str]) -> Tile:
    if isinstance(example, Path):
        return Tile(example, example.name)
    return Tile(files.get(example), titles.get(example, example))
