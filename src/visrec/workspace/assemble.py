"""Tables of the catalogue made into the arrays that recommenders take."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from visrec.catalogue.catalogue import Catalogue
from visrec.catalogue.features import FeatureStore
from visrec.core.features import FeatureBlock
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.settings import FeedbackRules

__all__ = ["current_histories", "image_block", "interaction_weights", "make_histories", "text_block", "unit_rows"]


#: Up to so many users, each is looked up; for more, reading the whole log is as fast.
_LOOKED_UP = 500


def image_block(item_ids: IdMap, images: pa.Table, store: FeatureStore, feature_set: str) -> FeatureBlock:
    """Embeddings of the items' pictures: of several pictures, the mean of their directions.

    Args:
        item_ids: the n_items items.
        images: item_id and sha256 of every usable picture.
        store: where embeddings are.
        feature_set: name of the feature set.

    Returns:
        Block "image", float32 (n_items, dim); rows have length 1, or 0 without an embedded picture.
    """
    vectors, known = store.read(feature_set, images.column("sha256").to_pylist())
    rows = item_ids.rows(images.column("item_id").to_pylist())
    kept = known & (rows >= 0)
    directions = unit_rows(vectors[kept])
    if len(np.unique(rows[kept])) == kept.sum():
        matrix = np.zeros((len(item_ids), vectors.shape[1]), dtype=np.float32)
        matrix[rows[kept]] = directions
    else:
        from scipy.sparse import csr_matrix

        owners = csr_matrix(
            (np.ones(kept.sum(), dtype=np.float32), (rows[kept], np.arange(kept.sum()))),
            shape=(len(item_ids), int(kept.sum())),
        )
        matrix = unit_rows(np.asarray(owners @ directions, dtype=np.float32))
    return FeatureBlock("image", matrix, np.any(matrix != 0, axis=1), feature_set)


def text_block(keys: list[str], store: FeatureStore, feature_set: str) -> FeatureBlock:
    """Embeddings of the items' texts, float32 (n_items, dim); `keys` are content hashes, "" for no text."""
    vectors, known = store.read(feature_set, keys)
    return FeatureBlock("text", vectors, known, feature_set)


def interaction_weights(
    interactions: pa.Table, rules: FeedbackRules, rating_range: tuple[float, float] | None = None
) -> npt.NDArray[np.float32]:
    """Weight of each interaction by the rules; float32 (n_events,).

    Args:
        interactions: the whole log, or a part of it.
        rules: how an interaction becomes a weight.
        rating_range: lowest and highest rating of the whole log; None: that of the table.
    """
    kinds = interactions.column("kind").combine_chunks().dictionary_encode()
    by_kind = np.array([rules.kind_weights.get(kind, 1.0) for kind in kinds.dictionary.to_pylist()], dtype=np.float32)
    codes = kinds.indices.to_numpy(zero_copy_only=False)
    if not len(codes):
        return np.zeros(0, dtype=np.float32)
    weights = by_kind[codes]
    value, rated = _values(interactions)
    if rating_range is None and rated.any():
        rating_range = (value[rated].min(), value[rated].max())
    if rating_range is not None and rating_range[1] > rating_range[0]:
        low, high = rating_range
        weights[rated] *= 1.0 + rules.value_influence * (2.0 * (value[rated] - low) / (high - low) - 1.0)
    if rules.positive_threshold is not None:
        below = np.nan_to_num(value, nan=np.inf) < rules.positive_threshold
        weights[below & (weights > 0)] = 0.0
    return weights


def current_histories(
    catalogue: Catalogue, item_ids: IdMap, rules: FeedbackRules, user_ids: IdMap | None = None
) -> Histories:
    """Histories as they are now, live events included; see `make_histories`.

    Few users are looked up, in time that does not grow with the log.
    """
    if user_ids is None or len(user_ids) > _LOOKED_UP:
        return make_histories(catalogue.interactions(), item_ids, rules, user_ids, catalogue.rating_range())
    theirs = catalogue.interactions_of(list(user_ids))
    return make_histories(theirs, item_ids, rules, user_ids, catalogue.rating_range())


def make_histories(
    interactions: pa.Table,
    item_ids: IdMap,
    rules: FeedbackRules,
    user_ids: IdMap | None = None,
    rating_range: tuple[float, float] | None = None,
) -> Histories:
    """Interactions as histories over the items, oldest first.

    Args:
        interactions: user_id, item_id, kind, value, timestamp: the whole log, or with `rating_range` a part of it.
        item_ids: the items; interactions with others are left out.
        rules: how an interaction becomes a weight.
        user_ids: the users wanted, with or without interactions; None: all that have any, in order of first sight.
        rating_range: lowest and highest rating of the whole log; None: that of `interactions`.
    """
    weights = interaction_weights(interactions, rules, rating_range)
    users = interactions.column("user_id").combine_chunks()
    if user_ids is not None:
        wanted = pc.is_in(users, pa.array(list(user_ids), pa.string()))
        interactions, weights = interactions.filter(wanted), weights[wanted.to_numpy(zero_copy_only=False)]
        users = interactions.column("user_id").combine_chunks()
    user_rows, names = _codes(users)
    if user_ids is None:
        user_ids = IdMap(names)
    else:
        user_rows = user_ids.rows(names)[user_rows] if len(user_rows) else user_rows
    item_codes, item_names = _codes(interactions.column("item_id").combine_chunks())
    item_rows = item_ids.rows(item_names)[item_codes] if len(item_codes) else item_codes
    known = item_rows >= 0
    value, rated = _values(interactions)
    timestamp = interactions.column("timestamp").fill_null(0).to_numpy().astype(np.int64)
    return Histories.from_events(
        user_ids,
        len(item_ids),
        user_rows[known],
        item_rows[known].astype(np.int32),
        weights[known],
        timestamp[known],
        np.where(rated, value, np.nan).astype(np.float32)[known],
    )


def _values(interactions: pa.Table) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The value of every event, and whether it is a rating: of kind "rate", and a number; (n_events,) both."""
    value = interactions.column("value").to_numpy()
    rates = pc.equal(interactions.column("kind"), "rate").to_numpy().astype(np.bool_)
    return value, rates & np.isfinite(value)


def _codes(column: pa.Array) -> tuple[npt.NDArray[np.int64], list[str]]:
    encoded = column.dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary.to_pylist()


def unit_rows(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Rows of length 1; rows of zeros stay zero. float32 (n, dim)."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-12)
