"""How a log is split into what models learn from and what they are judged by, as arguments that can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError
from visrec.evaluation.splits import Split, SplitName, make_split

__all__ = ["SplitPlan"]


@dataclass(frozen=True)
class SplitPlan:
    """The arguments that make a split of a workspace's log; equal plans hide the same test part.

    Attributes:
        split: see `make_split`.
        seed: see `make_split`; 0 or more.
        test_fraction: see `make_split`.
        test_days: see `make_split`.
        positive_threshold: see `Workspace.dataset`.
        encoder: see `Workspace.dataset`.
    """

    split: str = "random"
    seed: int = 42
    test_fraction: float | None = None
    test_days: float | None = None
    positive_threshold: float | None = None
    encoder: str | None = None

    def __post_init__(self) -> None:
        # Said before a dataset is put together, which takes a while.
        if self.split not in get_args(SplitName):
            raise InputError(f"Expected a split out of {', '.join(get_args(SplitName))}, got {self.split!r}.")
        if self.seed < 0:
            raise InputError(f"Expected a seed of 0 or more, got {self.seed}.")

    def cut(self, dataset: Dataset, seed: int | None = None) -> Split:
        """Split a dataset; `seed` replaces the plan's own."""
        return make_split(
            dataset,
            self.split,  # type: ignore[arg-type]
            seed=self.seed if seed is None else seed,
            test_fraction=self.test_fraction,
            test_days=self.test_days,
        )
