"""Which of the trained models and filled feature sets answer: shown, changed, and taken back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from visrec.core.errors import InputError, NotFoundError
from visrec.workspace.feature_sets import FeatureSets
from visrec.workspace.models import ModelStore
from visrec.workspace.settings import SettingsFile

__all__ = ["KeptModel", "Switched", "Versions"]


@dataclass(frozen=True)
class KeptModel:
    """A trained model and the versions of it that can be used.

    Attributes:
        name: out of `RECOMMENDERS`.
        versions: oldest first; a training keeps the version before it.
        version: the one in use whenever this model answers.
        answers: "recommend" or "predict" where it is the model in use for that, "" where it answers only by name.
        image_features: feature set of pictures that this version learned from, "" for none.
        text_features: likewise of texts.
    """

    name: str
    versions: tuple[str, ...]
    version: str
    answers: str
    image_features: str
    text_features: str


@dataclass(frozen=True)
class Switched:
    """What is in use from now on.

    Attributes:
        model: name of the model that was switched to, "" where only the encoder was.
        version: its version.
        encoder: the encoder whose feature set was switched to, "" where only the model was.
        n_missing: pictures (or texts) of the catalogue without an embedding in that set.
    """

    model: str = ""
    version: str = ""
    encoder: str = ""
    n_missing: int = 0


class Versions:
    """Switches are atomic: every answer comes from what was in use before or from what is in use after.

    Servers and commands of other processes follow with their next answer.

    Args:
        settings: which model and feature sets are in use.
        models: the trained models.
        feature_sets: the filled ones.
    """

    def __init__(self, settings: SettingsFile, models: ModelStore, feature_sets: FeatureSets) -> None:
        self._settings = settings
        self._models = models
        self._feature_sets = feature_sets

    def models(self) -> list[KeptModel]:
        """The trained models, by name."""
        settings = self._settings.current
        answers = {settings.rating_model: "predict", settings.model: "recommend"}
        return [
            KeptModel(name, self._models.versions(name), self._models.version(name), answers.get(name, ""), *sets)
            for name, sets in self._models.feature_sets().items()
        ]

    def use(
        self,
        model: str | None = None,
        *,
        version: str | None = None,
        back: bool = False,
        encoder: str | None = None,
    ) -> Switched:
        """Use another trained model, another version of one, or another filled feature set, from now on.

        Args:
            model: a trained model: it answers from now on (`predict`, where it predicts ratings; else `recommend`).
                None: versions are those of the model in use.
            version: the version of the model to use, such as "0003".
            back: the version before the one in use.
            encoder: the encoder whose newest feature set queries compare by and trainings learn from; a trained model
                keeps to the set that it learned from.

        Raises:
            InputError: when nothing is asked for, or two things at once.
            NotFoundError: when there is no such version or feature set; nothing is changed.
            NotFittedError: when the model was not trained yet.
            WorkspaceError: when the files of the version are damaged; nothing is changed.
        """
        of_model = model is not None or version is not None or back
        if (version is not None and back) or of_model == (encoder is not None):
            raise InputError(
                "Expected one of: a model with or without a version of it, a version, the one before, an encoder."
            )
        if encoder is not None:
            return Switched(encoder=encoder, n_missing=self._feature_sets.use(encoder))
        name = model or self._settings.current.model
        wanted = self._before(name) if back else version or self._models.version(name)
        trained = self._models.use(name, wanted)
        if model is not None:
            slot = "rating_model" if trained.recommender.capabilities.ratings else "model"
            self._settings.change(**{slot: name})
        return Switched(name, wanted)

    def to_json(self) -> dict[str, Any]:
        """Models and feature sets as JSON-able values."""
        users = self._feature_sets.users()
        sets = [
            {"name": s.name, "encoder": s.encoder_id, "modality": s.modality, "used_by": users.get(s.name, [])}
            for s in self._feature_sets.all()
        ]
        return {"models": [asdict(model) for model in self.models()], "feature_sets": sets}

    def _before(self, name: str) -> str:
        current = self._models.version(name)
        earlier = [version for version in self._models.versions(name) if int(version) < int(current)]
        if not earlier:
            others = ", ".join(other for other in self._models.names() if other != name) or "none"
            raise NotFoundError(
                f"There is no version of {name} before {current}. Use another trained model (there are: {others})."
            )
        return earlier[-1]
