"""Blend: which members it takes, how their weights come about, and that parts add up."""

from __future__ import annotations

import numpy as np
import pytest

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError, UnsupportedError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.recommenders.blend import Blend, BlendSettings
from visrec.recommenders.content_knn import content_knn
from visrec.recommenders.popular import Popular
from visrec.recommenders.standard_scores import standard_parts

SOME = {"image": [[2.0, 0], [0, 1], [1, 1], [0, 3]], "text": [[1.0], [2], [3], [9]], "category": [[1.0, 0], [0, 1]] * 2}
LIKES = [[(0, 1.0), (1, 1.0)], [(0, 1.0)]]
TWO = BlendSettings(members=("visual-knn", "text-knn"))


@pytest.fixture(scope="module")
def big() -> Dataset:
    """200 users who like pictures of their side; 120 items whose texts are noise. One moment, so no times."""
    generator = np.random.default_rng(1)
    n_items, n_users = 120, 200
    side = generator.choice([-1.0, 1.0], size=n_items)
    image = generator.normal(size=(n_items, 8)).astype(np.float32)
    image[:, 0] = 4 * side
    text = generator.normal(size=(n_items, 8)).astype(np.float32)
    there = np.ones(n_items, bool)
    blocks = {"image": FeatureBlock("image", image, there, "made"), "text": FeatureBlock("text", text, there, "made")}
    rows = [generator.choice(np.flatnonzero(side == (1 if u % 2 else -1)), 12, replace=False) for u in range(n_users)]
    item = np.concatenate(rows).astype(np.int32)
    ones, zeros = np.ones(len(item), np.float32), np.zeros(len(item), np.int64)
    user_ids = IdMap(f"u{user}" for user in range(n_users))
    histories = Histories.from_events(user_ids, n_items, np.repeat(np.arange(n_users), 12), item, ones, zeros)
    return Dataset(histories, ItemFeatures(IdMap(f"i{row}" for row in range(n_items)), blocks))


@pytest.fixture(scope="module")
def learned(big) -> Blend:
    return Blend(TWO).fit(big)


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
    assert "rule of thumb" in model.report


def test_a_catalogue_of_nothing_is_refused(items_of, histories_of):
    with pytest.raises(UnsupportedError, match="needs interactions, pictures, texts or categories"):
        Blend().fit(Dataset(histories_of([[]], 2), items_of({}, 2)))
    with pytest.raises(UnsupportedError, match="needs interactions, pictures, texts or categories"):
        Blend(BlendSettings(members=("ease",))).fit(Dataset(histories_of([[]], 2), items_of({}, 2)))


@pytest.mark.parametrize(
    ("users", "content", "appeal"),
    [
        # 10 likes on 4 items: n = 2.5, content 3 / 2.5, appeal of it 2.5 / 12.5.
        ([[(0, 1.0), (1, 1.0), (2, 0.3), (3, 1.0)]] * 2 + [[(0, 1.0)], [(0, 1.0), (1, -1.0)]], 1.2, 0.24),
        # 40 likes on 2 items: n = 20, content 3 / 20, appeal of it 20 / 30.
        ([[(0, 1.0), (1, 0.5)]] * 20, 0.15, 0.1),
        # One like on one item: n = 1.
        ([[(2, 1.0), (3, 0.0)]], 3.0, 3 / 11),
        # None at all.
        ([[(2, -1.0)]], 3.0, None),
    ],
    ids=["few", "many", "one", "none"],
)
def test_with_too_little_to_learn_from_a_rule_of_thumb_by_hand(users, content, appeal, items_of, histories_of):
    members = ("visual-knn", "text-knn", "text-knn power=1", "appeal", "popular")
    model = Blend(BlendSettings(members=members)).fit(Dataset(histories_of(users, 4), items_of(SOME)))
    expected = {"visual-knn": content, "text-knn": content / 2, "text-knn power=1": content / 2}
    expected |= {"popular": content / 2} if appeal is None else {"appeal": appeal, "popular": content / 2}
    assert list(model.weights) == list(expected)
    for name, weight in expected.items():
        assert list(model.weights[name].values()) == pytest.approx([weight] * 3)


def test_the_score_is_the_weighted_sum_of_standard_scores(items_of, histories_of):
    data = Dataset(histories_of(LIKES, 4), items_of(SOME))
    model = Blend(BlendSettings(members=("visual-knn", "popular"))).fit(data)
    content = 3 / 1.5
    raw = content_knn("image").fit(data).score(data.histories, data.items).parts
    parts = model.score(data.histories, data.items).parts
    np.testing.assert_allclose(parts["visual"], content * standard_parts(raw, data.items)["visual"], atol=1e-5)
    raw = Popular().fit(data).score(data.histories, data.items).parts
    np.testing.assert_allclose(parts["popular"], content / 2 * standard_parts(raw, data.items)["popular"], atol=1e-5)


def test_what_helps_is_learned_and_what_does_not_is_not(big, learned):
    assert "weights learned on" in learned.report
    picture = learned.weights["visual-knn"]
    assert min(picture["new"], picture["few likes"]) > 0.5
    assert max(learned.weights.get("text-knn", {"new": 0.0}).values()) < 0.25 * max(picture.values())


def test_members_without_weight_are_left_out(big):
    # All items are liked about as often: nothing is learned from how often, and of new items nothing is known.
    model = Blend(BlendSettings(members=("visual-knn", "popular"))).fit(big)
    assert list(model.weights) == ["visual-knn"]
    assert model.sources == ("visual",)
    assert "popular adds" in model.report


def test_lists_are_of_the_right_side(big, learned):
    scores = learned.score(big.histories, big.items).values.copy()
    scores[big.histories.matrix().toarray() != 0] = -np.inf
    top = np.argsort(-scores, axis=1)[:, :10]
    right = (big.items.blocks["image"].matrix[:, 0] > 0)[top] == (np.arange(len(scores)) % 2 == 1)[:, None]
    assert right.mean() > 0.98


def test_a_new_item_gets_what_was_learned_of_new_items(big, learned):
    state, arrays = learned.state()
    blocks = {name: block.take(np.append(np.arange(120), 0)) for name, block in big.items.blocks.items()}
    items = ItemFeatures(IdMap([*big.items.item_ids, "twin of i0"]), blocks)
    known = big.histories
    histories = Histories(known.user_ids, 121, known.indptr, known.item_index, known.weight, known.timestamp)
    # Here no held-out like is of an item that is new by nature; say that there were some.
    moved = Blend().load_state({**state, "new": 0.75}, arrays)
    parts = moved.score(histories, items).parts
    np.testing.assert_allclose(parts["new"][:, -1], 0.75)
    liked = np.bincount(known.item_index, minlength=120) > 0
    assert not parts["new"][:, :120][:, liked].any()
    assert parts["visual"][:, -1].std() > 0.1


def test_where_the_log_has_no_times_members_that_forget_are_not_tried(shop, items_of, histories_of):
    assert not any("half_life" in name or "recently" in name for name in Blend().fit(shop).weights)
    timed = histories_of([[(0, 1.0, 5), (1, 1.0, 86_400)], [(0, 1.0, 7)]], 4)
    assert "recently-popular" in Blend().fit(Dataset(timed, items_of(SOME))).weights


def test_a_saved_model_still_says_what_each_source_adds(learned):
    loaded = Blend().load_state(*learned.state())
    assert (loaded.report, loaded.weights) == (learned.report, learned.weights)
    assert (loaded.sources, loaded.settings) == (learned.sources, learned.settings)


def test_the_report_names_members_weights_and_gains(learned):
    lines = learned.report.splitlines()
    assert lines[0].split()[-5:] == ["new", "few", "likes", "many", "likes"]
    weights = [f"{weight:.2f}" for weight in learned.weights["visual-knn"].values()]
    assert next(line for line in lines if "visual-knn" in line).split() == ["visual-knn", "(visual)", *weights]
    gains = next(line for line in lines if line.split()[:2] == ["visual", "adds"]).split()[2:]
    assert all(float(gain) > 0.01 for gain in gains)


def test_members_are_settings(shop):
    model = Blend(BlendSettings(members=("visual-knn whiten=1", "text-knn power=1"))).fit(shop)
    assert [member["state"]["settings"]["power"] for member in model.state()[0]["members"]] == [None, 1.0]
    assert model.sources == ("visual", "text")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"members": ()}, "Expected members"),
        ({"members": ("ease", "ease")}, "each once"),
        ({"members": ("ease", "blend")}, "member of itself"),
        ({"evidence": 0.0}, "above 0"),
        ({"prior_strength": 0.0}, "above 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, words):
    with pytest.raises(InputError, match=words):
        BlendSettings(**changes)


def test_a_member_that_does_not_exist_is_named(shop):
    with pytest.raises(InputError, match="nonsense"):
        Blend(BlendSettings(members=("nonsense",))).fit(shop)


def test_items_without_any_block_are_ranked_by_behaviour(shop):
    bare = ItemFeatures(IdMap(shop.items.item_ids))
    parts = Blend().fit(shop).score(shop.histories, bare).parts
    assert not parts["visual"].any()
    assert parts["collaborative"].any()
