"""Pictures of the catalogue that have not been looked at yet, measured for recognition."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from visrec.catalogue.catalogue import Catalogue
from visrec.catalogue.features import FeatureStore
from visrec.core.attributes import EmbeddingRecognizer, Recognizer
from visrec.core.progress import Progress, ProgressFactory
from visrec.core.settings import ImageLimits
from visrec.encoders.registry import image_encoder
from visrec.encoders.weights import Say, quiet
from visrec.workspace.encode import encode_catalogue_images, failures_in_words

if TYPE_CHECKING:
    from visrec.recognition.appearance import Appearance
    from visrec.recognition.faces import Faces
    from visrec.recognition.objects import Objects

__all__ = ["RecognizeReport", "Recognizers", "recognize_catalogue"]

#: Embeddings that are measured at once: bounds the memory.
_AT_ONCE = 4096
_NETWORK = "efficientnet-lite0"


class Recognizers:
    """The recognizers of a workspace, made when they are first needed."""

    def __init__(self) -> None:
        self._objects: Objects | None = None
        #: Told what is fetched.
        self.say: Say = quiet

    @cached_property
    def appearance(self) -> Appearance:
        """What is measured from pixels."""
        from visrec.recognition.appearance import Appearance

        return Appearance()

    def objects(self, say: Say = quiet) -> Objects:
        """What the bundled network sees; its weights are found now.

        Raises:
            WeightsError: when they cannot be had.
        """
        if self._objects is None:
            from visrec.encoders.efficientnet_lite import imagenet_classifier
            from visrec.recognition.objects import Objects

            self._objects = Objects(image_encoder(_NETWORK, say=say).info, imagenet_classifier)
        return self._objects

    @cached_property
    def faces(self) -> Faces:
        """Finds faces; its weights are found or fetched when it first looks at pictures."""
        from visrec.encoders.center_face import CENTER_FACE, center_face
        from visrec.encoders.weight_table import find_weight
        from visrec.recognition.faces import Faces

        weight = find_weight(CENTER_FACE)
        source = weight.sources[0]
        return Faces(lambda: center_face(threads=1, say=self.say), source.sha256, weight.licence, source.label)

    def all(self) -> list[Recognizer]:
        """Every recognizer, used by a shop or not."""
        return [self.appearance, self.objects(), self.faces]


@dataclass(frozen=True)
class RecognizeReport:
    """What a recognition did.

    Attributes:
        n_new: pictures that were looked at now.
        n_known: pictures that had been looked at before.
        seconds: wall time.
        failures: (item_id, reason) of pictures that could not be read.
    """

    n_new: int
    n_known: int
    seconds: float
    failures: tuple[tuple[str, str], ...] = ()

    def summary(self) -> str:
        """One or two lines for the screen."""
        if not self.n_new + self.n_known + len(self.failures):
            return "Nothing to recognize: the catalogue has no pictures."
        rate = f", {self.n_new / self.seconds:.0f} images/s" if self.n_new and self.seconds > 0 else ""
        line = f"{self.n_new:,} images recognized, {self.n_known:,} were already ({self.seconds:.1f} s{rate})"
        return "\n".join([line, *failures_in_words(self.failures, "read")])


def recognize_catalogue(
    catalogue: Catalogue,
    recognizers: Recognizers,
    limits: ImageLimits,
    progress: ProgressFactory,
    say: Say,
    faces: bool = False,
) -> RecognizeReport:
    """Look at every picture that was not looked at yet.

    Embeddings that a recognizer reads are made where they are missing; they are an ordinary feature set. Faces are
    looked for when that is asked for, and ever after in this shop, whatever weights a machine happens to have.

    Raises:
        WeightsError: when the weights of its encoder cannot be had.
    """
    started = time.perf_counter()
    store = catalogue.measurements
    by_name = partial(_as_recognition, progress)
    recognizers.say = say
    if faces:
        # First of all: where the weights cannot be had, nothing has begun.
        recognizers.faces.load()
    looked = encode_catalogue_images(catalogue, recognizers.appearance, limits, by_name, store)
    objects = recognizers.objects(say)
    encoder = image_encoder(objects.source.id, threads=1, say=say)
    embedded = encode_catalogue_images(catalogue, encoder, limits, progress)
    n_measured = _measure_embeddings(catalogue, objects)
    for recognizer in (recognizers.appearance, objects):
        _drop_older(store, recognizer)
    n_new = max(looked.n_new, n_measured)
    failures = dict(embedded.failures) | dict(looked.failures)
    if faces or any(found.encoder_id == recognizers.faces.info.id for found in store.sets()):
        searched = encode_catalogue_images(catalogue, recognizers.faces, limits, by_name, store)
        _drop_older(store, recognizers.faces)
        n_new, failures = max(n_new, searched.n_new), failures | dict(searched.failures)
    n_known = looked.n_new + looked.n_cached - n_new
    return RecognizeReport(n_new, n_known, time.perf_counter() - started, tuple(failures.items()))


def _measure_embeddings(catalogue: Catalogue, recognizer: EmbeddingRecognizer) -> int:
    """Measure what is embedded and was not measured yet; returns how many."""
    keys = catalogue.images().column("sha256").to_pylist()
    missing = catalogue.measurements.missing(recognizer.info, keys)
    n_measured = 0
    for start in range(0, len(missing), _AT_ONCE):
        batch = missing[start : start + _AT_ONCE]
        embeddings, known = catalogue.features.read(recognizer.source.feature_set, batch)
        found = [key for key, there in zip(batch, known.tolist(), strict=True) if there]
        if found:
            n_measured += catalogue.measurements.append(recognizer.info, found, recognizer.measure(embeddings[known]))
    return n_measured


def _drop_older(store: FeatureStore, recognizer: Recognizer) -> None:
    """Measurements of an older version go once all pictures have new ones."""
    for old in store.sets():
        if old.encoder_id == recognizer.info.id and old.name != recognizer.info.feature_set:
            store.remove(old.name)


def _as_recognition(progress: ProgressFactory, label: str, *, total: int, unit: str) -> Progress:
    """Encoding and recognition are one loop: this one is called by its own name."""
    return progress("recognize", total=total, unit=unit)
