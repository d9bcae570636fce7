"""The loss and its gradient against a plain loop and finite differences; what a batch holds."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from visrec.recommenders.bpr_gradient import Triples, bpr_gradient
from visrec.recommenders.bpr_settings import BPRSettings
from visrec.recommenders.bpr_training import _Batches, add_decay, adversarial_step, bpr_step, train_bpr
from visrec.recommenders.visual_factors import VisualFactors

SLICES = {"image": slice(0, 3), "category": slice(3, 5)}
N_USERS, N_ITEMS, WIDTH = 4, 6, 5
#: User 1 comes twice, item 0 is liked here and not there, and one triple has the same item on both sides.
TRIPLES = Triples(
    np.array([0, 1, 1, 3, 2]), np.array([0, 2, 5, 1, 4]), np.array([3, 0, 1, 5, 4]), np.array([1.0, 0.5, 2.0, 1.2, 1.0])
)
SETTINGS = BPRSettings(regularisation=0.3, bias_regularisation=0.2, feature_regularisation=0.1)


@pytest.fixture(params=[0, 2], ids=["added", "beside"])
def module(request):
    torch.manual_seed(3)
    module = VisualFactors(N_USERS, N_ITEMS, SLICES, 3, request.param).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, dtype=torch.float64) * 0.7)
    return module


@pytest.fixture
def inputs():
    return np.random.default_rng(5).normal(size=(N_ITEMS, WIDTH))


@torch.no_grad()
def plain_scores(module, inputs):
    """x(u, i) by the equation, one user and one item at a time."""
    inputs = torch.from_numpy(inputs)
    fusion = module.fusion
    gates = torch.softmax(fusion.logits, 0) * len(SLICES)
    scores = [[torch.zeros((), dtype=torch.float64) for _ in range(N_ITEMS)] for _ in range(N_USERS)]
    for u in range(N_USERS):
        for i in range(N_ITEMS):
            fused = sum(gates[b] * inputs[i, s] @ fusion.projection[s] for b, s in enumerate(SLICES.values()))
            dim = module.items.shape[1]
            if module.added:
                personal = module.users[u] @ (module.items[i] + fused)
            else:
                personal = module.users[u, :dim] @ module.items[i] + module.users[u, dim:] @ fused
            scores[u][i] = module.bias[i] + module.appeal @ inputs[i] + personal
    return scores


def plain_loss(module, inputs, triples=TRIPLES):
    """1/n Σ -w ln σ(x(u, i) - x(u, j)), by a loop."""
    scores = plain_scores(module, inputs)
    terms = [
        -w * math.log(1 / (1 + math.exp(-float(scores[u][i] - scores[u][j]))))
        for u, i, j, w in zip(triples.users, triples.liked, triples.other, triples.weight, strict=True)
    ]
    return sum(terms) / len(terms)


@torch.no_grad()
def plain_decay(module):
    """R of `add_decay`, by loops, for 7 likes."""
    total = 0.0
    for rows in (module.users, module.items):
        for row in rows:
            total += 0.3 / 2 * float(row @ row) / 7
    for bias in module.bias:
        total += 0.2 / 2 * float(bias) ** 2 / 7
    return total + 0.1 / 2 * float(module.fusion.weighted().square().sum() + module.appeal.square().sum())


def finite_differences(module, function, step=1e-6):
    """Parameter name -> the gradient of function() by central differences, one number at a time."""
    gradients = {}
    for name, parameter in module.named_parameters():
        values = parameter.data.view(-1)
        found = torch.zeros_like(values)
        for place in range(len(values)):
            before = float(values[place])
            values[place] = before + step
            above = function()
            values[place] = before - step
            found[place] = (above - function()) / (2 * step)
            values[place] = before
        gradients[name] = found.view_as(parameter)
    return gradients


def assert_gradients(module, expected):
    for name, parameter in module.named_parameters():
        assert expected[name].abs().max() > 1e-4, name
        np.testing.assert_allclose(parameter.grad, expected[name], rtol=1e-6, atol=1e-8, err_msg=name)


def test_the_loss_by_hand():
    # x(u, i) = (1, 0) · (1, 0) + 0.5 = 1.5 and x(u, j) = 0.5: -2 ln σ(1), of weight 2.
    triples = Triples(np.array([0]), np.array([0]), np.array([1]), np.array([2.0]))
    found = bpr_gradient(triples, np.array([[1.0, 0.0]]), np.array([[1.0, 0.0], [0.5, 3.0]]), np.array([0.5, 0.0]))
    sigma = 1 / (1 + math.exp(1.0))
    assert found.loss == pytest.approx(-2 * math.log(1 - sigma))
    np.testing.assert_allclose(found.bias, [-2 * sigma, 2 * sigma])
    np.testing.assert_allclose(found.users, [[-2 * sigma * 0.5, 2 * sigma * 3.0]])
    np.testing.assert_allclose(found.items, [[-2 * sigma, 0.0], [2 * sigma, 0.0]])


def test_scores_far_apart_do_not_overflow():
    triples = Triples(np.array([0, 0]), np.array([0, 1]), np.array([1, 0]), np.ones(2, np.float32))
    found = bpr_gradient(
        triples, np.ones((1, 1), np.float32), np.array([[500.0], [-500.0]], np.float32), np.zeros(2, np.float32)
    )
    assert found.loss == pytest.approx(1000.0)
    np.testing.assert_allclose(found.bias, [1.0, -1.0])


def test_the_step_adds_the_gradient_of_the_loss(module, inputs):
    loss = bpr_step(module, inputs, TRIPLES)
    assert loss == pytest.approx(plain_loss(module, inputs), rel=1e-12)
    assert_gradients(module, finite_differences(module, lambda: plain_loss(module, inputs)))


def test_a_step_adds_to_what_is_there(module, inputs):
    bpr_step(module, inputs, TRIPLES)
    once = {name: parameter.grad.clone() for name, parameter in module.named_parameters()}
    bpr_step(module, inputs, TRIPLES)
    for name, parameter in module.named_parameters():
        np.testing.assert_allclose(parameter.grad, 2 * once[name], rtol=1e-12)


def test_decay_adds_the_gradient_of_the_papers_regularisers(module):
    add_decay(module, 7, SETTINGS)
    assert_gradients(module, finite_differences(module, lambda: plain_decay(module)))


def worst(module, inputs, columns, epsilon):
    """Δ by finite differences of the plain loss over every number of the picture."""
    gradient = np.zeros_like(inputs)
    for i in range(N_ITEMS):
        for c in range(columns.start, columns.stop):
            ends = []
            for step in (1e-6, -1e-6):
                moved = inputs.copy()
                moved[i, c] += step
                ends.append(plain_loss(module, moved))
            gradient[i, c] = (ends[0] - ends[1]) / 2e-6
    return epsilon * gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-9)


def test_the_adversarial_step_adds_the_gradient_of_both_losses(module, inputs):
    columns = SLICES["image"]
    disturbed = inputs + worst(module, inputs, columns, 0.4)
    assert plain_loss(module, disturbed) > plain_loss(module, inputs) + 0.01
    loss = adversarial_step(columns, 0.4, 0.8)(module, inputs, TRIPLES)

    def both():
        return plain_loss(module, inputs) + 0.8 * plain_loss(module, disturbed)

    assert loss == pytest.approx(both(), rel=1e-5)
    expected = finite_differences(module, both)
    for name, parameter in module.named_parameters():
        np.testing.assert_allclose(parameter.grad, expected[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_rows_are_what_the_equation_says(module, inputs):
    own, link = module.rows()
    rows = own + inputs @ link
    scores = module.users.detach().numpy() @ rows[:, :-1].T + rows[:, -1]
    np.testing.assert_allclose(scores, plain_scores(module, inputs), rtol=1e-12)


def liked():
    generator = np.random.default_rng(2)
    matrix = np.where(generator.random((30, 20)) < 0.3, generator.choice([0.5, 1.0], (30, 20)), 0.0)
    return csr_matrix(matrix.astype(np.float32))


def test_an_epoch_is_every_like_once_against_what_is_not_liked():
    matrix = liked()
    dense = matrix.toarray()
    batches = _Batches(matrix, BPRSettings(batch_size=50))
    epochs = []
    for _ in range(2):
        found = list(batches)
        assert len(found) == batches.n_steps == -(-matrix.nnz // min(50, -(-matrix.nnz // 4)))
        assert max(len(t.users) for t in found) <= 50
        users, items, other, weight = (
            np.concatenate([getattr(t, name) for t in found]) for name in ("users", "liked", "other", "weight")
        )
        assert sorted(zip(users, items, strict=True)) == sorted(zip(*dense.nonzero(), strict=True))
        assert (dense[users, other] == 0).all()
        np.testing.assert_allclose(weight, dense[users, items] / matrix.data.mean())
        epochs.append((items, other))
    assert (epochs[0][0] != epochs[1][0]).any()
    assert (epochs[0][1] != epochs[1][1]).any()


def test_training_lowers_the_loss_and_another_step_takes_part():
    matrix = liked()
    inputs = np.random.default_rng(5).normal(size=(20, WIDTH)).astype(np.float32)
    calls = []

    def counted(module, inputs, triples):
        calls.append(len(triples.users))
        return bpr_step(module, inputs, triples)

    torch.manual_seed(0)
    module = VisualFactors(30, 20, SLICES, 4, 0)
    trained = train_bpr(module, inputs, matrix, BPRSettings(epochs=12), step=counted)
    assert len(trained.losses) == 12
    assert trained.losses[0] == pytest.approx(math.log(2), abs=0.1)
    assert trained.losses[-1] < 0.8 * trained.losses[0]
    assert sum(calls) == 12 * matrix.nnz
