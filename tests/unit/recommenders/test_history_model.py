"""What all models that read histories do alike, seen on one of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from visrec.core.dataset import Dataset
from visrec.core.errors import NotFittedError, UnsupportedError
from visrec.core.features import ItemFeatures
from visrec.recommenders.two_tower import TwoTower, TwoTowerSettings

QUICK = {"dim": 8, "n_heads": 2, "hidden": 8, "n_epochs": 1, "min_updates": 20}


def vectors_of(model, items):
    """The items' vectors, computed with the network itself."""
    fitted = model._fitted
    known = torch.from_numpy(fitted.item_ids.rows(list(items.item_ids)) + 1)
    with torch.no_grad():
        return fitted.network.tower(known, torch.from_numpy(fitted.features(items))).numpy()


def test_parts_are_the_summands_of_the_score(shop, histories_of):
    model = TwoTower(TwoTowerSettings(**QUICK)).fit(shop)
    scores = model.score(shop.histories, shop.items)
    assert set(scores.parts) == {"collaborative", "visual", "text"}
    # Items 3 and 14 have no picture; nobody has seen items 0 and 14, which have no embedding.
    assert not scores.parts["visual"][:, [3, 14]].any()
    assert scores.parts["visual"][:, 0].any()
    assert not scores.parts["collaborative"][:, [0, 14]].any()
    assert scores.parts["collaborative"][:, 1].any()
    nobody = model.score(histories_of([[]], 15), shop.items).values
    start = model._fitted.network.encode(torch.zeros(1, 1, 16), torch.zeros(1, 1)).detach().numpy()
    np.testing.assert_allclose(nobody, start @ vectors_of(model, shop.items).T, rtol=1e-4, atol=1e-6)


def test_shares_of_the_fusion_are_shown_and_kept(shop):
    model = TwoTower(TwoTowerSettings(**QUICK))
    assert model.fusion_shares == {}
    model.fit(shop)
    assert set(model.fusion_shares) == {"image", "text"}
    assert sum(model.fusion_shares.values()) == pytest.approx(1.0, abs=1e-5)
    assert TwoTower().load_state(*model.state()).fusion_shares == model.fusion_shares


def test_a_dislike_takes_away_its_likeness_by_hand(shop, histories_of):
    model = TwoTower(TwoTowerSettings(push=2.0, **QUICK)).fit(shop)
    histories = histories_of([[(1, 1.0)], [(1, 1.0), (2, -0.5)], [(3, 0.0)], [(2, -1.0)]], 15)
    before, after, nothing, only = model.score(histories, shop.items).values
    vectors = vectors_of(model, shop.items)
    likeness = (vectors[2] - vectors.mean(axis=0)) @ vectors.T
    np.testing.assert_allclose(before - after, 2.0 * 0.5 / 1.5 * likeness, atol=1e-5)
    np.testing.assert_allclose(nothing - only, 2.0 * likeness, atol=1e-5)


def test_only_the_newest_of_a_long_history_counts(shop, histories_of):
    model = TwoTower(TwoTowerSettings(max_length=3, **QUICK)).fit(shop)
    histories = histories_of([[(i, 1.0, i) for i in (1, 2, 4, 5, 6)], [(i, 1.0, i) for i in (4, 5, 6)]], 15)
    long, short = model.score(histories, shop.items).values
    np.testing.assert_allclose(long, short, atol=1e-6)
    other = model.score(histories_of([[(i, 1.0, i) for i in (1, 2, 4)]], 15), shop.items).values[0]
    assert np.abs(other - short).max() > 1e-4


def test_without_features_behaviour_alone_is_learned(shop):
    bare = Dataset(shop.histories, ItemFeatures(shop.items.item_ids))
    model = TwoTower(TwoTowerSettings(**QUICK)).fit(bare)
    scores = model.score(bare.histories, bare.items)
    assert set(scores.parts) == {"collaborative"}
    assert not scores.values[:, [0, 14]].any()
    assert scores.values[:, 1].any()
    assert model.fusion_shares == {}


def test_training_is_shown_in_epochs(shop):
    shown = []

    class Watch:
        def __init__(self, label, *, total, unit):
            shown.append((label, total, unit))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def advance(self, n=1):
            shown.append(n)

    TwoTower(TwoTowerSettings(**QUICK)).fit(shop, Watch)
    assert shown == [("two-tower", 20, "epochs"), *[1] * 20]


def test_errors_say_what_to_do(shop, histories_of):
    with pytest.raises(NotFittedError, match=r"fit\(dataset\)"):
        TwoTower().state()
    with pytest.raises(UnsupportedError, match="two-tower needs likes"):
        TwoTower().fit(Dataset(histories_of([[(1, -1.0)]], 15), shop.items))
