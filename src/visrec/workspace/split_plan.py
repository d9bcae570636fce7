"""How a log is split into what models learn from and what they are judged by, as arguments that can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError
from visrec.evaluation.rating_split import RatingSplitName
from visrec.evaluation.splits import Folds, Split, SplitName, make_folds, make_split

__all__ = ["KFOLD", "SplitPlan"]

#: The split that cuts the log several times.
KFOLD = "kfold"


@dataclass(frozen=True)
class SplitPlan:
    """The arguments that make a split of a workspace's log; equal plans hide the same test part.

    Attributes:
        split: see `make_split`; or "kfold", see `make_folds`.
        seed: see `make_split`; 0 or more.
        test_fraction: see `make_split`.
        test_days: see `make_split`.
        positive_threshold: see `Workspace.dataset`.
        encoder: see `Workspace.dataset`.
        folds: number of folds of "kfold".
        ratings: ratings are predicted and lists are not ranked: see `rating_folds`.
    """

    split: str = "random"
    seed: int = 42
    test_fraction: float | None = None
    test_days: float | None = None
    positive_threshold: float | None = None
    encoder: str | None = None
    folds: int = 5
    ratings: bool = False

    def __post_init__(self) -> None:
        # Said before a dataset is put together, which takes a while.
        known = get_args(RatingSplitName) if self.ratings else (*get_args(SplitName), KFOLD)
        if self.split not in known:
            what = "split of ratings" if self.ratings else "split"
            raise InputError(f"Expected a {what} out of {', '.join(known)}, got {self.split!r}.")
        if self.seed < 0:
            raise InputError(f"Expected a seed of 0 or more, got {self.seed}.")
        if self.ratings and any(v is not None for v in (self.test_fraction, self.test_days, self.positive_threshold)):
            raise InputError("Splits of ratings take neither test_fraction nor test_days nor positive_threshold.")
        if self.split == KFOLD and (self.test_fraction is not None or self.test_days is not None):
            raise InputError("The split kfold takes a number of folds, and neither test_fraction nor test_days.")

    def cut(self, dataset: Dataset, seed: int | None = None) -> Split:
        """Split a dataset once; `seed` replaces the plan's own.

        Raises:
            InputError: where the plan is to cut it several times, and see `make_split`.
        """
        if self.split == KFOLD:
            raise InputError("Expected a split that cuts once, got 'kfold'. Use another, such as 'random'.")
        return make_split(
            dataset,
            self.split,  # type: ignore[arg-type]
            seed=self.seed if seed is None else seed,
            test_fraction=self.test_fraction,
            test_days=self.test_days,
        )

    def folds_of(self, dataset: Dataset) -> Folds:
        """Cut a dataset into the plan's folds; see `make_folds`."""
        return make_folds(dataset, self.folds, seed=self.seed)
