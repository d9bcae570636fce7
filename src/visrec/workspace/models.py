"""The trained models of a workspace, each with the feature sets that it was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from visrec.core.artifacts import (
    current_version,
    load_artifact,
    load_settings,
    save_artifact,
    use_version,
    versions_of,
)
from visrec.core.errors import InputError, NotFittedError, NotFoundError, WorkspaceError
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
    """SHOP/models: saves, loads and remembers models; a version that another process switched in is seen.

    All methods may be called by several threads.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / "models"
        self._loaded: dict[str, TrainedModel] = {}
        self._loading: dict[str, Lock] = {}

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

        One thread loads a version that was switched in; until it has, the others get the one before, or wait where
        there is none.

        Raises:
            InputError: when there is no recommender of that name.
            NotFittedError: when it was not trained yet.
            WorkspaceError: when its files are damaged.
        """
        version, model = self.version(name), self._loaded.get(name)
        if model is not None and model.version == version:
            return model
        loading = self._loading.setdefault(name, Lock())
        if model is None:
            with loading:
                return self._load(name)
        if not loading.acquire(blocking=False):
            return model
        try:
            return self._load(name)
        finally:
            loading.release()

    def version(self, name: str) -> str:
        """The version in use of a model; raises as `load`."""
        if name not in RECOMMENDERS:
            raise InputError(f"There is no recommender {name!r}. Known: {', '.join(RECOMMENDERS)}.")
        try:
            return current_version(self._folder / name)
        except NotFoundError:
            there = ", ".join(self.names())
            raise NotFittedError(
                f"There is no trained model {name!r} in {self._root} (trained: {there or 'none'}). "
                f"Run: visrec train {self._root} --model {name}"
            ) from None

    def versions(self, name: str) -> tuple[str, ...]:
        """The versions of a model that are kept, oldest first."""
        return tuple(versions_of(self._folder / name))

    def use(self, name: str, version: str) -> TrainedModel:
        """Switch to a version of a model, once it is loaded: one that is damaged is never in use.

        Raises:
            NotFoundError: when there is no such version; and as `load`.
        """
        self.version(name)
        if version not in self.versions(name):
            there = ", ".join(self.versions(name))
            raise NotFoundError(f"The model {name} has no version {version!r} (there are: {there or 'none'}).")
        model = self._read(name, version)
        use_version(self._folder / name, version)
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

    def _load(self, name: str) -> TrainedModel:
        while True:
            version, model = self.version(name), self._loaded.get(name)
            if model is None or model.version != version:
                try:
                    model = self._read(name, version)
                except WorkspaceError:
                    if self.version(name) != version:
                        # It was taken away while it was read: others have trained meanwhile, and more than once.
                        continue
                    raise
                self._loaded[name] = model
            return model

    def _read(self, name: str, version: str) -> TrainedModel:
        body, arrays = load_artifact(self._folder / name, version)
        recommender = make_recommender(name)
        try:
            recommender.load_state(body["state"], arrays)
        except (KeyError, TypeError, ValueError) as error:
            raise WorkspaceError(
                f"The trained model {name} in {self._root} was saved by another version of visrec ({error!r}). "
                f"Train it again: visrec train {self._root} --model {name}"
            ) from error
        return TrainedModel(version, recommender, str(body["image_features"]), str(body["text_features"]))
