"""Commands about tastes: profile, quiz."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visrec.cli.options import AsJson, Sheet, Shop, TopK
from visrec.cli.output import print_json, print_ranking, say, write
from visrec.core.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from visrec.taste.compare import TasteComparison
    from visrec.taste.profile import Interest, TasteProfile
    from visrec.workspace.taste import Tastes
    from visrec.workspace.workspace import Workspace

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(profile)
    app.command()(quiz)


def profile(
    shop: Shop,
    user: Annotated[str | None, typer.Option("--user", help="Whose taste; with --import, who gets it.")] = None,
    half_life: Annotated[
        float | None, typer.Option("--half-life", help="An event so many days older than the last weighs half: 180.")
    ] = None,
    compare: Annotated[str | None, typer.Option("--compare", help="Compare with this user.")] = None,
    remove_interest: Annotated[
        int | None,
        typer.Option("--remove-interest", help="Take this interest out: its likes until now count as seen only."),
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Begin anew: all until now counts as seen only.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take back all removals and resets.")] = False,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write the taste to this .json file.", readable=False)
    ] = None,
    import_: Annotated[
        Path | None, typer.Option("--import", help="Add the taste in this file, of --export.", readable=False)
    ] = None,
    as_json: AsJson = False,
    sheet: Sheet = None,
) -> None:
    """Show what a user likes to look at: interests, words, typical pictures. Or compare, change, carry elsewhere."""
    from visrec.taste.settings import TasteSettings
    from visrec.workspace.workspace import Workspace

    changes = sum([remove_interest is not None, reset, undo, import_ is not None])
    if changes > 1:
        raise InputError("Expected one of --remove-interest, --reset, --undo and --import, got several.")
    if user is None and import_ is None:
        raise InputError("Expected --user ID.")
    if compare is not None and (changes or half_life is not None or sheet is not None or export is not None):
        raise InputError("--compare goes with --user and --json alone.")
    settings = TasteSettings() if half_life is None else TasteSettings(half_life_days=half_life)
    if sheet is not None:
        from visrec.workspace.sheets import check_sheet

        check_sheet(sheet)
    workspace = Workspace.open(shop)
    user_id = str(user) if import_ is None else _import(workspace, import_, user)
    if compare is not None:
        _show_comparison(workspace.tastes.compare(user_id, compare), as_json)
        return
    _change(workspace.tastes, user_id, remove_interest, reset, undo)
    found = workspace.tastes.profile(user_id, settings)
    _show(found, as_json)
    if sheet is not None:
        from visrec.workspace.sheets import write_profile_sheet

        write_profile_sheet(workspace, found, sheet)
        say(f"Picture: {sheet}")
    if export is not None:
        _export(workspace, user_id, export)


def quiz(
    shop: Shop,
    like: Annotated[list[str] | None, typer.Option("--like", help="Id of an item that is liked; repeatable.")] = None,
    dislike: Annotated[list[str] | None, typer.Option("--dislike", help="Id of one that is disliked.")] = None,
    skip: Annotated[list[str] | None, typer.Option("--skip", help="Id of one that is neither.")] = None,
    k: TopK = 6,
    as_json: AsJson = False,
    sheet: Sheet = None,
) -> None:
    """Choose the pictures that tell most about a new user's taste; with the answers, those to show next."""
    from visrec.workspace.workspace import Workspace

    if sheet is not None:
        from visrec.workspace.sheets import check_sheet

        check_sheet(sheet)
    workspace = Workspace.open(shop)
    found = workspace.quiz(like or (), dislike or (), skip or (), k)
    if as_json:
        print_json(found.to_json())
    else:
        print_ranking(found, "Which of these do you like?")
    if sheet is not None:
        from visrec.workspace.sheets import write_sheet

        liked = [("Liked", like)] if like else []
        write_sheet(workspace, found, sheet, title="Quiz", examples=liked, heading="Which of these do you like?")
        say(f"Picture: {sheet}")
    say(
        f"Answer with --like, --dislike and --skip in the same command. Then: visrec query {shop} with the likes and "
        f"dislikes, or visrec feedback {shop} --user NEW --item ID for each"
    )


def _change(tastes: Tastes, user_id: str, remove_interest: int | None, reset: bool, undo: bool) -> None:
    """What is asked for of the three, and how to take it back."""
    if remove_interest is not None:
        tastes.remove_interest(user_id, remove_interest)
        say(f"Removed: its likes count as seen only, here and in recommendations. Undo: --user {user_id} --undo")
    elif reset:
        tastes.reset(user_id)
        say(f"Reset: all until now counts as seen only, here and in recommendations. Undo: --user {user_id} --undo")
    elif undo:
        tastes.undo(user_id)


def _export(workspace: Workspace, user_id: str, file: Path) -> None:
    from visrec.core.artifacts import write_atomic

    document = workspace.tastes.export(user_id)
    write_atomic(file, (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode())
    say(f"Exported: {file}")


def _import(workspace: Workspace, file: Path, user: str | None) -> str:
    imported = workspace.tastes.load(_read_json(file), user)
    unknown = f", {len(imported.unknown)} items are unknown here" if imported.unknown else ""
    say(f"Imported for {imported.user_id}: {imported.n_events} events, {imported.n_new} of them new{unknown}.")
    return imported.user_id


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {file}.") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file} is no JSON ({error}). Expected a file that --export wrote.") from error


def _show_comparison(found: TasteComparison, as_json: bool) -> None:
    if as_json:
        print_json(found.to_json())
        return
    write(f"{found.first} and {found.second}: similarity {found.similarity:.2f}")
    for pair in found.shared:
        write(f"  interest {pair.first} and their {pair.second} match by {pair.match:.2f}")
    if not found.shared:
        write("  no interest in common")


def _show(found: TasteProfile, as_json: bool) -> None:
    if as_json:
        print_json(found.to_json())
        return
    counts = f"{found.n_liked} liked, {found.n_disliked} disliked"
    counts += f", {found.without_picture} without picture" if found.without_picture else ""
    counts += f", {found.left_out} left out" if found.left_out else ""
    write(f"{found.user_id}: {counts}; sureness {found.confidence:.2f}")
    if found.note:
        write(f"({found.note})")
    if found.words:
        write("In common: " + ", ".join(f"{word} ({word.lift:.1f} x)" for word in found.words))
    for interest in found.interests:
        write(_line(f"{interest.number}. {interest.weight:4.0%}", interest))
    if found.elsewhere >= 0.005:
        write(f"   {found.elsewhere:4.0%}  elsewhere")
    for avoided in found.avoids:
        write(_line("avoids ", avoided))


def _line(name: str, interest: Interest) -> str:
    words = ", ".join(map(str, interest.words)) or "alike in look"
    items = "item" if len(interest) == 1 else "items"
    typical = ", ".join(interest.typical(3)) + (" …" if len(interest) > 3 else "")
    return f"{name}  {words}  ({len(interest)} {items}: {typical})"
