"""Pictures and texts of the catalogue that have no embedding yet, encoded into a feature set."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from visrec.catalogue.catalogue import Catalogue
from visrec.catalogue.features import FeatureStore
from visrec.core.progress import ProgressFactory
from visrec.core.protocols import ImageEncoder, TextEncoder
from visrec.core.settings import ImageLimits
from visrec.encoders.pipeline import encode_images, encode_texts
from visrec.encoders.registry import image_encoder, text_encoder
from visrec.encoders.weights import Say
from visrec.workspace.columns import text_columns, texts
from visrec.workspace.encoder_names import reads_texts

__all__ = ["EncodeReport", "encode_catalogue", "encode_catalogue_images", "encode_catalogue_texts", "failures_in_words"]


@dataclass(frozen=True)
class EncodeReport:
    """What an encode did.

    Attributes:
        feature_set: name of the feature set that was filled.
        encoder_id: the name a user types.
        unit: "images" or "texts".
        n_new: embeddings made now.
        n_cached: embeddings that were there already.
        seconds: wall time.
        failures: (item_id, reason) of pictures that could not be encoded.
    """

    feature_set: str
    encoder_id: str
    unit: str
    n_new: int
    n_cached: int
    seconds: float
    failures: tuple[tuple[str, str], ...] = ()

    def summary(self) -> str:
        """One or two lines for the screen."""
        if not self.n_new + self.n_cached + len(self.failures):
            what = "pictures" if self.unit == "images" else "texts: no column of the items holds prose"
            return f"{self.encoder_id}: nothing to encode, the catalogue has no {what}."
        rate = f", {self.n_new / self.seconds:.0f} {self.unit}/s" if self.n_new and self.seconds > 0 else ""
        line = (
            f"{self.encoder_id}: {self.n_new:,} {self.unit} encoded, {self.n_cached:,} were there already "
            f"({self.seconds:.1f} s{rate}); feature set {self.feature_set}"
        )
        return "\n".join([line, *failures_in_words(self.failures, "encoded")])


def failures_in_words(failures: Sequence[tuple[str, str]], done: str) -> list[str]:
    """One line of the first few (item_id, reason) that could not be `done`; none where there are none."""
    if not failures:
        return []
    shown = "; ".join(f"{item_id}: {reason}" for item_id, reason in failures[:5])
    return [f"  {len(failures):,} could not be {done}: {shown}{' …' if len(failures) > 5 else ''}"]


def encode_catalogue(
    catalogue: Catalogue, name: str, limits: ImageLimits, progress: ProgressFactory, say: Say
) -> EncodeReport:
    """Encode whatever has no embedding of the named encoder yet, pictures or texts as it reads them.

    Raises:
        InputError: for an unknown encoder.
        WeightsError: when its weights cannot be had.
    """
    if reads_texts(name):
        return encode_catalogue_texts(catalogue, text_encoder(name, say=say), progress)
    return encode_catalogue_images(catalogue, image_encoder(name, threads=1, say=say), limits, progress)


def encode_catalogue_images(
    catalogue: Catalogue,
    encoder: ImageEncoder,
    limits: ImageLimits,
    progress: ProgressFactory,
    store: FeatureStore | None = None,
) -> EncodeReport:
    """Encode every picture whose content has no embedding of this encoder yet; None: among the catalogue's features."""
    store = catalogue.features if store is None else store
    started = time.perf_counter()
    images = catalogue.images()
    paths: dict[str, Path] = {}
    owners: dict[str, str] = {}
    for key, path, item_id in zip(
        images.column("sha256").to_pylist(),
        images.column("path").to_pylist(),
        images.column("item_id").to_pylist(),
        strict=True,
    ):
        paths.setdefault(key, Path(path))
        owners.setdefault(key, item_id)
    missing = store.missing(encoder.info, list(paths))
    failures = encode_images(
        encoder,
        [(key, paths[key]) for key in missing],
        partial(store.append, encoder.info),
        limits=limits,
        progress=progress,
        verify=True,
    )
    return EncodeReport(
        encoder.info.feature_set,
        encoder.info.id,
        "images",
        len(missing) - len(failures),
        len(paths) - len(missing),
        time.perf_counter() - started,
        tuple((owners[key], reason) for key, reason in failures),
    )


def encode_catalogue_texts(catalogue: Catalogue, encoder: TextEncoder, progress: ProgressFactory) -> EncodeReport:
    """Encode every item's text that has no embedding of this encoder yet."""
    started = time.perf_counter()
    items = catalogue.items()
    words, keys = texts(items, text_columns(items))
    by_key = {key: text for key, text in zip(keys, words, strict=True) if key}
    missing = catalogue.features.missing(encoder.info, list(by_key))
    encode_texts(
        encoder,
        [(key, by_key[key]) for key in missing],
        partial(catalogue.features.append, encoder.info),
        progress=progress,
    )
    seconds = time.perf_counter() - started
    return EncodeReport(
        encoder.info.feature_set, encoder.info.id, "texts", len(missing), len(by_key) - len(missing), seconds
    )
