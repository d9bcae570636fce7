"""The trained models of a workspace, each with the feature sets that it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from visrec.core.artifacts import load_artifact, load_settings, save_artifact
from visrec.core.errors import InputError, NotFittedError, WorkspaceError
from visrec.core.protocols import Recommender
from visrec.recommenders.registry import RECOMMENDERS, make_recommender

__all__ = ["ModelStore", "TrainedModel"]


@dataclass(frozen=True)
class TrainedModel:
    """A fitted recommender.

    Attributes:
        version: "0001" and up.
        recommender: fitted.
        image_features: feature set of pictures that it was trained on, "" for none.
        text_features: feature set of texts that it was trained on, "" for none.
    """

    version: str
    recommender: Recommender
    image_features: str
    text_features: str


class ModelStore:
    """SHOP/models: saves, loads and remembers models; a version that another process switched in is seen."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / "models"
        self._loaded: dict[str, TrainedModel] = {}

    def save(self, recommender: Recommender, image_features: str, text_features: str) -> None:
        """Write a new version of a fitted recommender and switch to it."""
        settings, arrays = recommender.state()
        body = {
            "model": recommender.id,
            "image_features": image_features,
            "text_features": text_features,
            "state": settings,
        }
        version = save_artifact(self._folder / recommender.id, body, arrays)
        self._loaded[recommender.id] = TrainedModel(version, recommender, image_features, text_features)

    def load(self, name: str) -> TrainedModel:
        """The version in use of a model.

        Raises:
            InputError: when there is no recommender of that name.
            NotFittedError: when it was not trained yet.
            WorkspaceError: when its files are damaged.
        """
        if name not in RECOMMENDERS:
            raise InputError(f"There is no recommender {name!r}. Known: {', '.join(RECOMMENDERS)}.")
        try:
            version = (self._folder / name / "current").read_text().strip()
        except FileNotFoundError:
            there = ", ".join(self.names())
            raise NotFittedError(
                f"There is no trained model {name!r} in {self._root} (trained: {there or 'none'}). "
                f"Run: visrec train {self._root} --model {name}"
            ) from None
        model = self._loaded.get(name)
        if model is None or model.version != version:
            body, arrays = load_artifact(self._folder / name)
            model = self._restore(name, version, body, arrays)
            self._loaded[name] = model
        return model

    def names(self) -> list[str]:
        """Names of the trained models."""
        return sorted(path.parent.name for path in self._folder.glob("*/current"))

    def feature_sets(self) -> dict[str, tuple[str, str]]:
        """Name of a trained model -> the feature sets of pictures and of texts that it uses, "" for none."""
        sets = {}
        for name in self.names():
            body = load_settings(self._folder / name)
            sets[name] = (str(body["image_features"]), str(body["text_features"]))
        return sets

    def _restore(
        self, name: str, version: str, body: Mapping[str, object], arrays: Mapping[str, object]
    ) -> TrainedModel:
        recommender = make_recommender(name)
        try:
            recommender.load_state(body["state"], arrays)  # type: ignore[arg-type]
        except (KeyError, TypeError, ValueError) as error:
            raise WorkspaceError(
                f"The trained model {name} in {self._root} was saved by another version of visrec ({error!r}). "
                f"Train it again: visrec train {self._root} --model {name}"
            ) from error
        return TrainedModel(version, recommender, str(body["image_features"]), str(body["text_features"]))
