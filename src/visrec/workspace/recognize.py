"""Pictures of the catalogue that have not been looked at yet, measured for recognition."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from visrec.catalogue.catalogue import Catalogue
from visrec.core.attributes import Recognizer
from visrec.core.progress import Progress, ProgressFactory
from visrec.core.settings import ImageLimits
from visrec.workspace.encode import encode_catalogue_images

__all__ = ["RecognizeReport", "measure_pictures"]


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
        if not self.failures:
            return line
        shown = "; ".join(f"{item_id}: {reason}" for item_id, reason in self.failures[:5])
        more = " …" if len(self.failures) > 5 else ""
        return f"{line}\n  {len(self.failures):,} could not be read: {shown}{more}"


def measure_pictures(
    catalogue: Catalogue, recognizer: Recognizer, limits: ImageLimits, progress: ProgressFactory
) -> RecognizeReport:
    """Measure every picture whose content has no measurement of this recognizer yet.

    Measurements of an older version of the recognizer are dropped once all pictures have new ones.
    """
    store = catalogue.measurements
    done = encode_catalogue_images(catalogue, recognizer, limits, partial(_as_recognition, progress), store)
    for old in store.sets():
        if old.encoder_id == recognizer.info.id and old.name != recognizer.info.feature_set:
            store.remove(old.name)
    return RecognizeReport(done.n_new, done.n_cached, done.seconds, done.failures)


def _as_recognition(progress: ProgressFactory, label: str, *, total: int, unit: str) -> Progress:
    """Encoding and recognition are one loop: this one is called by its own name."""
    return progress("recognize", total=total, unit=unit)
