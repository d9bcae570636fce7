"""Cuts of ratings: what is asked for, and what training may know."""

from __future__ import annotations

import numpy as np
import pytest

from rating_shops import items_of_two_looks, rated
from visrec.core.dataset import Dataset
from visrec.core.errors import InputError
from visrec.evaluation.rating_split import describe_rating_split, latest_ratings, rating_folds
from visrec.evaluation.splits import make_split

NAN = float("nan")
#: User 0 rates item 2 twice and has seen it before; user 2 never rates.
HISTORIES = [
    [(2, NAN), (2, 1.0), (0, 4.0), (2, 3.0), (1, 2.0), (3, NAN)],
    [(0, 5.0), (1, 1.0), (4, 2.0), (5, 3.0), (3, 4.0)],
    [(1, NAN)],
    [(4, 1.0)],
]


@pytest.fixture
def shop():
    return Dataset(rated(HISTORIES, 7), items_of_two_looks(7))


def pairs_of(fold):
    return set(zip(fold.user_index.tolist(), fold.item_index.tolist(), strict=True))


def events_of(histories, item_ids):
    return {
        (histories.user_ids[u], item_ids[i]) for u, i in zip(histories.user_index, histories.item_index, strict=True)
    }


def test_the_latest_rating_of_each_pair_counts(shop):
    events = latest_ratings(shop.histories)
    assert events.tolist() == [2, 3, 4, 6, 7, 8, 9, 10, 12]
    assert shop.histories.rating[events[1]] == 3.0


def test_k_folds_ask_for_every_rating_once_and_hide_all_of_the_pair(shop):
    folds = list(rating_folds(shop, "kfold", folds=4, seed=1))
    assert sorted(len(fold.rating) for fold in folds) == [2, 2, 2, 3]
    asked = [pair for fold in folds for pair in pairs_of(fold)]
    assert len(asked) == len(set(asked)) == 9
    for fold in folds:
        hidden = {(f"u{u}", f"i{i}") for u, i in pairs_of(fold)}
        everything = events_of(shop.histories, shop.items.item_ids)
        assert events_of(fold.train.histories, fold.train.items.item_ids) == everything - hidden
        assert events_of(fold.history, fold.items.item_ids) == everything - hidden
        assert len(fold.history) == 4
        assert np.diff(fold.train.histories.indptr).min() > 0
        for user, item, rating in zip(fold.user_index, fold.item_index, fold.rating, strict=True):
            assert dict(HISTORIES[user])[item] == rating


def test_the_seed_decides_the_folds(shop):
    def first(seed):
        return pairs_of(next(iter(rating_folds(shop, "kfold", folds=3, seed=seed))))

    assert first(1) == first(1)
    assert len({frozenset(first(seed)) for seed in range(6)}) > 1


def test_random_asks_for_a_fifth(shop):
    (fold,) = rating_folds(shop, "random", seed=3)
    assert len(fold.rating) == 2


def test_user_time_asks_for_the_last_of_each_user(shop):
    # 3 ratings: 2.4 rounds to 2 kept; 5: 4 kept; 1: kept.
    (fold,) = rating_folds(shop, "user-time")
    assert pairs_of(fold) == {(0, 1), (1, 3)}


def test_item_cold_hides_the_items_that_the_ranking_split_hides(shop):
    (fold,) = rating_folds(shop, "item-cold", seed=42)
    assert fold.train.n_items == 6
    cold = {fold.items.item_ids[i] for i in fold.item_index.tolist()}
    assert cold.isdisjoint(fold.train.items.item_ids)
    assert len(cold) == 1
    ranked = make_split(shop, "item-cold", seed=42)
    assert list(ranked.train.items.item_ids) == list(fold.train.items.item_ids)
    assert fold.history.n_items == 7
    assert not np.isin(fold.history.item_index, fold.item_index).any()
    block = fold.train.items.blocks["image"]
    kept = shop.items.item_ids.rows(list(fold.train.items.item_ids))
    np.testing.assert_array_equal(block.matrix, shop.items.blocks["image"].matrix[kept])


@pytest.mark.parametrize(
    ("histories", "split", "message"),
    [
        ([[(0, NAN), (1, NAN)]], "kfold", "at least 5 ratings to split, got 0 of 2 interactions"),
        ([[(0, 1.0), (1, 2.0)]], "kfold", "at least 5 ratings to split, got 2 of 2"),
        ([[(0, 1.0)]], "random", "at least 2 ratings to split, got 1"),
        ([[(0, 1.0)], [(0, 2.0)]], "item-cold", "2 or more items"),
        ([[(0, 1.0)], [(1, 2.0)]], "user-time", "a user with 2 or more ratings"),
        ([[(0, 1.0)]], "weekly", "kfold, random, user-time, item-cold, got 'weekly'"),
    ],
)
def test_too_little_is_named(histories, split, message):
    with pytest.raises(InputError, match=message):
        list(rating_folds(Dataset(rated(histories, 2), items_of_two_looks(2)), split))


def test_one_fold_is_none(shop):
    with pytest.raises(InputError, match="2 or more folds, got 1"):
        list(rating_folds(shop, "kfold", folds=1))


@pytest.mark.parametrize("split", ["kfold", "random", "user-time", "item-cold"])
def test_every_split_can_be_described(split):
    assert describe_rating_split(split, 5, 42)
