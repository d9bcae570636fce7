"""Commands that answer: recommend, similar, query."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visrec.cli.options import AsJson, Candidates, Sheet, Shop, TopK, Where
from visrec.cli.output import print_json, print_ranking, say
from visrec.core.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from visrec.core.ranking import Ranking
    from visrec.workspace.workspace import Workspace

__all__ = ["register"]

Seen = Annotated[
    bool, typer.Option("--exclude-seen/--include-seen", help="Whether to leave out what the user has seen.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(recommend)
    app.command()(similar)
    app.command()(query)


def recommend(
    shop: Shop,
    user: Annotated[str | None, typer.Option("--user", help="User id; an unknown one gets the popular items.")] = None,
    users: Annotated[
        str | None, typer.Option("--users", help="`all`, or a file with one user id a line: one list each, as JSON.")
    ] = None,
    k: TopK = 10,
    where: Where = None,
    candidates: Candidates = None,
    exclude_seen: Seen = True,
    model: Annotated[str | None, typer.Option("--model", help="A trained model; default: the one in use.")] = None,
    as_json: AsJson = False,
    sheet: Sheet = None,
) -> None:
    """Rank items for a user, or for many."""
    from visrec.workspace.workspace import Workspace

    if (user is None) == (users is None):
        raise InputError("Expected either --user ID or --users FILE (or: --users all).")
    if users is not None and sheet is not None:
        raise InputError("--sheet goes with --user, not with --users.")
    _check_sheet(sheet)
    workspace = Workspace.open(shop)
    ids = None if candidates is None else _read_ids(candidates)
    if users is not None:
        wanted = None if users == "all" else _read_ids(Path(users))
        n_lists = 0
        for found in workspace.recommend_many(
            wanted, k, where=where, candidates=ids, exclude_seen=exclude_seen, model=model
        ):
            print_json(found.to_json())
            n_lists += 1
        if not n_lists:
            say(f"{shop} knows of no user: it holds no interactions yet.")
        return
    ranking = workspace.recommend(str(user), k, where=where, candidates=ids, exclude_seen=exclude_seen, model=model)
    _show(ranking, f"For {user}", as_json)
    if sheet is not None:
        liked = workspace.liked_items(str(user))
        _draw(workspace, ranking, sheet, f"For {user}", [("Liked before", liked)])


def similar(
    shop: Shop,
    item: Annotated[str | None, typer.Option("--item", help="Item id.")] = None,
    image: Annotated[Path | None, typer.Option("--image", help="A picture file.", readable=False)] = None,
    k: TopK = 10,
    where: Where = None,
    candidates: Candidates = None,
    as_json: AsJson = False,
    sheet: Sheet = None,
) -> None:
    """Rank items by how much they look like an item or a picture."""
    from visrec.workspace.workspace import Workspace

    if (item is None) == (image is None):
        raise InputError("Expected either --item ID or --image FILE.")
    _check_sheet(sheet)
    workspace = Workspace.open(shop)
    ids = None if candidates is None else _read_ids(candidates)
    ranking = workspace.similar(item, k, image=image, where=where, candidates=ids)
    example: str | Path = image if image is not None else str(item)
    _show(ranking, f"Like {example}", as_json)
    if sheet is not None:
        _draw(workspace, ranking, sheet, "Similar", [("Example", [example])], heading="Similar")


def query(
    shop: Shop,
    like: Annotated[list[str] | None, typer.Option("--like", help="Item id or picture file; repeatable.")] = None,
    dislike: Annotated[list[str] | None, typer.Option("--dislike", help="Item id or picture file; repeatable.")] = None,
    k: TopK = 10,
    where: Where = None,
    candidates: Candidates = None,
    as_json: AsJson = False,
    sheet: Sheet = None,
) -> None:
    """Rank items by liked and disliked examples, items and pictures in any mixture."""
    from visrec.workspace.workspace import Workspace

    _check_sheet(sheet)
    workspace = Workspace.open(shop)
    liked = [_example(workspace, text) for text in like or []]
    disliked = [_example(workspace, text) for text in dislike or []]
    ids = None if candidates is None else _read_ids(candidates)
    ranking = workspace.query(liked, disliked, k, where=where, candidates=ids)
    _show(ranking, "For these examples", as_json)
    if sheet is not None:
        _draw(workspace, ranking, sheet, "Query", [("Liked", liked), ("Disliked", disliked)])


def _example(workspace: Workspace, text: str) -> str | Path:
    """An item id where there is such an item, else a picture file."""
    if text in workspace.item_features().item_ids:
        return text
    if Path(text).is_file():
        return Path(text)
    raise NotFoundError(f"{text!r} is neither an item of {workspace.root} nor a picture file.")


def _show(ranking: Ranking, heading: str, as_json: bool) -> None:
    if as_json:
        print_json(ranking.to_json())
    else:
        print_ranking(ranking, heading)


def _draw(
    workspace: Workspace,
    ranking: Ranking,
    sheet: Path,
    title: str,
    examples: Sequence[tuple[str, Sequence[str | Path]]],
    heading: str = "Recommended",
) -> None:
    from visrec.workspace.sheets import write_sheet

    write_sheet(workspace, ranking, sheet, title=title, examples=examples, heading=heading)
    say(f"Picture: {sheet}")


def _check_sheet(sheet: Path | None) -> None:
    if sheet is not None:
        from visrec.workspace.sheets import check_sheet

        check_sheet(sheet)


def _read_ids(file: Path) -> list[str]:
    """Ids, one a line; blank lines are left out, everything else is part of the id."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {file}. Expected one id a line.") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is no UTF-8 text ({error}). Expected one id a line.") from error
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}. Expected a file with one id a line.") from error
    # Not splitlines(), which also ends lines at characters that an id may hold; "\r\n" has become "\n" already.
    ids = [line for line in text.split("\n") if line.strip()]
    if not ids:
        raise InputError(f"{file} holds no id. Expected one id a line.")
    return ids
