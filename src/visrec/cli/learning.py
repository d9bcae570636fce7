"""Commands that learn: encode, features, train, tune, build."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from visrec.cli.options import (
    SPLITS,
    AsJson,
    Encoder,
    Images,
    Interactions,
    Items,
    Shop,
    TestDays,
    TestFraction,
    Threshold,
    Tuned,
)
from visrec.cli.output import print_json, say, write
from visrec.cli.progress import show_progress
from visrec.core.errors import InputError

__all__ = ["build_workspace", "register"]

Model = Annotated[
    str,
    typer.Option(
        "--model",
        help="blend, deep-blend, ease, ials, vbpr, amr, deepstyle, two-tower, acf, sasrec, freedom, visual-knn, "
        "text-knn, category-knn, appeal, popular, recently-popular, random; for ratings visual-mf, bias, pixel-cnn, "
        "pixel-resnet, pixel-efficientnet.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(build)
    app.command()(encode)
    app.command()(features)
    app.command()(train)
    app.command()(tune)


def build(
    shop: Shop,
    items: Items = None,
    images: Images = None,
    interactions: Interactions = None,
    encoder: Encoder = None,
    text_encoder: Annotated[
        str | None,
        typer.Option(
            "--text-encoder", help="bge-small or none. Default: bge-small if its weights are on this machine."
        ),
    ] = None,
    positive_threshold: Threshold = None,
) -> None:
    """Do everything in one go: ingest, encode, train, evaluate."""
    build_workspace(shop, items, images, interactions, encoder, text_encoder, positive_threshold)


def build_workspace(
    shop: Path,
    items: Path | None,
    images: Path | None,
    interactions: Path | None,
    encoder: str | None,
    text_encoder: str | None,
    positive_threshold: float | None,
) -> None:
    """`visrec build`, for other commands too."""
    from visrec.workspace.build import build as build_shop

    for line in build_shop(
        shop,
        items=items,
        images=images,
        interactions=interactions,
        encoder=encoder,
        text_encoder=text_encoder,
        positive_threshold=positive_threshold,
        progress=show_progress,
        say=say,
    ):
        write(line)


def encode(shop: Shop, encoder: Encoder = None) -> None:
    """Turn pictures (or, with a text encoder, texts) into embeddings. An interrupted run goes on where it stopped."""
    from visrec.workspace.workspace import Workspace

    workspace = Workspace.open(shop)
    report = workspace.encode(encoder, progress=show_progress, say=say)
    write(report.summary())
    if workspace.feature_sets.awaits_training(report.feature_set):
        model = workspace.settings.model
        write(f"The trained {model} does not use these features yet. For that: visrec train {shop} --model {model}")


def features(shop: Shop, as_json: AsJson = False) -> None:
    """List the feature sets; an asterisk marks those in use, and the last column says by what."""
    from visrec.workspace.workspace import Workspace

    workspace = Workspace.open(shop)
    users = workspace.feature_sets.users()
    sets = workspace.features()
    if as_json:
        rows = [
            {"name": s.name, "encoder": s.encoder_id, "modality": s.modality, "dim": s.dim, "vectors": s.n_vectors,
             "bytes": s.n_bytes, "created": s.created, "in_use": s.name in users, "used_by": users.get(s.name, [])}
            for s in sets
        ]  # fmt: skip
        print_json({"features": rows})
        return
    if not sets:
        write(f"No features yet. Run: visrec encode {shop}")
    for s in sets:
        mark = "*" if s.name in users else " "
        write(
            f"{mark} {s.name:45} {s.modality:5} {s.n_vectors:>9,} x {s.dim:<5} {s.n_bytes / 1e6:9.1f} MB  {s.created}"
            f"  {', '.join(users.get(s.name, []))}".rstrip()
        )


def train(
    shop: Shop,
    model: Model = "blend",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE: a setting of the model. Repeatable.")
    ] = None,
    tuned: Tuned = False,
) -> None:
    """Fit a recommender on everything known now, and use it from now on."""
    from visrec.workspace.workspace import Workspace

    workspace = Workspace.open(shop)
    recommender = workspace.train(model, settings=_pairs(settings or []), tuned=tuned, progress=show_progress)
    sources = getattr(recommender, "sources", ())
    write(f"Trained {model}" + (f" from: {', '.join(sources)}." if sources else "."))
    report = getattr(recommender, "report", "")
    if report:
        write(report)
    shares = getattr(recommender, "fusion_shares", {})
    if shares:
        write("  Learned shares: " + ", ".join(f"{block} {share:.0%}" for block, share in shares.items()))
    unreadable = workspace.unreadable_pictures()
    for path, reason in list(unreadable.items())[:1]:
        write(
            f"  Pictures that could not be read and counted as black: {len(unreadable):,}, such as {path} ({reason})."
        )


def tune(
    shop: Shop,
    model: Annotated[str, typer.Option("--model", help="Whose settings are searched.")],
    trials: Annotated[int, typer.Option("--trials", help="In all; those of earlier runs count.")] = 30,
    split: Annotated[str, typer.Option("--split", help=SPLITS)] = "random",
    k: Annotated[int, typer.Option("-k", help="Length of the judged lists.")] = 10,
    seed: Annotated[int, typer.Option("--seed", help="Of the split; 0 or more.")] = 42,
    test_fraction: TestFraction = None,
    test_days: TestDays = None,
    positive_threshold: Threshold = None,
    encoder: Encoder = None,
    as_json: AsJson = False,
) -> None:
    """Search a model's settings on validation data; the test part is never looked at. Run again, it goes on."""
    from visrec.workspace.split_plan import SplitPlan
    from visrec.workspace.workspace import Workspace

    plan = SplitPlan(split, seed, test_fraction, test_days, positive_threshold, encoder)
    found = Workspace.open(shop).tune(model, trials, plan=plan, k=k, progress=show_progress)
    if as_json:
        print_json(asdict(found))
        return
    write(found.summary())
    write(f"  Use them: visrec train {shop} --model {model} --tuned")


def _pairs(settings: list[str]) -> dict[str, str]:
    pairs = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InputError(f"Expected a setting as NAME=VALUE, such as dim=32, got {text!r}.")
        pairs[name.strip()] = value.strip()
    return pairs
