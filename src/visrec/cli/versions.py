"""The command that shows and changes what is in use."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from visrec.cli.options import AsJson, Shop
from visrec.cli.output import print_json, say, write

if TYPE_CHECKING:
    from visrec.workspace.versions import Versions

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(use)


def use(
    shop: Shop,
    model: Annotated[str | None, typer.Option("--model", help="A trained model that answers from now on.")] = None,
    version: Annotated[
        str | None, typer.Option("--version", help="A kept version of it (or of the model in use), such as 0003.")
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="The version before the one in use.")] = False,
    encoder: Annotated[
        str | None, typer.Option("--encoder", help="Compare by, and train on, what this encoder has encoded.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the trained models and their versions; or use another one, at once and without a pause for servers."""
    from visrec.workspace.workspace import Workspace

    workspace = Workspace.open(shop)
    if model is None and version is None and not back and encoder is None:
        _list(workspace.versions, as_json)
        return
    done = workspace.versions.use(model, version=version, back=back, encoder=encoder)
    if as_json:
        print_json(asdict(done))
        return
    if done.model:
        write(f"{done.model} {done.version} is in use from now on.")
    if done.encoder:
        write(f"The features of {done.encoder} are in use from now on.")
    if done.n_missing:
        say(f"{done.n_missing:,} have no embedding of it yet. Run: visrec encode {shop} --encoder {done.encoder}")


def _list(versions: Versions, as_json: bool) -> None:
    if as_json:
        print_json(versions.to_json())
        return
    models = versions.models()
    for model in models:
        kept = " ".join(f"[{one}]" if one == model.version else one for one in model.versions)
        sets = ", ".join(name for name in (model.image_features, model.text_features) if name)
        write(f"{'*' if model.answers else ' '} {model.name:20} {kept:14} {model.answers:9}  {sets}".rstrip())
    if not models:
        say("No model is trained yet.")
