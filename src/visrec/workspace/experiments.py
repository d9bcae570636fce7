"""Experiments: users split between models, what they were shown, and what came of it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from visrec.catalogue.catalogue import Catalogue
from visrec.core.artifacts import write_atomic
from visrec.core.errors import InputError, NotFoundError, WorkspaceError
from visrec.core.lock import WriteLock
from visrec.workspace.assemble import interaction_weights
from visrec.workspace.impressions import Impressions
from visrec.workspace.models import ModelStore
from visrec.workspace.settings import SettingsFile

if TYPE_CHECKING:
    from visrec.evaluation.online import ExperimentResult
    from visrec.workspace.shown_pairs import ShownPairs

__all__ = ["Experiment", "Experiments", "Variant"]

_LONGEST_NAME = 100


@dataclass(frozen=True)
class Variant:
    """One of the ways that an experiment compares.

    Attributes:
        name: of the variant.
        model: the trained model that its users' lists come from.
        weight: how many of the users get it, in relation to the other variants; above 0.
    """

    name: str
    model: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        _check_name(self.name, "a variant")
        if not 0 < self.weight < float("inf"):
            raise InputError(f"Expected a weight above 0 for variant {self.name!r}, got {self.weight}.")


@dataclass(frozen=True)
class Experiment:
    """Users split between models.

    Attributes:
        name: which also decides, together with a user's id, who gets what.
        variants: the first is the one that the others are compared with.
        started: epoch seconds UTC.
        ended: likewise; None while it runs.
    """

    name: str
    variants: tuple[Variant, ...]
    started: int
    ended: int | None = None

    def __post_init__(self) -> None:
        _check_name(self.name, "an experiment")
        names = [variant.name for variant in self.variants]
        if len(names) < 2 or len(set(names)) < len(names):
            raise InputError(
                f"Expected two variants or more, of different names, got: {', '.join(names) or 'none'}. To compare a "
                "model with itself, name its variants: a=blend, b=blend."
            )

    def variant_of(self, user_id: str) -> Variant:
        """The variant that a user gets: always the same, and in the long run as many users as its weight says.

        >>> experiment = Experiment("new", (Variant("a", "blend"), Variant("b", "ease")), started=0)
        >>> [experiment.variant_of(user).name for user in ("ann", "bob", "eve", "ann")]
        ['b', 'a', 'b', 'b']
        """
        digest = hashlib.sha256(f"{self.name}\0{user_id}".encode("utf-8", "surrogatepass")).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        ends = np.cumsum([variant.weight for variant in self.variants])
        return self.variants[min(int(np.searchsorted(ends / ends[-1], place, side="right")), len(self.variants) - 1)]

    def to_json(self) -> dict[str, Any]:
        """{"name", "variants": [{"name", "model", "weight"}], "started", "ended"}."""
        return asdict(self)


class Experiments:
    """SHOP/experiments.json, and the lists that were shown; at most one experiment runs at a time.

    Another process that starts or ends one is followed at the next look.

    Args:
        root: the workspace's folder.
        catalogue: its interactions, and the database of what is live.
        settings: how interactions are weighed.
        models: the trained ones.
    """

    def __init__(self, root: Path, catalogue: Catalogue, settings: SettingsFile, models: ModelStore) -> None:
        self._root = root
        self._file = root / "experiments.json"
        self._catalogue = catalogue
        self._settings = settings
        self._models = models
        self._seen: tuple[str, tuple[Experiment, ...]] = ("", ())
        self.impressions = Impressions(catalogue.live)

    def all(self) -> tuple[Experiment, ...]:
        """Every experiment there was, oldest first.

        Raises:
            WorkspaceError: when the file is damaged.
        """
        try:
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise WorkspaceError(f"{self._file} cannot be read: {error}. Restore it, or take it away.") from error
        # Read once: another thread may replace it meanwhile.
        seen = self._seen
        if seen[0] != text:
            seen = self._seen = text, self._parsed(text)
        return seen[1]

    def get(self, name: str | None = None) -> Experiment:
        """An experiment; the newest without a name.

        Raises:
            NotFoundError: when there is none.
        """
        there = self.all()
        found = [one for one in there if name in (None, one.name)]
        if not found:
            names = ", ".join(one.name for one in there)
            what = f"no experiment {name!r} (there are: {names})" if names and name else "no experiment yet"
            raise NotFoundError(
                f"There is {what} in {self._root}. Start one: visrec experiment start {self._root} NAME "
                "--variant MODEL --variant MODEL"
            )
        return found[-1]

    def running(self) -> Experiment | None:
        """The experiment that users are split by now."""
        there = self.all()
        return there[-1] if there and there[-1].ended is None else None

    def start(self, name: str, variants: Sequence[Variant]) -> Experiment:
        """Split users from now on.

        Args:
            name: a new one: it decides who gets what, so that experiments do not meet the same halves again.
            variants: two or more, the first to compare with.

        Raises:
            InputError: when a name is taken or another experiment runs, or the variants cannot be told apart.
            NotFittedError: when a model was not trained.
        """
        new = Experiment(name, tuple(variants), int(time.time()))
        for variant in new.variants:
            # Loaded now, so that one that is damaged is never shown.
            self._models.load(variant.model)
        with self._writing():
            there = self.all()
            if there and there[-1].ended is None:
                raise InputError(
                    f"Experiment {there[-1].name!r} is running. End it first: visrec experiment end {self._root}"
                )
            if name in {one.name for one in there}:
                raise InputError(f"There was an experiment {name!r} already. Choose another name.")
            self._write((*there, new))
        return new

    def end(self) -> Experiment:
        """From now on everybody gets the model in use again.

        Raises:
            NotFoundError: when none is running.
        """
        with self._writing():
            there = self.all()
            if not there or there[-1].ended is not None:
                raise NotFoundError(f"No experiment is running in {self._root}.")
            ended = replace(there[-1], ended=int(time.time()))
            self._write((*there[:-1], ended))
        return ended

    def report(self, name: str | None = None, days: float = 7.0) -> tuple[Experiment, ExperimentResult]:
        """What came of an experiment so far: of the items shown to users, how many they took afterwards.

        An item counts once for each user, from the first time that it was shown; it was taken when the user's log
        has an event with it after that which counts as liked.

        Args:
            name: of an experiment; None: the newest.
            days: an event counts up to so long after the item was first shown.

        Raises:
            InputError: when `days` is not above 0.
            NotFoundError: when there is no such experiment.
        """
        from visrec.evaluation.online import compare_variants
        from visrec.workspace.shown_pairs import ShownPairs

        if not 0 < days < float("inf"):
            raise InputError(f"Expected days above 0, got {days}.")
        experiment = self.get(name)
        pairs = ShownPairs(self.impressions.of(experiment.name))
        taken = self._taken(experiment, pairs, days)
        shown = {variant.name: pairs.shown(variant.name, taken) for variant in experiment.variants}
        return experiment, compare_variants(shown, [variant.weight for variant in experiment.variants])

    def _taken(self, experiment: Experiment, pairs: ShownPairs, days: float) -> npt.NDArray[np.bool_]:
        """Which of the pairs were followed by something that counts as liked; bool (n_pairs,)."""
        log = self._catalogue.interactions()
        liked = interaction_weights(log, self._settings.current.rules, self._catalogue.rating_range()) > 0
        when = log.column("timestamp").fill_null(-1).to_numpy()
        log = log.filter(liked & (when >= experiment.started))
        when = log.column("timestamp").to_numpy()
        row = pairs.rows(log.column("user_id").to_pylist(), log.column("item_id").to_pylist())
        known = row >= 0
        row, when = row[known], when[known]
        in_time = (when >= pairs.first[row]) & (when <= pairs.first[row] + days * 86_400)
        taken = np.zeros(len(pairs.first), dtype=np.bool_)
        taken[row[in_time]] = True
        return taken

    def _parsed(self, text: str) -> tuple[Experiment, ...]:
        try:
            return tuple(
                Experiment(
                    one["name"],
                    tuple(Variant(**variant) for variant in one["variants"]),
                    one["started"],
                    one["ended"],
                )
                for one in json.loads(text)["experiments"]
            )
        except (ValueError, KeyError, TypeError, InputError) as error:
            raise WorkspaceError(f"{self._file} is damaged ({error!r}). Restore it, or take it away.") from error

    def _writing(self) -> WriteLock:
        return WriteLock(self._root / ".settings.lock", f"The settings of {self._root}", wait=True)

    def _write(self, experiments: Sequence[Experiment]) -> None:
        body = {"experiments": [one.to_json() for one in experiments]}
        write_atomic(self._file, json.dumps(body, ensure_ascii=False, indent=1).encode())


def _check_name(name: str, of: str) -> None:
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InputError(f"Expected {of} named by 1 to {_LONGEST_NAME} printable characters, got {name!r}.")
