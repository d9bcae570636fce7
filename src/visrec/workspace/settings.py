"""What a workspace remembers besides its data: which feature sets and which model are in use."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from visrec.core.artifacts import write_atomic
from visrec.core.errors import InputError, WorkspaceError
from visrec.core.lock import WriteLock
from visrec.core.settings import FeedbackRules

__all__ = ["SettingsFile", "WorkspaceSettings"]

_FORMAT = 1


@dataclass(frozen=True)
class WorkspaceSettings:
    """Contents of SHOP/visrec.json.

    Attributes:
        image_features: name of the feature set of pictures in use, "" before `encode`.
        text_features: name of the feature set of texts in use, "" without one.
        image_encoder: id of the encoder that fills `image_features`; new items are encoded with it.
        text_encoder: likewise for `text_features`.
        model: name of the model that `recommend` uses.
        rating_model: name of the model that `predict` uses.
        positive_threshold: see `FeedbackRules`.
    """

    image_features: str = ""
    text_features: str = ""
    image_encoder: str = ""
    text_encoder: str = ""
    model: str = "blend"
    rating_model: str = "visual-mf"
    positive_threshold: float | None = None

    def __post_init__(self) -> None:
        # Refuses what the rules refuse.
        _ = self.rules

    @property
    def rules(self) -> FeedbackRules:
        """How interactions become weights."""
        return FeedbackRules(positive_threshold=self.positive_threshold)

    def write(self, root: Path) -> None:
        """Replace SHOP/visrec.json."""
        body = {"format": _FORMAT, **asdict(self)}
        write_atomic(root / "visrec.json", json.dumps(body, ensure_ascii=False, indent=1).encode())

    @classmethod
    def read(cls, root: Path) -> WorkspaceSettings:
        """Read SHOP/visrec.json; settings that an older version did not have keep their defaults.

        Raises:
            WorkspaceError: when the file is damaged or of a newer format.
        """
        file = root / "visrec.json"
        try:
            body = json.loads(file.read_text(encoding="utf-8"))
            if body.pop("format") > _FORMAT:
                raise WorkspaceError(f"{file} was written by a newer visrec. Update visrec.")
            return cls(**body)
        except PermissionError as error:
            raise WorkspaceError(f"{file} may not be read. Check its permissions.") from error
        except (OSError, InputError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise WorkspaceError(f"{file} is damaged ({error}). Restore it, or build the workspace anew.") from error


class SettingsFile:
    """SHOP/visrec.json; what another process writes there is seen at the next look."""

    def __init__(self, root: Path, current: WorkspaceSettings) -> None:
        self._root = root
        self._seen = (0, 0), current

    @property
    def current(self) -> WorkspaceSettings:
        """The settings as they are now.

        Raises:
            WorkspaceError: when the file is damaged.
        """
        state = _state(self._root / "visrec.json")
        if state != self._seen[0]:
            self._seen = state, WorkspaceSettings.read(self._root)
        return self._seen[1]

    def change(self, **changes: Any) -> None:
        """Write settings with some fields changed."""
        # Read again: another process may have changed other settings since this one looked.
        with WriteLock(self._root / ".settings.lock", f"The settings of {self._root}", wait=True):
            replace(WorkspaceSettings.read(self._root), **changes).write(self._root)


def _state(file: Path) -> tuple[int, int]:
    """Another for every content that was written: the file is replaced, never changed."""
    try:
        status = file.stat()
    except OSError:
        return (0, 0)
    return (status.st_ino, status.st_mtime_ns)
