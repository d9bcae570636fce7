"""Predicted ratings for pairs of a user and an item, either of which may be unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa

from visrec.catalogue.items import check_ids
from visrec.catalogue.report import ProblemLog
from visrec.catalogue.tables import read_source
from visrec.core.errors import InputError, UnsupportedError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.ids import IdMap
from visrec.core.protocols import RatingPredictor, Recommender
from visrec.core.settings import FeedbackRules
from visrec.recommenders.registry import RECOMMENDERS, make_recommender
from visrec.workspace.assemble import make_histories

__all__ = [
    "PredictedRating",
    "predict_pairs",
    "rating_models",
    "read_pairs",
    "require_rating_predictor",
]

_BATCH_PAIRS = 1 << 16


@dataclass(frozen=True)
class PredictedRating:
    """One answer.

    Attributes:
        user_id: the user, known or not.
        item_id: the item, known or not.
        rating: on the scale of the data that the model learned from.
        fallback: what the prediction had to do without, and was made from instead; "" where nothing was missing.
    """

    user_id: str
    item_id: str
    rating: float
    fallback: str = ""

    def to_json(self) -> dict[str, Any]:
        """{"user_id", "item_id", "rating"}, and "fallback" where one was taken."""
        line: dict[str, Any] = {"user_id": self.user_id, "item_id": self.item_id, "rating": self.rating}
        return {**line, "fallback": self.fallback} if self.fallback else line


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """User and item of every row of a file; see `read_source` for its types.

    Raises:
        InputError: when the file cannot be used, has no rows, or a row lacks one of the ids.
    """
    source = read_source(path, ("user_id", "item_id"))
    if not len(source.table):
        raise InputError(f"{path} holds no pairs. Expected rows with user_id and item_id.")
    usable = check_ids(source, "user_id", ProblemLog()) & check_ids(source, "item_id", ProblemLog())
    if not usable.all():
        bad = np.flatnonzero(~usable)
        raise InputError(
            f"{path}, line {int(source.line_numbers()[bad[0]])}: expected a user_id and an item_id, without NUL, in "
            f"every row, got {len(bad):,} rows without. Fill them in, or delete these rows."
        )
    users, items = source.table.column("user_id").to_pylist(), source.table.column("item_id").to_pylist()
    return list(zip(users, items, strict=True))


def require_rating_predictor(recommender: Recommender) -> RatingPredictor:
    """A recommender as one that predicts ratings.

    Raises:
        UnsupportedError: when it predicts none; names those that do.
    """
    if not recommender.capabilities.ratings:
        there = rating_models()
        if recommender.id in there:
            raise UnsupportedError(
                f"{recommender.id} was trained on a log without ratings: it ranks, and predicts none. Ingest "
                "interactions with a column `rating` and train it again."
            )
        raise UnsupportedError(
            f"{recommender.id} ranks, and predicts no ratings. Models that predict ratings: {', '.join(there)}."
        )
    return cast(RatingPredictor, recommender)


def rating_models(
    names: Sequence[str] | None = None, changes: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Recommender]:
    """New models for an evaluation of ratings: those named, and always `bias`, that they must beat.

    Args:
        names: out of `RECOMMENDERS`; None: all that predict ratings.
        changes: model -> settings that differ from its own.

    Raises:
        InputError: for an unknown model.
    """
    if names is not None:
        return {name: make_recommender(name, (changes or {}).get(name)) for name in ("bias", *names)}
    made = {name: make_recommender(name, (changes or {}).get(name)) for name in RECOMMENDERS}
    return {name: model for name, model in made.items() if model.capabilities.ratings}


def predict_pairs(
    model: RatingPredictor,
    items: ItemFeatures,
    interactions: pa.Table,
    rules: FeedbackRules,
    pairs: Sequence[tuple[str, str]],
    *,
    batch: int = _BATCH_PAIRS,
) -> Iterator[PredictedRating]:
    """The rating of every pair, in the order given.

    Args:
        model: fitted.
        items: the catalogue's items, as embedded by what the model learned from.
        interactions: the whole log: users' histories as they are now.
        rules: how an interaction becomes a weight.
        pairs: user_id and item_id; a user without interactions is one without a history, an item that the catalogue
            does not have is one without features.
        batch: pairs that are predicted at once.
    """
    user_ids, item_ids = [user for user, _ in pairs], [item for _, item in pairs]
    extended = _with_unknown(items, item_ids)
    histories = make_histories(interactions, extended.item_ids, rules, IdMap(dict.fromkeys(user_ids)))
    for start in range(0, len(user_ids), batch):
        users, things = user_ids[start : start + batch], item_ids[start : start + batch]
        asked, user_index = np.unique(histories.user_ids.rows(users), return_inverse=True)
        item_index = extended.item_ids.rows(things)
        part = histories.take(asked)
        ratings = model.predict(part, extended, user_index, item_index)
        reasons = model.fallbacks(part, extended, user_index, item_index)
        for answer in zip(users, things, ratings.tolist(), reasons, strict=True):
            yield PredictedRating(*answer)


def _with_unknown(items: ItemFeatures, item_ids: Sequence[str]) -> ItemFeatures:
    """The items and, behind them, those that the catalogue does not have, without any features."""
    unknown = [name for name in dict.fromkeys(item_ids) if name not in items.item_ids]
    if not unknown:
        return items
    blocks = {
        block.name: FeatureBlock(
            block.name,
            np.pad(block.matrix, ((0, len(unknown)), (0, 0))),
            np.pad(block.present, (0, len(unknown))),
            block.origin,
            block.labels,
        )
        for block in items.blocks.values()
    }
    nothing = np.full(len(unknown), -1, dtype=np.int64)
    pictures = None if items.pictures is None else items.pictures.take(np.append(np.arange(len(items)), nothing))
    return ItemFeatures(IdMap([*items.item_ids, *unknown]), blocks, pictures)
