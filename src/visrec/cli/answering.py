"""Commands that answer: recommend, similar, query."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visrec.cli.json_lines import read_events, read_examples
from visrec.cli.list_options import read_ids, with_list_options
from visrec.cli.options import AsJson, Sheet, Shop, TopK
from visrec.cli.output import print_json, print_ranking, print_trace, say, write
from visrec.core.errors import InputError, NotFoundError
from visrec.core.list_options import ListOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from visrec.core.list_options import ListArguments
    from visrec.core.ranking import Ranking
    from visrec.explanation.explanation import Explanation
    from visrec.workspace.examples import Example, ExampleSource
    from visrec.workspace.workspace import Workspace

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(with_list_options(recommend))
    app.command()(with_list_options(similar))
    app.command()(with_list_options(query))


def recommend(
    shop: Shop,
    options: ListArguments,
    user: Annotated[str | None, typer.Option("--user", help="User id; an unknown one gets the popular items.")] = None,
    users: Annotated[
        str | None, typer.Option("--users", help="`all`, or a file with one user id a line: one list each, as JSON.")
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option("--events", help="For somebody who did this, a .jsonl file; nothing is stored.", readable=False),
    ] = None,
    k: TopK = 10,
    model: Annotated[str | None, typer.Option("--model", help="A trained model; default: the one in use.")] = None,
    reasons: Annotated[bool, typer.Option("--reasons", help="Say why, item by item.")] = False,
    as_json: AsJson = False,
    sheet: Sheet = None,
) -> None:
    """Rank items for a user, for many, or for somebody whose events are given."""
    from visrec.workspace.workspace import Workspace

    if sum(given is not None for given in (user, users, events)) != 1:
        raise InputError("Expected either --user ID or --users FILE (or: --users all), or --events FILE.")
    if user is None and sheet is not None:
        raise InputError("--sheet goes with --user.")
    if events is not None and reasons:
        raise InputError("--reasons goes with --user or --users.")
    _check_sheet(sheet)
    workspace = Workspace.open(shop)
    if users is not None:
        wanted = None if users == "all" else read_ids(Path(users))
        _print_many(workspace, _explained(workspace, wanted, ListOptions(k, **options), model, reasons))
    elif events is not None:
        _show(workspace.recommend_session(read_events(events), k, model=model, **options), "For these events", as_json)
    else:
        ranking, why = next(_explained(workspace, [str(user)], ListOptions(k, **options), model, reasons))
        _print_one(ranking, why, as_json)
        if sheet is not None:
            liked = workspace.liked_items(str(user))
            _draw(workspace, ranking, sheet, f"For {user}", [("Liked before", liked)])


def _explained(
    workspace: Workspace, users: Sequence[str] | None, options: ListOptions, model: str | None, reasons: bool
) -> Iterator[tuple[Ranking, list[Explanation]]]:
    """Lists, with the reasons of their items where they are wanted."""
    if not reasons:
        yield from ((ranking, []) for ranking in workspace.answers.recommend(users, options, model))
        return
    told = workspace.explanations
    for ranking, answer in told.recommend(users, options, model):
        yield ranking, told.of(answer, ranking.item_ids, n_past=3)


def _print_many(workspace: Workspace, lists: Iterator[tuple[Ranking, list[Explanation]]]) -> None:
    n_lists = 0
    for found, why in lists:
        print_json(_with_reasons(found, why))
        n_lists += 1
    if not n_lists:
        say(f"{workspace.root} knows of no user: it holds no interactions yet.")


def _print_one(ranking: Ranking, why: list[Explanation], as_json: bool) -> None:
    if as_json:
        print_json(_with_reasons(ranking, why))
        return
    _show(ranking, f"For {ranking.user_id}", as_json)
    for item, reason in zip(ranking.items, why, strict=False):
        write(f"{item.rank}. {reason.sentence['en']}\n   {reason.sentence['zh']}")


def similar(
    shop: Shop,
    options: ListArguments,
    item: Annotated[str | None, typer.Option("--item", help="Item id.")] = None,
    image: Annotated[Path | None, typer.Option("--image", help="A picture file.", readable=False)] = None,
    k: TopK = 10,
    as_json: AsJson = False,
    sheet: Sheet = None,
) -> None:
    """Rank items by how much they look like an item or a picture."""
    from visrec.workspace.workspace import Workspace

    if (item is None) == (image is None):
        raise InputError("Expected either --item ID or --image FILE.")
    _check_sheet(sheet)
    workspace = Workspace.open(shop)
    ranking = workspace.similar(item, k, image=image, **options)
    example: str | Path = image if image is not None else str(item)
    _show(ranking, f"Like {example}", as_json)
    if sheet is not None:
        _draw(workspace, ranking, sheet, "Similar", [("Example", [example])], heading="Similar")


def query(
    shop: Shop,
    options: ListArguments,
    like: Annotated[list[str] | None, typer.Option("--like", help="Item id or picture file; repeatable.")] = None,
    dislike: Annotated[list[str] | None, typer.Option("--dislike", help="Item id or picture file; repeatable.")] = None,
    examples: Annotated[
        Path | None,
        typer.Option(
            "--examples",
            help='More of them, with weights: a .jsonl file of {"item"|"picture"|"vector": …, "weight": …}; '
            "disliked below 0.",
            readable=False,
        ),
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", help="What the pictures should show, instead of examples: 'a red dress'.")
    ] = None,
    k: TopK = 10,
    as_json: AsJson = False,
    sheet: Sheet = None,
) -> None:
    """Rank items by liked and disliked examples, items and pictures in any mixture; or by a text."""
    from visrec.workspace.workspace import Workspace

    _check_sheet(sheet)
    workspace = Workspace.open(shop)
    liked: list[ExampleSource | Example] = [_example(workspace, one) for one in like or []]
    disliked: list[ExampleSource | Example] = [_example(workspace, one) for one in dislike or []]
    if examples is not None:
        more_liked, more_disliked = read_examples(examples)
        liked += more_liked
        disliked += more_disliked
    ranking = workspace.query(liked, disliked, k, text=text, **options)
    _show(ranking, "For these examples" if text is None else f"For {text!r}", as_json)
    if sheet is not None:
        _draw(workspace, ranking, sheet, "Query", [("Liked", _pictured(liked)), ("Disliked", _pictured(disliked))])


def _pictured(examples: Sequence[ExampleSource | Example]) -> list[str | Path]:
    """Those of the examples that a sheet can show."""
    sources = [getattr(example, "source", example) for example in examples]
    return [source for source in sources if isinstance(source, str | Path)]


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
        return
    print_ranking(ranking, heading)
    if ranking.trace:
        print_trace(ranking.trace)


def _with_reasons(ranking: Ranking, why: list[Explanation]) -> dict[str, Any]:
    body = ranking.to_json()
    for line, reason in zip(body["items"], why, strict=False):
        line["reasons"] = reason.reasons_json()
    return body


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
