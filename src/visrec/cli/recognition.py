"""Commands about what is seen in the pictures: recognize, attributes, duplicates."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from visrec.cli.options import AsJson, Sheet, Shop, Where
from visrec.cli.output import print_json, say, write
from visrec.cli.progress import show_progress

if TYPE_CHECKING:
    from visrec.core.attributes import AttributeColumn

__all__ = ["register"]

_MOST = 12
_ID_WIDTH = 16


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(recognize)
    app.command()(attributes)
    app.command()(duplicates)


def recognize(
    shop: Shop,
    faces: Annotated[
        bool,
        typer.Option("--faces", help="Look for faces too, from now on in this shop; fetches 7 MB once. No identities."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """See what is in the pictures that were not looked at yet. An interrupted run goes on where it stopped."""
    from visrec.workspace.workspace import Workspace

    workspace = Workspace.open(shop)
    report = workspace.attributes.recognize(faces=faces, progress=show_progress, say=say)
    counts = {name: _counts(column) for name, column in workspace.attributes.columns().items()}
    if as_json:
        print_json(
            {
                "new": report.n_new,
                "known": report.n_known,
                "seconds": round(report.seconds, 3),
                "failures": [{"item_id": item_id, "reason": reason} for item_id, reason in report.failures],
                "attributes": counts,
            }
        )
        return
    write(report.summary())
    for name, count in counts.items():
        shown = ", ".join(f"{value} {n:,}" for value, n in list(count.items())[:_MOST])
        write(f"  {name}: {shown}{' …' if len(count) > _MOST else ''}")


def attributes(
    shop: Shop,
    item: Annotated[list[str] | None, typer.Option("--item", help="Of these items. Repeatable; default: all.")] = None,
    where: Where = None,
    k: Annotated[int | None, typer.Option("-k", help="Only so many items, evenly spread.")] = None,
    as_json: AsJson = False,
    sheet: Sheet = None,
) -> None:
    """Show what was seen in the items' pictures, with confidences."""
    from visrec.core.attributes import in_words
    from visrec.workspace.sheets import check_sheet, write_attribute_sheet
    from visrec.workspace.workspace import Workspace

    if sheet is not None:
        check_sheet(sheet)
    workspace = Workspace.open(shop)
    seen = workspace.attributes.of(workspace.attributes.selected(item, where, k))
    if sheet is not None:
        write_attribute_sheet(workspace, seen, sheet)
    for item_id, found in seen.items():
        if as_json:
            print_json({"item_id": item_id, "attributes": [attribute.to_json() for attribute in found]})
        else:
            words = "; ".join(f"{name} {value}" for name, value in in_words(found).items())
            write(f"{item_id:{_ID_WIDTH}}  {words or 'nothing seen'}")


def duplicates(shop: Shop, as_json: AsJson = False, sheet: Sheet = None) -> None:
    """List items that show one picture: the very same file, or a copy of another size or compression."""
    from visrec.workspace.sheets import check_sheet, write_duplicate_sheet
    from visrec.workspace.workspace import Workspace

    if sheet is not None:
        check_sheet(sheet)
    workspace = Workspace.open(shop)
    groups = workspace.attributes.duplicates()
    if sheet is not None:
        write_duplicate_sheet(workspace, groups, sheet)
    if as_json:
        print_json({"groups": [group.to_json() for group in groups]})
        return
    for group in groups:
        how = "same file" if group.same_file else f"near, {group.similarity:.3f}"
        write(f"{how:12}  {'  '.join(group.item_ids)}")
    write(f"{len(groups):,} pictures that several items show.")


def _counts(column: AttributeColumn) -> dict[str, int]:
    counted = Counter(column.label.tolist())
    return {column.labels[label]: n for label, n in counted.most_common()}
