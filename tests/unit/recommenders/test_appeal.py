"""Appeal: a ridge regression of popularity on features."""

from __future__ import annotations

import numpy as np
import pytest

from visrec.core.dataset import Dataset
from visrec.core.errors import UnsupportedError
from visrec.core.features import ItemFeatures
from visrec.core.ids import IdMap
from visrec.recommenders.appeal import Appeal, AppealSettings


def likes_of(histories):
    counts = np.zeros(histories.n_items)
    for user in range(len(histories)):
        last = {}
        for event in range(histories.indptr[user], histories.indptr[user + 1]):
            last[histories.item_index[event]] = histories.weight[event]
        for item, weight in last.items():
            counts[item] += weight > 0
    return counts


def joined(items, means):
    parts = []
    for name, block in items.blocks.items():
        rows = block.matrix.astype(np.float64) - means[name]
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        rows[~block.present] = 0.0
        parts.append(rows)
    return np.concatenate(parts, axis=1)


def test_scores_solve_the_ridge_problem(shop):
    model = Appeal(AppealSettings(regularisation=2.0)).fit(shop)
    means = {n: b.matrix[b.present].astype(np.float64).mean(axis=0) for n, b in shop.items.blocks.items()}
    rows = joined(shop.items, means)
    target = np.log1p(likes_of(shop.histories))
    stacked = np.concatenate([rows, np.sqrt(2.0) * np.eye(rows.shape[1])])
    aim = np.concatenate([target - target.mean(), np.zeros(rows.shape[1])])
    weights = np.linalg.lstsq(stacked, aim, rcond=None)[0]
    scores = model.score(shop.histories, shop.items).parts["appeal"]
    np.testing.assert_allclose(scores, np.tile(rows @ weights, (40, 1)), atol=2e-6)
    assert scores.std(axis=1).min() > 0.05


def test_by_hand_in_one_dimension(items_of, histories_of):
    # Likes 3, 0: log 4 and log 1, centred ± log 2. Features ±1; w = 2 log 2 / (2 + lambda 2) = log(2) / 2.
    items = items_of({"image": [[5.0], [1.0]]})
    histories = histories_of([[(0, 1.0)], [(0, 0.3)], [(0, 1.0), (1, -1.0)], [(1, 0.0)]], 2)
    model = Appeal(AppealSettings(regularisation=2.0)).fit(Dataset(histories, items))
    expected = np.log(2) / 2 * np.array([1, -1])
    np.testing.assert_allclose(model.score(histories, items).values, [expected] * 4, atol=1e-6)
    new = items_of({"image": [[1.5], [8.0], None]})
    np.testing.assert_allclose(
        model.score(histories_of([[]], 3), new).values, [[expected[1], expected[0], 0.0]], atol=1e-6
    )


def test_only_the_blocks_of_the_settings_count(shop):
    model = Appeal(AppealSettings(blocks=("text",))).fit(shop)
    blind = ItemFeatures(shop.items.item_ids, {"text": shop.items.blocks["text"]})
    expected = Appeal().fit(Dataset(shop.histories, blind)).score(shop.histories, blind).values
    np.testing.assert_array_equal(model.score(shop.histories, shop.items).values, expected)


def test_without_features_or_likes_there_is_nothing_to_learn(shop, histories_of):
    with pytest.raises(UnsupportedError, match="features and likes"):
        Appeal().fit(Dataset(shop.histories, ItemFeatures(IdMap(shop.items.item_ids))))
    with pytest.raises(UnsupportedError, match="features and likes"):
        Appeal().fit(Dataset(histories_of([[(1, 0.0)], [(2, -1.0)]], 15), shop.items))
