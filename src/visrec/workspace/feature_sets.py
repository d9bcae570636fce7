"""The feature sets of a workspace: filling them, and which are used by whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from visrec.catalogue.catalogue import Catalogue
from visrec.catalogue.features import FeatureSet
from visrec.core.errors import NotFittedError, NotFoundError
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import EncoderInfo, Recommender
from visrec.core.settings import ImageLimits
from visrec.encoders.registry import DEFAULT_IMAGE_ENCODER
from visrec.encoders.weights import Say, quiet
from visrec.recommenders.registry import make_recommender
from visrec.workspace.columns import text_columns, texts
from visrec.workspace.encoder_names import full_name, reads_texts
from visrec.workspace.label_store import LabelStore
from visrec.workspace.models import ModelStore
from visrec.workspace.settings import SettingsFile

if TYPE_CHECKING:
    from visrec.workspace.encode import EncodeReport

__all__ = ["FeatureSets"]


class FeatureSets:
    """Encodes what is new, and knows which feature set is in use.

    Args:
        root: the workspace's folder, for messages.
        catalogue: whose pictures and texts.
        settings: which sets and encoders are in use.
        models: the trained models, each of which keeps to the sets that it learned from.
        labels: the shop's own attributes, likewise.
        limits: what an image may cost.
    """

    def __init__(
        self,
        root: Path,
        catalogue: Catalogue,
        settings: SettingsFile,
        models: ModelStore,
        labels: LabelStore,
        limits: ImageLimits,
    ) -> None:
        self._root = root
        self._catalogue = catalogue
        self._settings = settings
        self._models = models
        self._labels = labels
        self._limits = limits

    def encode(
        self, encoder: str | None = None, *, progress: ProgressFactory = silent, say: Say = quiet
    ) -> EncodeReport:
        """See `Workspace.encode`."""
        name = full_name(encoder or self._settings.current.image_encoder or DEFAULT_IMAGE_ENCODER)
        report = self._fill(name, progress, say)
        if report.n_new + report.n_cached:
            kind = "text" if reads_texts(name) else "image"
            self._settings.change(**{f"{kind}_features": report.feature_set, f"{kind}_encoder": name})
        return report

    def encode_new(self, *, progress: ProgressFactory = silent, say: Say = quiet) -> list[EncodeReport]:
        """See `Workspace.encode_new`."""
        settings = self._settings.current
        in_use = [name for name in (settings.image_encoder, settings.text_encoder) if name]
        reports = [self.encode(name, progress=progress, say=say) for name in in_use]
        users = self.users()
        older = {s.encoder_id for s in self.all() if s.name in users} - set(in_use)
        return reports + [self._fill(name, progress, say) for name in sorted(older)]

    def all(self) -> list[FeatureSet]:
        """The feature sets that there are; `users` names those in use."""
        return self._catalogue.features.sets()

    def users(self) -> dict[str, list[str]]:
        """Name of a feature set in use -> what uses it.

        "new items" is the set that `encode` without a name fills and that `similar` and `query` compare by; the
        others are trained models, and the shop's own attributes.
        """
        settings = self._settings.current
        users: dict[str, list[str]] = {}
        in_use = {"new items": (settings.image_features, settings.text_features)}
        for user, names in {**in_use, **self._models.feature_sets(), **self._labels.feature_sets()}.items():
            for name in names:
                users.setdefault(name, []).append(user)
        users.pop("", None)
        return users

    def awaits_training(self, feature_set: str) -> bool:
        """Whether the trained model in use would read a feature set in use, but learned from another."""
        name = self._settings.current.model
        users = self.users().get(feature_set, [])
        if "new items" not in users or name in users or name not in self._models.names():
            return False
        return feature_set in self.read_by(make_recommender(name))

    def read_by(self, recommender: Recommender) -> tuple[str, str]:
        """The sets in use, of pictures and of texts; "" for one that the recommender does not look at."""
        reads, settings = recommender.capabilities.reads, self._settings.current
        return (
            settings.image_features if "image" in reads else "",
            settings.text_features if "text" in reads else "",
        )

    def pictures_in_use(self) -> tuple[str, str]:
        """The encoder of pictures in use, as a user types it, and its feature set.

        Raises:
            NotFittedError: before pictures were encoded.
        """
        current = self._settings.current
        if not current.image_features:
            raise NotFittedError(f"{self._root} has no encoded pictures yet. Run: visrec encode {self._root}")
        return current.image_encoder, current.image_features

    def use(self, encoder: str) -> int:
        """Use the newest feature set that an encoder filled, as it is, from now on.

        Returns:
            How many of the catalogue's pictures, or texts, have no embedding in it.

        Raises:
            NotFoundError: when there is none.
        """
        name, sets = full_name(encoder), self.all()
        filled = [s for s in sets if s.encoder_id == name]
        if not filled:
            there = ", ".join(dict.fromkeys(s.encoder_id for s in sets)) or "none"
            raise NotFoundError(
                f"{self._root} has no features of {encoder!r} (there are: {there}). "
                f"Run: visrec encode {self._root} --encoder {encoder}"
            )
        newest = max(filled, key=lambda s: s.created)
        kind = newest.modality
        self._settings.change(**{f"{kind}_features": newest.name, f"{kind}_encoder": name})
        return len(self._catalogue.features.missing(EncoderInfo(**newest.info), self._keys(kind)))

    def of_encoder(self, encoder: str) -> str:
        """Name of the newest feature set of pictures that an encoder filled.

        Raises:
            NotFoundError: when there is none.
        """
        pictures = [s for s in self.all() if s.modality == "image"]
        sets = [s for s in pictures if s.encoder_id == full_name(encoder)]
        if not sets:
            there = ", ".join(s.encoder_id for s in pictures) or "none"
            raise NotFoundError(
                f"{self._root} has no picture features of {encoder!r} (there are: {there}). "
                f"Run: visrec encode {self._root} --encoder {encoder}"
            )
        return max(sets, key=lambda s: s.created).name

    def _keys(self, modality: str) -> list[str]:
        """Hashes of what the catalogue has to encode."""
        if modality == "image":
            return self._catalogue.images().column("sha256").to_pylist()
        items = self._catalogue.items()
        return [key for key in texts(items, text_columns(items))[1] if key]

    def _fill(self, name: str, progress: ProgressFactory, say: Say) -> EncodeReport:
        from visrec.workspace.encode import encode_catalogue

        return encode_catalogue(self._catalogue, name, self._limits, progress, say)
