"""The whole main job in one call: ingest, encode, train, evaluate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from visrec.catalogue.catalogue import Catalogue
from visrec.core.errors import InputError
from visrec.core.progress import ProgressFactory, silent
from visrec.encoders.registry import DEFAULT_IMAGE_ENCODER, DEFAULT_TEXT_ENCODER, ENCODERS
from visrec.workspace.columns import text_columns
from visrec.workspace.encode import EncodeReport
from visrec.workspace.encoder_names import check_encoder
from visrec.workspace.ingest import ingest_into
from visrec.workspace.workspace import Workspace

__all__ = ["build"]

Say = Callable[[str], None]
_BETTER = "clip-vit-b16"
#: What a first look compares: models that learn in seconds. `visrec evaluate` judges all.
_JUDGED = ("blend", "ease", "visual-knn", "text-knn", "category-knn", "appeal", "recently-popular")


def build(
    root: str | Path,
    *,
    items: str | Path | None = None,
    images: str | Path | None = None,
    interactions: str | Path | None = None,
    encoder: str | None = None,
    text_encoder: str | None = None,
    positive_threshold: float | None = None,
    progress: ProgressFactory = silent,
    say: Say = lambda message: None,
) -> Iterator[str]:
    """Make or update a workspace and judge it, yielding what to show, step by step.

    Args:
        root: the workspace.
        items: see `Workspace.ingest`.
        images: see `Workspace.ingest`.
        interactions: see `Workspace.ingest`.
        encoder: for pictures; None: the fast default, and a line on what the better one would cost.
        text_encoder: for texts, or "none"; None: the default if its weights are on this machine.
        positive_threshold: see `Workspace.create`.
        progress: shows progress.
        say: told what is fetched or converted.
    """
    files = {"items": items, "images": images, "interactions": interactions}
    given = any(file is not None for file in files.values())
    if not given and not Catalogue.exists(Path(root)):
        raise InputError(f"Expected --items, --images and --interactions to build {root} from, got none of them.")
    if encoder is not None:
        check_encoder(encoder, say=say)
    if text_encoder not in (None, "none"):
        check_encoder(text_encoder, texts=True, say=say)
    if given:
        shop, ingested = ingest_into(root, **files, positive_threshold=positive_threshold, progress=progress)
        yield ingested.summary()
    else:
        shop = Workspace.open(root)
        if positive_threshold is not None:
            shop.set_positive_threshold(positive_threshold)
    shop.require_items()
    if len(shop.catalogue.images()):
        report = shop.encode(encoder, progress=progress, say=say)
        yield report.summary()
        if encoder is None and report.encoder_id == DEFAULT_IMAGE_ENCODER:
            yield _price_of_the_better(report)
    yield from _encode_texts(shop, text_encoder, progress, say)
    recommender = shop.train()
    yield f"Trained blend from: {', '.join(getattr(recommender, 'sources', ()))}."
    yield f"{getattr(recommender, 'report', '')}\n"
    yield from _judge(shop, progress)


def _price_of_the_better(report: EncodeReport) -> str:
    """What the better encoder would cost here, from the rate just measured, and what it gained elsewhere."""
    usual = ENCODERS[_BETTER].images_per_second
    if report.n_new >= 100 and report.seconds > 1:
        usual *= report.n_new / report.seconds / ENCODERS[DEFAULT_IMAGE_ENCODER].images_per_second
    minutes = (report.n_new + report.n_cached) / usual / 60
    return (
        f"  --encoder {_BETTER} sees more: on MovieLens-100k posters it doubles NDCG@20 for new items "
        f"(BENCHMARKS.md). Here it would take about {max(minutes, 1):.0f} min and a download of 90 to 600 MB."
    )


def _encode_texts(shop: Workspace, name: str | None, progress: ProgressFactory, say: Say) -> Iterator[str]:
    if name == "none" or not text_columns(shop.catalogue.items()):
        return
    if name is None and not _on_this_machine(DEFAULT_TEXT_ENCODER):
        yield (
            f"  Texts are left out. To use them: visrec encode {shop.root} --encoder {DEFAULT_TEXT_ENCODER} "
            f"(fetches its weights), then visrec train {shop.root}"
        )
        return
    yield shop.encode(name or DEFAULT_TEXT_ENCODER, progress=progress, say=say).summary()


def _on_this_machine(name: str) -> bool:
    from visrec.encoders.weights import status

    return any(line.id == name and line.state == "ready" for line in status())


def _judge(shop: Workspace, progress: ProgressFactory) -> Iterator[str]:
    for split in ("random", "item-cold"):
        try:
            yield shop.evaluate(split, _JUDGED, progress=progress).table() + "\n"
        except InputError as error:
            yield f"Not evaluated on split {split}: {error}\n"
