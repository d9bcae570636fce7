"""What lists measure: all metrics of one model's first k for every evaluated user of a split, and of several splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.evaluation.beyond_accuracy import (
    coverage,
    directions,
    gini,
    gini_without_each,
    intra_list_diversity,
    liked_popularity,
    most_popular,
    n_users_of_items,
    novelty,
    popularity_lift,
    popularity_share,
    recommended_once,
)
from visrec.evaluation.calibration import category_shares, miscalibration, profiles
from visrec.evaluation.intervals import Interval, bootstrap_columns, jackknife_interval
from visrec.evaluation.metrics import METRICS
from visrec.evaluation.splits import Split

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["BEYOND_ACCURACY", "Judge", "Measures", "make_judges", "pool"]

PerUser = npt.NDArray[np.float64]

#: Metrics beyond accuracy, in the order of reports.
BEYOND_ACCURACY = (
    "coverage",
    "gini",
    "novelty",
    "diversity",
    "popularity_share",
    "popularity_lift",
    "miscalibration",
)
#: Share of the training items that counts as popular.
_POPULAR_SHARE = 0.2


@dataclass(frozen=True)
class Measures:
    """All metrics of one model's lists.

    Attributes:
        per_user: metric that is a mean over users -> float64 (n_users,), NaN where a user does not have it.
        whole: metric of all lists together -> its value, and float64 (n_users,): its value without each user.
    """

    per_user: Mapping[str, PerUser]
    whole: Mapping[str, tuple[float, PerUser]]

    def figures(self, seed: int) -> dict[str, Interval]:
        """Every metric with its interval, in the order of reports."""
        intervals = bootstrap_columns(np.stack(list(self.per_user.values()), axis=1), seed=seed)
        figures = dict(zip(self.per_user, intervals, strict=True))
        figures |= {name: jackknife_interval(value, without) for name, (value, without) in self.whole.items()}
        accuracy = [name for name in figures if name not in BEYOND_ACCURACY]
        return {name: figures[name] for name in (*accuracy, *BEYOND_ACCURACY)}


@dataclass(frozen=True)
class Judge:
    """What all models of a split are judged against.

    Attributes:
        split: the split.
        n_users_of_item: int64 (n_items,), training users that have each item.
        popular: bool (n_items,).
        liked: float64 (n_users,), see `liked_popularity`.
        unit: float32 (n_items, dim) directions of the image embeddings; None without images.
        shares: see `category_shares`; None without categories.
        profile: see `profiles`; None without categories.
    """

    split: Split
    n_users_of_item: npt.NDArray[np.int64]
    popular: npt.NDArray[np.bool_]
    liked: PerUser
    unit: npt.NDArray[np.float32] | None
    shares: csr_matrix | None
    profile: csr_matrix | None

    def measure(self, top: npt.NDArray[np.int64]) -> Measures:
        """All metrics of lists.

        Args:
            top: int64 (n_users, k), see `metrics`.
        """
        k, split = top.shape[1], self.split
        values = {f"{name}@{k}": metric(top, split.relevant) for name, metric in METRICS.items()}
        undefined = np.full(top.shape[0], np.nan)
        values["novelty"] = novelty(top, self.n_users_of_item, split.train.n_users)
        values["diversity"] = intra_list_diversity(top, self.unit) if self.unit is not None else undefined
        values["popularity_share"] = popularity_share(top, self.popular)
        values["popularity_lift"] = values["miscalibration"] = undefined
        # Nobody can have known items that are all hidden from training.
        if self.n_users_of_item[split.candidates].any():
            values["popularity_lift"] = popularity_lift(top, self.liked, self.n_users_of_item)
        if self.shares is not None and self.profile is not None:
            values["miscalibration"] = miscalibration(top, self.profile, self.shares)
        covered = coverage(top, split.candidates)
        whole = {
            "coverage": (covered, covered - recommended_once(top) / int(split.candidates.sum())),
            "gini": (gini(top, split.candidates), gini_without_each(top, split.candidates)),
        }
        return Measures(values, whole)


def make_judges(splits: Sequence[Split]) -> list[Judge]:
    """A judge of each split; what depends on the items alone, which are the same in all, is prepared once."""
    blocks = splits[0].items.blocks
    unit = directions(blocks["image"]) if "image" in blocks else None
    shares = category_shares(blocks["category"]) if "category" in blocks else None
    judges = []
    for split in splits:
        counts = _counts_over(split.items, split.train.items, split.train.histories)
        popular = most_popular(counts, int(np.rint(_POPULAR_SHARE * len(split.train.items))))
        liked = split.history.liked()
        profile = profiles(liked, shares) if shares is not None else None
        judges.append(Judge(split, counts, popular, liked_popularity(liked, counts), unit, shares, profile))
    return judges


def _counts_over(items: ItemFeatures, known: ItemFeatures, histories: Histories) -> npt.NDArray[np.int64]:
    """Users of each of `items`, int64 (n_items,), from histories over `known`, a part of them."""
    counts = np.zeros(len(items), dtype=np.int64)
    counts[items.item_ids.rows(list(known.item_ids))] = n_users_of_items(histories)
    return counts


def pool(measures: Sequence[Measures], rows: Sequence[npt.NDArray[np.int64]], n_users: int) -> Measures:
    """One model's measures on several splits as one.

    A user's figure is its mean over the splits in which the user has it. A figure of all lists together is its mean
    over the splits; the one without a user leaves the user out of all splits at once.

    Args:
        measures: one a split.
        rows: for each split int64 (n_users_of_split,), its users' rows among all users.
        n_users: number of users in any split.
    """
    per_user = {name: _mean([m.per_user[name] for m in measures], rows, n_users) for name in measures[0].per_user}
    whole = {name: _whole([m.whole[name] for m in measures], rows, n_users) for name in measures[0].whole}
    return Measures(per_user, whole)


def _mean(values: Sequence[PerUser], rows: Sequence[npt.NDArray[np.int64]], n_users: int) -> PerUser:
    total, count = np.zeros(n_users), np.zeros(n_users)
    for value, row in zip(values, rows, strict=True):
        known = ~np.isnan(value)
        total[row[known]] += value[known]
        count[row[known]] += 1
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _whole(
    values: Sequence[tuple[float, PerUser]], rows: Sequence[npt.NDArray[np.int64]], n_users: int
) -> tuple[float, PerUser]:
    without = np.zeros(n_users)
    for (value, left_out), row in zip(values, rows, strict=True):
        # A split that does not hold the user stays as it is.
        of_split = np.full(n_users, value)
        of_split[row] = left_out
        without += of_split
    return float(np.mean([value for value, _ in values])), without / len(values)
