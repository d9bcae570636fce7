"""Blend: which sources it takes, how much each counts, and on what scale."""

from __future__ import annotations

import numpy as np
import pytest

from visrec.core.dataset import Dataset
from visrec.core.errors import UnsupportedError
from visrec.core.features import ItemFeatures
from visrec.core.ids import IdMap
from visrec.recommenders.blend import Blend, BlendSettings
from visrec.recommenders.content_knn import content_knn
from visrec.recommenders.ease import Ease

SOME = {"image": [[2.0, 0], [0, 1], [1, 1], [0, 3]], "text": [[1.0], [2], [3], [9]], "category": [[1.0, 0], [0, 1]] * 2}
LIKES = [[(0, 1.0), (1, 1.0)], [(0, 1.0)]]

#: Not the defaults, which are tuned on data and may change.
ROUND = BlendSettings(content_evidence=5.0, appeal_evidence=10.0, popular=0.5)


@pytest.mark.parametrize(
    ("blocks", "users", "sources"),
    [
        (
            ("image", "text", "category"),
            LIKES,
            ("collaborative", "visual", "text", "category", "appeal", "popular"),
        ),
        (("text",), LIKES, ("collaborative", "text", "appeal", "popular")),
        ((), LIKES, ("collaborative", "popular")),
        (("image", "category"), [[(0, -1.0)], [(1, 0.0)]], ("visual", "category", "popular")),
        (("image",), [], ("visual", "popular")),
        ((), [[(0, 0.0)]], ("popular",)),
    ],
    ids=["all", "no pictures", "behaviour only", "no likes", "nobody", "only seen"],
)
def test_it_takes_what_the_catalogue_has_and_says_so(blocks, users, sources, items_of, histories_of):
    items = items_of({name: SOME[name] for name in blocks}, 4)
    histories = histories_of(users, 4)
    model = Blend().fit(Dataset(histories, items))
    assert model.sources == sources
    assert tuple(model.score(histories, items).parts) == sources


def test_a_catalogue_of_nothing_is_refused(items_of, histories_of):
    with pytest.raises(UnsupportedError, match="needs interactions, pictures, texts or categories"):
        Blend().fit(Dataset(histories_of([[]], 2), items_of({}, 2)))


@pytest.mark.parametrize(
    ("users", "content", "appeal"),
    [
        # 10 likes on 4 items: n = 2.5, content 5 / 2.5, appeal of it 2.5 / 12.5.
        ([[(0, 1.0), (1, 1.0), (2, 0.3), (3, 1.0)]] * 2 + [[(0, 1.0)], [(0, 1.0), (1, -1.0)]], 2.0, 0.4),
        # 40 likes on 2 items: n = 20, content 5 / 20, appeal of it 20 / 30.
        ([[(0, 1.0), (1, 0.5)]] * 20, 0.25, 1 / 6),
        # One like on one item: n = 1.
        ([[(2, 1.0), (3, 0.0)]], 5.0, 5 / 11),
    ],
    ids=["few", "many", "one"],
)
def test_weights_by_hand(users, content, appeal, items_of, histories_of):
    data = Dataset(histories_of(users, 4), items_of(SOME))
    weights = Blend(ROUND).fit(data).state()[0]["weights"]
    assert weights == pytest.approx(
        {
            "collaborative": 1.0,
            "visual": content,
            "text": content,
            "category": content,
            "appeal": appeal,
            "popular": content / 2,
        }
    )


def test_without_any_like_content_has_its_full_weight_and_appeal_none(items_of, histories_of):
    weights = Blend(ROUND).fit(Dataset(histories_of([], 4), items_of(SOME))).state()[0]["weights"]
    assert weights["visual"] == 5.0
    assert weights["appeal"] == 0.0


def test_settings_set_the_weights(items_of, histories_of):
    users = [[(0, 1.0), (1, 1.0)]] * 4  # n = 4
    settings = BlendSettings(content_evidence=8.0, appeal_evidence=12.0, popular=0.1)
    weights = Blend(settings).fit(Dataset(histories_of(users, 4), items_of(SOME))).state()[0]["weights"]
    assert (weights["visual"], weights["appeal"], weights["popular"]) == pytest.approx((2.0, 0.5, 0.2))


def popular_part(users, n_items, items_of, histories_of):
    histories = histories_of(users, n_items)
    model = Blend(BlendSettings(popular=1.0)).fit(Dataset(histories, items_of({}, n_items)))
    weight = model.state()[0]["weights"]["popular"]
    return model.score(histories, items_of({}, n_items)).parts["popular"] / weight


def test_parts_are_standardised_over_what_is_known_and_the_rest_is_average(items_of, histories_of):
    # Counts 0, 3, 1, 0: of the known, mean 2 and deviation 1.
    part = popular_part([[(1, 1.0), (2, 1.0)], [(1, 1.0)], [(1, 1.0)]], 4, items_of, histories_of)
    np.testing.assert_allclose(part, [[0, 1, -1, 0]] * 3, atol=1e-6)


@pytest.mark.parametrize("weight", [0.1, 0.3, 0.7, 1.0, 1.1])
def test_equal_scores_are_no_difference_whatever_their_rounding(weight, items_of, histories_of):
    part = popular_part([[(item, weight) for item in range(700)]], 1000, items_of, histories_of)
    assert not part.any()


def test_content_is_standardised_over_all_that_have_it(items_of, histories_of):
    # Cosines to item 0: 1, 0, -1, 0, and item 4 is blind. Squares of the positive ones: 1, 0, 0, 0; mean 1/4,
    # deviation √3 / 4. What looks opposite is below average, not average.
    items = items_of({"image": [[1.0, 0], [0, 1], [-1, 0], [0, -1], None]})
    histories = histories_of([[(0, 1.0)]], 5)
    model = Blend(ROUND).fit(Dataset(histories_of([], 5), items))
    part = model.score(histories, items).parts["visual"] / 5.0
    low = -1 / np.sqrt(3)
    np.testing.assert_allclose(part, [[np.sqrt(3), low, low, low, 0.0]], atol=1e-5)


def test_standardising_keeps_the_order_of_a_content_source(shop):
    model = Blend().fit(shop)
    liked = np.diff(shop.histories.liked().indptr) > 0
    raw = content_knn("image").fit(shop).score(shop.histories, shop.items).values[liked]
    part = model.score(shop.histories, shop.items).parts["visual"][liked]
    there = shop.items.blocks["image"].present
    np.testing.assert_array_equal(
        np.argsort(raw[:, there], axis=1, kind="stable"), np.argsort(part[:, there], axis=1, kind="stable")
    )
    assert (part[:, ~there] == 0).all()
    np.testing.assert_allclose(part[:, there].mean(axis=1), 0, atol=1e-5)
    spread = part[:, there].std(axis=1)
    np.testing.assert_allclose(spread, spread[0], rtol=1e-4)


def test_members_are_the_models_of_their_names(shop):
    part = Blend().fit(shop).score(shop.histories, shop.items).parts["collaborative"]
    raw = Ease().fit(shop).score(shop.histories, shop.items).parts["collaborative"]
    for user in np.flatnonzero(raw.any(axis=1)):
        known = raw[user] != 0
        expected = (raw[user, known] - raw[user, known].mean()) / raw[user, known].std()
        np.testing.assert_allclose(part[user, known], expected, atol=1e-4)
        assert (part[user, ~known] == 0).all()


def test_items_without_any_block_are_ranked_by_behaviour(shop):
    bare = ItemFeatures(IdMap(shop.items.item_ids))
    parts = Blend().fit(shop).score(shop.histories, bare).parts
    assert not parts["visual"].any()
    assert parts["collaborative"].any()


def test_likes_that_cancel_out_are_no_taste(items_of, histories_of):
    # As many likes in each of 7 categories: every item scores 1/7 of 1 and 6/7 of -1/6, up to rounding.
    order = np.random.default_rng(1).permutation(np.repeat(np.arange(7), 50))
    items = items_of({"category": np.eye(7)[order].tolist()})
    histories = histories_of([[(row, 0.3) for row in range(350)]], 350)
    part = Blend(ROUND).fit(Dataset(histories_of([], 350), items)).score(histories, items).parts["category"]
    assert not part.any()
