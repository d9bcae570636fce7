"""EASE against the formulas of its paper in float64, and against the ridge problems that they solve."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError, UnsupportedError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.ids import IdMap
from visrec.recommenders.ease import Ease, EaseSettings

AS_PUBLISHED = {"user_exponent": 0.0, "item_exponent": 0.0, "dropout": 0.0, "session_weight": 0.0, "min_likes": 1}
PLAIN = EaseSettings(regularisation=2.0, content_weight=0.0, **AS_PUBLISHED)
#: Weak enough regularisation that content and behaviour both show in the scores.
FULL = EaseSettings(regularisation=3.0, content_weight=4.0, blocks=("image", "text"), session_pause=5.0, min_likes=1)


def likes_matrix(histories):
    """Users x items in float64, by a plain loop: the last event of a pair counts, and only when it is positive."""
    matrix = np.zeros((len(histories), histories.n_items))
    for user in range(len(histories)):
        for event in range(histories.indptr[user], histories.indptr[user + 1]):
            matrix[user, histories.item_index[event]] = max(float(histories.weight[event]), 0.0)
    return matrix


def sessions_matrix(histories, pause):
    """The same for sessions: pieces of a history of at least two events, and not all of it."""
    matrix = [np.zeros(histories.n_items)]
    for user in range(len(histories)):
        events = list(range(histories.indptr[user], histories.indptr[user + 1]))
        pieces = []
        for event in events:
            if not pieces or histories.timestamp[event] - histories.timestamp[pieces[-1][-1]] > pause:
                pieces.append([])
            pieces[-1].append(event)
        for piece in pieces:
            if 1 < len(piece) < len(events):
                matrix.append(np.zeros(histories.n_items))
                for event in piece:
                    matrix[-1][histories.item_index[event]] = max(float(histories.weight[event]), 0.0)
    return np.array(matrix)


def damped(likes, exponent):
    """Rows weighed by a power of their sums, relative to the mean sum of those that are not empty."""
    lengths = likes.sum(axis=1)
    weights = np.zeros(len(lengths))
    active = lengths > 0
    if active.any():
        weights[active] = (lengths[active] / lengths[active].mean()) ** -exponent
    return weights[:, None] * likes


def unit_rows(block):
    """Centred on the mean of those that are there, of length 1; zero where absent."""
    rows = block.matrix.astype(np.float64)
    rows = rows - rows[block.present].mean(axis=0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[~block.present] = 0.0
    return rows


@pytest.fixture
def shop(shop):
    """The shop with times: pauses of up to 9 seconds, where `FULL` ends sessions after 5."""
    pauses = np.random.default_rng(2).integers(1, 10, size=shop.histories.n_events)
    return replace(shop, histories=replace(shop.histories, timestamp=np.cumsum(pauses)))


class Reference:
    """The closed form with np.linalg.inv; columns are all items that somebody liked."""

    def __init__(self, dataset, settings):
        likes = likes_matrix(dataset.histories)
        counts = (likes > 0).sum(axis=0)
        self.columns = np.flatnonzero(counts >= settings.min_likes)
        counts = counts[self.columns]
        self.scale = (counts / counts.mean()) ** -settings.item_exponent
        pieces = sessions_matrix(dataset.histories, settings.session_pause)
        self.rows = np.concatenate(
            [
                damped(likes[:, self.columns], settings.user_exponent) * self.scale,
                np.sqrt(settings.session_weight) * damped(pieces[:, self.columns], settings.user_exponent) * self.scale,
            ]
        )
        blocks = [n for n in settings.blocks if n in dataset.items.blocks] if settings.content_weight else []
        self.content = {name: unit_rows(dataset.items.blocks[name]) for name in blocks}
        self.block_weight = settings.content_weight / max(len(blocks), 1)
        gram = self.rows.T @ self.rows + settings.regularisation * np.eye(len(self.columns))
        for features in self.content.values():
            gram += self.block_weight * features[self.columns] @ features[self.columns].T
        # What the paper adds for inputs that are hidden with probability p: p / (1 - p) of the diagonal.
        hidden = np.diag(np.diagonal(gram)) - settings.regularisation * np.eye(len(self.columns))
        self.penalty = settings.regularisation * np.eye(len(self.columns))
        self.penalty += settings.dropout / (1 - settings.dropout) * hidden
        gram += settings.dropout / (1 - settings.dropout) * hidden
        precision = np.linalg.inv(gram)
        self.weights = np.eye(len(self.columns)) - precision / np.diagonal(precision)

    def ridge(self, features):
        """b of a target that nobody liked and that has these features (block -> row), as least squares."""
        left, right = [self.rows], [np.zeros(len(self.rows))]
        for name, row in features.items():
            left.append(np.sqrt(self.block_weight) * self.content[name][self.columns].T)
            right.append(np.sqrt(self.block_weight) * row)
        left.append(np.sqrt(self.penalty))
        right.append(np.zeros(len(self.columns)))
        return np.linalg.lstsq(np.concatenate(left), np.concatenate(right), rcond=None)[0]


@pytest.mark.parametrize("settings", [PLAIN, FULL], ids=["likes only", "content and damping"])
def test_scores_are_the_closed_form(settings, shop):
    expected = Reference(shop, settings)
    model = Ease(settings).fit(shop)
    np.testing.assert_allclose(model.state()[1]["weights"], expected.weights, atol=2e-6)
    inputs = likes_matrix(shop.histories)[:, expected.columns] * expected.scale
    scores = model.score(shop.histories, shop.items).parts["collaborative"]
    np.testing.assert_allclose(scores[:, expected.columns], inputs @ expected.weights / expected.scale, atol=5e-6)
    others = np.setdiff1d(np.arange(shop.n_items), expected.columns)
    assert others.size
    assert (scores[:, others] == 0).all()


def test_by_hand_for_two_items(items_of, histories_of):
    # Yᵀ Y = [[2, 1], [1, 1]]; + lambda 1: [[3, 1], [1, 2]], inverse [[2, -1], [-1, 3]] / 5.
    # B = [[0, 1/3], [1/2, 0]]: column j is divided by P_jj.
    histories = histories_of([[(0, 1.0), (1, 1.0)], [(0, 1.0)]], 2)
    data = Dataset(histories, items_of({}, 2))
    model = Ease(EaseSettings(1.0, 0.0, (), **AS_PUBLISHED)).fit(data)
    np.testing.assert_allclose(model.state()[1]["weights"], [[0, 1 / 3], [1 / 2, 0]], atol=1e-6)
    np.testing.assert_allclose(model.score(histories, data.items).values, [[1 / 2, 1 / 3], [0, 1 / 3]], atol=1e-6)


def test_no_item_recommends_itself(shop):
    weights = Ease(FULL).fit(shop).state()[1]["weights"]
    assert (np.diagonal(weights) == 0).all()


def with_a_new_item(shop, present=("image", "text")):
    generator = np.random.default_rng(5)
    blocks, rows = {}, {}
    for name, block in shop.items.blocks.items():
        row = generator.normal(size=block.dim).astype(np.float32)
        matrix = np.concatenate([block.matrix, row[None] if name in present else np.zeros((1, block.dim), np.float32)])
        blocks[name] = FeatureBlock(name, matrix, np.append(block.present, name in present), block.origin)
        centred = row.astype(np.float64) - block.matrix[block.present].astype(np.float64).mean(axis=0)
        rows[name] = centred / np.linalg.norm(centred) * (name in present)
    return ItemFeatures(IdMap([*shop.items.item_ids, "new"]), blocks), rows


@pytest.mark.parametrize("present", [("image", "text"), ("image",), ()])
def test_a_new_items_column_solves_the_augmented_ridge(present, shop, histories_of):
    reference = Reference(shop, FULL)
    items, features = with_a_new_item(shop, present)
    histories = histories_of([[(2, 1.0), (5, 0.5)], [(1, 1.0)], []], 16)
    inputs = likes_matrix(histories)[:, reference.columns] * reference.scale
    parts = Ease(FULL).fit(shop).score(histories, items).parts
    # Row 15 is the new item; row 0 was there, but nobody liked it, so it has no column either.
    new = parts["visual"][:, 15] + parts["text"][:, 15]
    np.testing.assert_allclose(new, inputs @ reference.ridge(features), atol=2e-6)
    zeros = {name: np.zeros_like(row) for name, row in features.items()}
    for name, source in (("image", "visual"), ("text", "text")):
        alone = reference.ridge({**zeros, name: features[name]})
        np.testing.assert_allclose(parts[source][:, 15], inputs @ alone, atol=2e-6)
    unliked = {name: rows[0] for name, rows in reference.content.items()}
    old = parts["visual"][:, 0] + parts["text"][:, 0]
    np.testing.assert_allclose(old, inputs @ reference.ridge(unliked), atol=2e-6)
    assert (parts["collaborative"][:, [0, 14, 15]] == 0).all()
    assert bool(np.abs(new[:2]).max() > 1e-3) == bool(present)


def test_an_event_on_a_new_item_counts_as_the_mixture_that_its_column_stands_for(shop, histories_of):
    reference = Reference(shop, FULL)
    items, features = with_a_new_item(shop)
    histories = histories_of([[(15, 2.0), (5, 1.0)], [(15, 1.0)]], 16)
    inputs = likes_matrix(histories)[:, reference.columns] * reference.scale
    inputs += np.array([2.0, 1.0])[:, None] * reference.ridge(features)
    parts = Ease(FULL).fit(shop).score(histories, items).parts
    expected = inputs @ reference.weights / reference.scale
    np.testing.assert_allclose(parts["collaborative"][:, reference.columns], expected, atol=5e-6)
    assert np.abs(parts["collaborative"][1]).max() > 1e-3
    new = parts["visual"][:, 15] + parts["text"][:, 15]
    np.testing.assert_allclose(new, inputs @ reference.ridge(features), atol=5e-6)


def test_without_content_a_new_item_scores_zero_and_its_events_say_nothing(shop, histories_of):
    items, _ = with_a_new_item(shop)
    scores = Ease(PLAIN).fit(shop).score(histories_of([[(15, 1.0)], [(2, 1.0)]], 16), items)
    assert list(scores.parts) == ["collaborative"]
    assert (scores.values[0] == 0).all()
    assert scores.values[1, 15] == 0
    assert scores.values[1].any()


@pytest.fixture
def counted(histories_of, items_of):
    """Item 0 liked by 3 users, item 1 by 2, item 2 by 1, item 3 by 2, item 4 only seen."""
    users = [[(0, 1.0), (1, 1.0)], [(0, 1.0), (1, 0.5), (3, 1.0)], [(0, 1.0), (2, 1.0), (3, 1.0)], [(4, 0.0)]]
    return Dataset(histories_of(users, 5), items_of({"image": np.eye(5).tolist()}))


@pytest.mark.parametrize(
    ("min_likes", "max_items", "kept"),
    [
        (1, 99, ["i0", "i1", "i2", "i3"]),
        (2, 99, ["i0", "i1", "i3"]),
        (3, 99, ["i0"]),
        (4, 99, ["i0", "i1", "i2", "i3"]),  # nobody reaches it: every liked item counts
        (0, 99, ["i0", "i1", "i2", "i3"]),
        (1, 2, ["i0", "i1"]),  # items 1 and 3 tie: the first in the catalogue stays
        (1, 3, ["i0", "i1", "i3"]),
    ],
)
def test_which_items_enter_the_closed_form(min_likes, max_items, kept, counted):
    model = Ease(EaseSettings(min_likes=min_likes, max_items=max_items)).fit(counted)
    settings, arrays = model.state()
    assert settings["item_ids"] == kept
    assert arrays["weights"].shape == (len(kept), len(kept))
    scores = model.score(counted.histories, counted.items)
    outside = [row for row in range(5) if f"i{row}" not in kept]
    assert (scores.parts["collaborative"][:, outside] == 0).all()
    assert (scores.parts["visual"][:, [row for row in range(5) if row not in outside]] == 0).all()
    assert scores.parts["visual"][:3, outside].any(axis=0).all()


def test_one_fitted_item_still_speaks_for_new_ones(histories_of, items_of):
    # P = 1 / (1 + lambda + content_weight) = 1 / 6, so a new item that looks the same gets 6⁻¹ · 2.
    items = items_of({"image": [[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]]})
    histories = histories_of([[(0, 1.0)]], 4)
    model = Ease(EaseSettings(3.0, 2.0, ("image",), **AS_PUBLISHED)).fit(Dataset(histories, items))
    expected = [0.0, -2 / 6, 2 / 6, -2 / 6]
    np.testing.assert_allclose(model.score(histories, items).values, [expected], atol=1e-6)


def test_a_gram_matrix_that_cannot_be_inverted_says_what_to_do(histories_of, items_of):
    histories = histories_of([[(0, 1.0), (1, 1.0)]], 2)
    with pytest.raises(UnsupportedError, match="Raise the regularisation"):
        Ease(EaseSettings(0.0, 0.0, (), **AS_PUBLISHED)).fit(Dataset(histories, items_of({}, 2)))


@pytest.mark.parametrize(
    "wrong", [{"dropout": 1.0}, {"dropout": -0.1}, {"session_weight": -1.0}, {"session_pause": -1.0}]
)
def test_wrong_settings_are_named(wrong):
    with pytest.raises(InputError, match="Expected dropout of at least 0 and below 1"):
        EaseSettings(**wrong)


def test_what_was_liked_in_one_session_goes_together(histories_of, items_of):
    # Everybody likes everything, items 0 and 1 in one minute, 2 and 3 in another.
    histories = histories_of([[(0, 1.0, 0), (1, 1.0, 30), (2, 1.0, 5000), (3, 1.0, 5030)]] * 3, 4)
    model = Ease(EaseSettings(3.0, 0.0, (), min_likes=1)).fit(Dataset(histories, items_of({}, 4)))
    scores = model.score(histories_of([[(0, 1.0)]], 4), items_of({}, 4)).values[0]
    assert scores[1] > 2 * scores[2] > 0
    assert scores[2] == pytest.approx(scores[3])
