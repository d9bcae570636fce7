"""FREEDOM against plain loops in float64: graphs, propagation, loss, gradient and scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from visrec.core.dataset import Dataset
from visrec.core.errors import UnsupportedError
from visrec.core.progress import silent
from visrec.core.settings import change_settings
from visrec.recommenders import sparse_graph
from visrec.recommenders.freedom import Freedom, FreedomSettings
from visrec.recommenders.freedom_network import FreedomNetwork, FreedomTraining
from visrec.recommenders.sparse_graph import Edges, nearest_items, normalised

SMALL = FreedomSettings(dim=4, neighbours=2, blocks=("image", "text"), n_epochs=1)
SLICES = {"image": slice(0, 3), "text": slice(3, 5)}
#: 4 users, 5 items; user 3 has one like.
LIKES = np.array([[1, 0.5, 0, 0, 1], [1, 0, 2, 0, 0], [0, 1, 1, 1, 0], [0, 0, 0, 1, 0]], dtype=np.float32)


def units(n, dim, seed):
    rows = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


# ------------------------------------------------------------------ the frozen graphs


def test_a_graph_by_hand():
    # Cosines: 0-1 .8, 0-2 .6, 1-2 .96; item 3 points the other way, item 4 has no feature.
    rows = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [-1, 0], [0, 0]], dtype=np.float32)
    first = nearest_items(rows, rows, 1, same=True).toarray()
    assert first.tolist() == [[0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    both = nearest_items(rows, rows, 2, same=True).toarray()
    assert both[:3].tolist() == [[0, 0.5, 0.5, 0, 0], [0.5, 0, 0.5, 0, 0], [0.5, 0.5, 0, 0, 0]]
    assert nearest_items(rows[:1], rows, 1).toarray().tolist() == [[1, 0, 0, 0, 0]]


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("budget", [1, 40, 16_000_000])
def test_nearest_items_by_a_plain_loop(budget, same, monkeypatch):
    monkeypatch.setattr(sparse_graph, "_BUDGET", budget)
    keys = units(11, 3, seed=1)
    rows = keys if same else units(7, 3, seed=0)
    rows[5] = 0.0
    graph = nearest_items(rows, keys, 3, same=same).toarray()
    for row in range(len(rows)):
        cosines = rows[row] @ keys.T
        best = [key for key in np.argsort(-cosines) if not (same and key == row)][:3]
        best = [key for key in best if cosines[key] > 1e-5]
        expected = np.zeros(11)
        expected[best] = 1 / max(len(best), 1)
        np.testing.assert_allclose(graph[row], expected, rtol=1e-6)
    assert (graph[5] == 0).all()


def test_more_neighbours_than_there_are_items():
    assert nearest_items(units(2, 3, 0), units(0, 3, 0), 5).shape == (2, 0)
    one = np.array([[1.0, 0.0]], dtype=np.float32)
    assert nearest_items(one, one, 5, same=True).toarray().tolist() == [[0.0]]
    assert nearest_items(one, one, 5).toarray().tolist() == [[1.0]]


# ------------------------------------------------------------------ propagation


def test_edges_multiply_and_so_do_their_gradients():
    matrix = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    edges = Edges(csr_matrix(matrix))
    for multiply, dense, n in ((edges, matrix, 5), (edges.T, matrix.T, 3)):
        vectors = torch.randn(n, 2, generator=torch.Generator().manual_seed(0), requires_grad=True)
        weights = torch.arange(1.0, 1.0 + 2 * len(dense)).reshape(-1, 2)
        product = multiply @ vectors
        torch.testing.assert_close(product, torch.from_numpy(dense.copy()) @ vectors)
        (product * weights).sum().backward()
        torch.testing.assert_close(vectors.grad, torch.from_numpy(dense.T.copy()) @ weights)


def test_likes_are_normalised_by_both_sides_by_hand():
    # Rows add up to 4 and 1, columns to 4 and 1.
    found = normalised(csr_matrix(np.array([[3.0, 1.0], [1.0, 0.0]], dtype=np.float32))).toarray()
    np.testing.assert_allclose(found, [[3 / 4, 1 / 2], [1 / 2, 0]])


# ------------------------------------------------------------------ the network and its loss


def neighbours(rows):
    """The graph of two neighbours each, by a loop."""
    graph = np.zeros((len(rows), len(rows)))
    for row in range(len(rows)):
        others = sorted((other for other in range(len(rows)) if other != row), key=lambda o: -(rows[row] @ rows[o]))
        best = [other for other in others[:2] if rows[row] @ rows[other] > 1e-5]
        graph[row, best] = 1 / max(len(best), 1)
    return graph


class Plain:
    """The model in float64, by loops, from a network's parameters."""

    def __init__(self, network):
        inputs = network._inputs.numpy().astype(np.float64)
        self.e = network.embedding.detach().numpy().astype(np.float64)
        a = np.exp(network.graph_logits.detach().numpy().astype(np.float64))
        a /= a.sum()
        g = np.exp(network.fusion.logits.detach().numpy().astype(np.float64))
        g *= len(g) / g.sum()
        w = network.fusion.projection.detach().numpy().astype(np.float64)
        self.projected = [gate * inputs[:, s] @ w[s] for gate, s in zip(g, SLICES.values(), strict=True)]
        self.h = [weight * neighbours(inputs[:, s]) @ self.e for weight, s in zip(a, SLICES.values(), strict=True)]
        self.layers = 2

    def z(self, likes):
        rows, columns = likes.sum(axis=1), likes.sum(axis=0)
        along = np.zeros(likes.shape)
        for user, item in zip(*np.nonzero(likes), strict=True):
            along[user, item] = likes[user, item] / np.sqrt(rows[user] * columns[item])
        steps = [self.e]
        for _ in range(self.layers):
            steps.append(along.T @ (along @ steps[-1]))
        return np.mean(steps, axis=0)

    def v(self, likes):
        return self.z(likes) + sum(self.h) + sum(self.projected)


@pytest.fixture
def parts():
    inputs = np.concatenate([units(5, 3, seed=2), units(5, 2, seed=3)], axis=1)
    torch.manual_seed(0)
    network = FreedomNetwork(SLICES, inputs, dim=4, layers=2, neighbours=2)
    with torch.no_grad():
        network.graph_logits += torch.tensor([0.3, -0.2])
        network.fusion.logits += torch.tensor([-0.1, 0.4])
        network.embedding *= 5
    return network, Plain(network)


def train(network, **changes):
    settings = {"kept_edges": 1.0, "modality_weight": 0.7, "decay": 0.2, "learning_rate": 0.01, "batch_size": 3}
    return FreedomTraining(network, csr_matrix(LIKES), **{**settings, **changes}, seed=0)


def test_vectors_by_a_plain_loop(parts):
    network, plain = parts
    training = train(network)
    tensors = [network.spread(training.likes), *network.near().values(), *network.projected().values()]
    expected = [plain.z(LIKES), *plain.h, *plain.projected]
    for found, rows in zip(tensors, expected, strict=True):
        np.testing.assert_allclose(found.detach(), rows, rtol=1e-5, atol=1e-5)


def plain_loss(plain, likes, negatives, modality_weight, decay):
    """Each like in turn, its user's other likes added up."""
    v = plain.v(LIKES)
    degree = LIKES.sum(axis=0)
    pairs = list(zip(*np.nonzero(LIKES), strict=True))
    total = 0.0
    for place, negative in zip(likes, negatives, strict=True):
        user, item = pairs[place]
        others = [other for other in np.flatnonzero(LIKES[user]) if other != item]
        vector = np.zeros(v.shape[1])
        for other in others:
            vector += LIKES[user, other] * v[other] / np.sqrt(degree[other])
        vector /= np.sqrt(max(LIKES[user, others].sum(), 1e-12))
        for weight, rows in [(1.0, v), *[(modality_weight, part) for part in plain.projected]]:
            margin = vector @ (rows[item] - rows[negative])
            total += weight * -np.log(1 / (1 + np.exp(-margin)))
        total += decay * (np.square(plain.e[item]).sum() + np.square(plain.e[negative]).sum())
    return total / len(likes)


def test_the_loss_by_a_plain_loop(parts):
    network, plain = parts
    likes, negatives = np.array([0, 8, 3, 2, 6]), np.array([3, 0, 1, 2, 4])
    training = train(network)
    found = training.loss(training.likes, likes, negatives)
    assert float(found.detach()) == pytest.approx(plain_loss(plain, likes, negatives, 0.7, 0.2), rel=1e-5)


@pytest.mark.parametrize("name", ["embedding", "graph_logits", "fusion.projection", "fusion.logits"])
def test_the_gradient_by_finite_differences(name, parts):
    network, plain = parts
    likes, negatives = np.array([0, 8, 3, 2, 6]), np.array([3, 0, 1, 2, 4])
    training = train(network)
    training.loss(training.likes, likes, negatives).backward()
    parameter = dict(network.named_parameters())[name]
    gradient = parameter.grad.numpy().ravel()

    def loss_at(index, step):
        with torch.no_grad():
            parameter.view(-1)[index] += step
            value = plain_loss(Plain(network), likes, negatives, 0.7, 0.2)
            parameter.view(-1)[index] -= step
        return value

    # Steps that float32 parameters hold exactly enough; the loss itself is in float64.
    for index in range(parameter.numel()):
        slope = (loss_at(index, 2**-8) - loss_at(index, -(2**-8))) / 2**-7
        assert gradient[index] == pytest.approx(slope, abs=2e-4)
    assert np.abs(gradient).max() > 1e-3


def test_a_user_with_one_like_learns_nothing_of_it(parts):
    network, _ = parts
    training = train(network, modality_weight=0.0, decay=0.0)
    loss = training.loss(training.likes, np.array([8]), np.array([0]))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(np.log(2))
    assert all(p.grad is None or not p.grad.any() for p in network.parameters())


# ------------------------------------------------------------------ the graph of an epoch


def test_busy_users_and_popular_items_lose_their_likes_first(parts):
    network, _ = parts
    n = 60
    # User 0 likes everything; every other user one item of their own.
    likes = csr_matrix(np.concatenate([np.ones((1, n)), np.eye(n)]).astype(np.float32))
    network = FreedomNetwork({}, np.zeros((n, 0), dtype=np.float32), dim=4, layers=1, neighbours=2)
    training = FreedomTraining(
        network, likes, kept_edges=0.5, modality_weight=0.0, decay=0.0, learning_rate=0.01, batch_size=64, seed=0
    )
    first, second = (training.thinned().matrix for _ in range(2))
    assert first.nnz == second.nnz == n
    assert (first != second).nnz > 0
    # Chances are 1 / √(60 · 2) against 1 / √(1 · 2): the busy user keeps far fewer of 60 than the others.
    assert first[0].nnz < n / 4
    # What is left is normalised by what is left.
    np.testing.assert_allclose(first.toarray(), normalised((first > 0).astype(np.float32)).toarray(), rtol=1e-5)


def test_an_epoch_takes_every_like_once_and_lowers_the_loss(parts):
    network, _ = parts
    training = train(network, kept_edges=0.5)
    assert training.n_steps == 3
    seen = []
    original = training.loss
    training.loss = lambda graph, likes, negatives: seen.extend(likes) or original(graph, likes, negatives)
    losses = [training.epoch() for _ in range(60)]
    assert sorted(seen[:9]) == list(range(9))
    assert np.mean(losses[-10:]) < losses[0] - 0.1


# ------------------------------------------------------------------ the model


def test_scores_are_the_sum_over_the_history(shop, histories_of):
    model = Freedom(SMALL).fit(shop)
    settings, arrays = model.state()
    rows = shop.items.item_ids.rows(settings["item_ids"])
    inputs = model._features(shop.items)
    v = np.zeros((15, 4))
    vectors = {"collaborative": v.copy(), "visual": v.copy(), "text": v.copy()}
    vectors["collaborative"][rows] = arrays["z"]
    new = np.setdiff1d(np.arange(15), rows)
    e = arrays["lent"] - arrays["z"]
    for number, (name, s) in enumerate(model._features.slices.items()):
        near = np.zeros((15, 4))
        near[rows] = nearest_items(inputs[rows, s], inputs[rows, s], 2, same=True) @ e
        near[new] = nearest_items(inputs[new, s], inputs[rows, s], 2) @ arrays["lent"]
        projected = inputs[:, s] @ arrays["projection"][s]
        vectors[{"image": "visual", "text": "text"}[name]] = arrays["graph_weights"][number] * near + projected
    v = sum(vectors.values())
    degree = np.ones(15)
    for event, weight in zip(shop.histories.item_index, shop.histories.weight, strict=True):
        degree[event] += max(float(weight), 0.0)
    degree[rows] -= 1
    # Item 0 is one that nobody liked, so it is scored as a new one.
    assert 0 not in rows
    user = (1.2 * v[4] / np.sqrt(degree[4]) + 0.5 * v[0] - 1.0 * v[6] / np.sqrt(degree[6])) / np.sqrt(2.7)
    parts = model.score(histories_of([[(4, 1.2), (0, 0.5), (6, -1.0), (5, 0.0)], []], 15), shop.items).parts
    assert set(parts) == set(vectors)
    for source, rows_of in vectors.items():
        np.testing.assert_allclose(parts[source][0], rows_of @ user, rtol=1e-4, atol=1e-5)
        assert (parts[source][1] == 0).all()
    assert (parts["collaborative"][:, 0] == 0).all()
    assert np.abs(parts["visual"][0, 0]) > 1e-4


def test_shares_are_learned_from_what_tells_likes_apart(items_of, histories_of):
    generator = np.random.default_rng(0)
    half = np.arange(40) % 2 * 2.0 - 1
    pictures = np.stack([half, *generator.normal(size=(2, 40)) * 0.1], axis=1)
    items = items_of({"image": pictures.tolist(), "text": generator.normal(size=(40, 3)).tolist()})
    users = [[(int(item), 1.0) for item in generator.choice(np.flatnonzero(half == half[u]), 8)] for u in range(40)]
    model = Freedom().fit(Dataset(histories_of(users, 40), items))
    assert sum(model.fusion_shares.values()) == pytest.approx(1.0)
    assert model.fusion_shares["image"] > 0.6
    assert Freedom().load_state(*model.state()).fusion_shares == model.fusion_shares


def test_a_small_log_gets_more_passes(shop):
    totals = []

    def progress(label, total=None, unit=""):
        totals.append((label, total))
        return silent(label, total=total, unit=unit)

    Freedom(SMALL).fit(shop, progress)
    assert totals == [("freedom", 60)]


def test_without_likes_the_error_says_so(histories_of, items_of):
    dataset = Dataset(histories_of([[(0, -1.0)], [(1, 0.0)]], 2), items_of({}, 2))
    with pytest.raises(UnsupportedError, match="freedom needs likes"):
        Freedom().fit(dataset)


def test_without_any_block_it_is_the_graph_of_likes_alone(shop):
    model = Freedom(change_settings("freedom", SMALL, {"blocks": ()})).fit(shop)
    assert model.fusion_shares == {}
    scores = model.score(shop.histories, shop.items)
    assert list(scores.parts) == ["collaborative"]
    assert np.abs(scores.values).max() > 0


@pytest.mark.parametrize("name", FreedomSettings.search)
def test_what_can_be_searched_can_be_set(name):
    space = FreedomSettings.search[name]
    for value in space.choices or (space.low, space.high):
        assert getattr(change_settings("freedom", FreedomSettings(), {name: value}), name) == value
