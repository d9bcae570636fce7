"""SHOP/labels: the attributes that the shop itself has named, each with its examples and what was learned of them."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt

from visrec.core.artifacts import load_artifact, load_settings, save_artifact
from visrec.core.errors import NotFoundError, WorkspaceError
from visrec.core.lock import WriteLock

__all__ = ["LabelSet", "LabelStore"]


@dataclass(frozen=True)
class LabelSet:
    """One attribute of a shop's own.

    Attributes:
        name: what it is called in filters.
        feature_set: of the embeddings that it is told by.
        encoder: the name a user types, of the encoder that made them.
        values: what an item can have.
        examples: item id -> value, as people gave them; one of `values`, or of a value that is no longer told.
        judged: what cross-validation found; empty for values told by their names.
        arrays: "weight", "bias" and "doubt" of the classifier; "mean" and "projection" where embeddings are centred.
    """

    name: str
    feature_set: str
    encoder: str
    values: tuple[str, ...]
    examples: Mapping[str, str]
    judged: Mapping[str, float] = field(default_factory=dict)
    arrays: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """All but the arrays."""
        return {
            "attribute": self.name,
            "feature_set": self.feature_set,
            "encoder": self.encoder,
            "values": list(self.values),
            "examples": dict(self.examples),
            "judged": dict(self.judged),
        }


class LabelStore:
    """Saves, loads and forgets label sets; one that another process changed is seen.

    Args:
        root: the workspace's folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / "labels"
        self._loaded: dict[str, tuple[str, LabelSet]] = {}

    def writing(self, name: str) -> WriteLock:
        """A lock for reading, changing and saving one label set."""
        return WriteLock(self._folder / ".locks" / f"{name}.examples", f"The labels {name!r} of {self._root}")

    def names(self) -> list[str]:
        """Names of the label sets."""
        return sorted(path.parent.name for path in self._folder.glob("*/current"))

    def version(self, name: str) -> str:
        """Names the content of a label set: while it is the same, so is the set.

        Raises:
            NotFoundError: when there is no such label set.
        """
        try:
            return (self._folder / name / "current").read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            there = ", ".join(self.names()) or "none yet"
            raise NotFoundError(
                f"{self._root} has no labels {name!r} (there are: {there}). "
                f"Run: visrec label {self._root} --attribute {name} --examples FILE"
            ) from None

    def load(self, name: str) -> LabelSet:
        """A label set.

        Raises:
            NotFoundError: when there is no such label set.
            WorkspaceError: when its files are damaged.
        """
        version = self.version(name)
        known = self._loaded.get(name)
        if known is None or known[0] != version:
            body, arrays = load_artifact(self._folder / name)
            known = self._loaded[name] = (version, self._restore(name, body, arrays))
        return known[1]

    def save(self, labels: LabelSet) -> None:
        """Write a label set and switch to it; on disk when this returns."""
        save_artifact(self._folder / labels.name, labels.to_json(), labels.arrays)

    def forget(self, name: str) -> None:
        """Delete a label set with its examples.

        Raises:
            NotFoundError: when there is no such label set.
        """
        self.version(name)
        # Renamed first: a killed removal leaves no half of a set under its name.
        doomed = self._folder / f".forgotten-{secrets.token_hex(6)}"
        (self._folder / name).rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    def feature_sets(self) -> dict[str, tuple[str, str]]:
        """What uses them -> the feature sets of pictures and of texts that a label set is told by, "" for none."""
        return {
            f"attribute {name}": (str(load_settings(self._folder / name)["feature_set"]), "") for name in self.names()
        }

    def _restore(self, name: str, body: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> LabelSet:
        try:
            return LabelSet(
                name=name,
                feature_set=str(body["feature_set"]),
                encoder=str(body["encoder"]),
                values=tuple(body["values"]),
                examples=dict(body["examples"]),
                judged=dict(body["judged"]),
                arrays=dict(arrays),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise WorkspaceError(
                f"The labels {name!r} in {self._root} were saved by another version of visrec ({error!r}). "
                f"Run: visrec label {self._root} --attribute {name} --forget, and give the examples again."
            ) from error
