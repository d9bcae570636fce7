"""Command about reasons: explain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visrec.cli.options import AsJson, Shop
from visrec.cli.output import print_json, say, write
from visrec.core.errors import InputError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from visrec.explanation.explanation import Explanation
    from visrec.workspace.explain import Regions
    from visrec.workspace.workspace import Workspace

__all__ = ["register"]

#: Past items and attributes that are printed.
_SHOWN = 8


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(explain)


def explain(
    shop: Shop,
    item: Annotated[str, typer.Option("--item", help="Item id.")],
    user: Annotated[str | None, typer.Option("--user", help="User id.")] = None,
    similar_to: Annotated[
        str | None, typer.Option("--similar-to", help="Instead of --user: in which regions is it like this item?")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="A trained model; default: the one in use.")] = None,
    regions: Annotated[
        list[str] | None,
        typer.Option("--regions", help="Which regions of the picture count: lime, shap or occlusion; repeatable."),
    ] = None,
    samples: Annotated[int, typer.Option("--samples", help="Pictures with hidden regions: lime and shap.")] = 500,
    as_json: AsJson = False,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Write it all as one picture, a .png file.", readable=False)
    ] = None,
) -> None:
    """Say why an item has its score for a user: past items, attributes, regions of its picture, and one sentence."""
    from visrec.workspace.workspace import Workspace

    if (user is None) == (similar_to is None):
        raise InputError("Expected either --user ID or --similar-to ID.")
    if picture is not None:
        from visrec.workspace.sheets import check_sheet

        check_sheet(picture)
    workspace = Workspace.open(shop)
    workspace.require_items()
    if similar_to is not None:
        _compare(workspace, item, similar_to, (regions or ["shap"])[0], samples, as_json, picture)
        return
    found = workspace.explanations.explain(str(user), item, model)
    maps, note = _maps(workspace, found, regions, samples, model, wanted=picture is not None)
    if as_json:
        print_json({**found.to_json(), **({"regions": [one.to_json() for one in maps]} if maps else {})})
    else:
        _show(found)
        _show_maps(maps)
    if picture is not None:
        from visrec.workspace.explanation_sheet import write_explanation_sheet

        write_explanation_sheet(workspace, found, picture, maps, note)
        say(f"Picture: {picture}")


def _maps(
    workspace: Workspace, found: Explanation, methods: list[str] | None, samples: int, model: str | None, wanted: bool
) -> tuple[list[Regions], str]:
    """The maps that were asked for, or for a picture one; and why there is none, where none can be."""
    told = workspace.explanations
    if methods:
        return [told.regions(found.user_id, found.item_id, one, model, samples) for one in methods], ""
    if not wanted:
        return [], ""
    try:
        return [told.regions(found.user_id, found.item_id, "shap", model, samples)], ""
    except UnsupportedError as error:
        say(f"Without regions: {error}")
        return [], f"Without regions: {error}"


def _compare(
    workspace: Workspace, item: str, other: str, method: str, samples: int, as_json: bool, picture: Path | None
) -> None:
    found = workspace.explanations.matching_regions(item, other, method, samples)
    if as_json:
        print_json({"item_id": item, "similar_to": other, "regions": [one.to_json() for one in found]})
    else:
        _show_maps(found)
    if picture is not None:
        from visrec.workspace.explanation_sheet import write_matching_sheet

        write_matching_sheet(workspace, found, picture)
        say(f"Picture: {picture}")


def _show_maps(maps: Sequence[Regions]) -> None:
    for one in maps:
        write(f"{one.item_id}, {one.map.method}: {one.map.hidden:.3g} with all hidden, {one.map.whole:.3g} as it is")
        for region in one.map.to_json(5)["regions"]:
            left, top, right, bottom = region["box"]
            place = f"{left:.0%}-{right:.0%} from the left, {top:.0%}-{bottom:.0%} from the top"
            write(f"{region['weight']:+9.2g}  {place}")


def _show(found: Explanation) -> None:
    title = f" ({found.title})" if found.title else ""
    write(f"{found.item_id}{title} for {found.user_id}: score {found.score:.3g} by {found.model}")
    write(found.sentence["en"])
    write(found.sentence["zh"])
    write(f"{found.base:+9.3g}  base: what no past item adds")
    for past in found.history[:_SHOWN]:
        feeling = "" if past.liked else "  (not liked)"
        write(f"{past.contribution:+9.3g}  {past.item_id}  {past.title}{feeling}".rstrip())
    rest = found.history[_SHOWN:]
    if rest:
        write(f"{sum(past.contribution for past in rest):+9.3g}  {len(rest)} other past items")
    for reason in found.attributes:
        write(f"{reason.contribution:+9.3g}  {reason.name} {reason.value}")
    if found.evidence.attributes_r2 is not None:
        share = max(found.evidence.attributes_r2, 0.0)
        write(f"Attributes account for {share:.0%} of how this user's scores differ; they are no parts of the score.")
