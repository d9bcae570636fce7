"""Training of visual factors by Bayesian Personalized Ranking: one loop for several losses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from visrec.core.progress import ProgressFactory, silent
from visrec.recommenders.bpr_gradient import Triples, bpr_gradient
from visrec.recommenders.bpr_settings import BPRSettings
from visrec.recommenders.negatives import NegativeSampler
from visrec.recommenders.visual_factors import VisualFactors
from visrec.training.epochs import Trained, train_epochs

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Step", "add_decay", "adversarial_step", "bpr_step", "train_bpr"]

#: An epoch of a small log is cut into so many batches, so that epochs mean the same for small and large logs.
_STEPS = 4


Array = npt.NDArray[np.floating]

#: Adds the gradient of a batch's loss to the parameters' and returns the loss.
Step = Callable[[VisualFactors, Array, Triples], float]


def bpr_step(module: VisualFactors, inputs: Array, triples: Triples) -> float:
    """Add the gradient of L = 1/n Σ_(u,i,j) -w ln σ(x(u, i) - x(u, j)) to the parameters' gradients.

    Features are projected once for all items, not once a triple, and the chain rule goes through that projection
    once: its cost is n_items width dim for a whole batch.

    Args:
        module: what is trained.
        inputs: (n_items, width), in the module's dtype.
        triples: the batch.

    Returns:
        L.
    """
    return _descend(module, inputs, triples, 1.0)[0]


def adversarial_step(columns: slice, epsilon: float, weight: float) -> Step:
    """A step that adds the gradient of L(x) + weight L(x + Δ), with Δ the worst disturbance of the batch, held fixed.

    Δ_i = ε g_i / |g_i|, where g_i is the gradient of L by some of item i's columns; 0 where that is 0.

    Args:
        columns: columns of the features that are disturbed.
        epsilon: length of an item's disturbance.
        weight: of the second loss.
    """

    def step(module: VisualFactors, inputs: Array, triples: Triples) -> float:
        loss, by_inputs = _descend(module, inputs, triples, 1.0)
        gradient = by_inputs()[:, columns]
        disturbed = inputs.copy()
        disturbed[:, columns] += epsilon * gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-30)
        return loss + weight * _descend(module, disturbed, triples, weight)[0]

    return step


def _descend(module: VisualFactors, inputs: Array, triples: Triples, scale: float) -> tuple[float, Callable[[], Array]]:
    """Add the gradient of scale L; returns L, and what computes the gradient of L by the features."""
    n = len(triples.users)
    weighted = module.weighted()
    projection, appeal = weighted.detach().numpy(), module.appeal.detach().numpy()
    vectors, bias = module.vectors(inputs @ projection), module.bias.detach().numpy() + inputs @ appeal
    found = bpr_gradient(triples, module.users.detach().numpy(), vectors, bias)
    by_fused = found.items[:, vectors.shape[1] - projection.shape[1] :]

    def add(parameter: torch.nn.Parameter, gradient: Array) -> None:
        _add(parameter, torch.from_numpy(gradient * (scale / n)))

    add(module.users, found.users)
    add(module.items, found.items[:, : module.items.shape[1]])
    add(module.bias, found.bias)
    add(module.appeal, inputs.T @ found.bias)
    if weighted.requires_grad:
        weighted.backward(torch.from_numpy((inputs.T @ by_fused) * (scale / n)))
    return found.loss / n, lambda: (by_fused @ projection.T + np.outer(found.bias, appeal)) / n


def add_decay(module: VisualFactors, n_likes: int, settings: BPRSettings) -> None:
    """Add the gradient of R to the parameters' gradients.

    R = 1/n_likes [ λ_Θ/2 (|u|² + |γ|²) + λ_b/2 |b|² ] + λ_E/2 (|E|² + |β|²), with all users and items, and E with its
    gates. λ_Θ and λ_b hold against the sum of the loss over all likes, so that they keep rare items small.
    """
    with torch.no_grad():
        for parameter in (module.users, module.items):
            _add(parameter, parameter * (settings.regularisation / n_likes))
        _add(module.bias, module.bias * (settings.bias_regularisation / n_likes))
        _add(module.appeal, module.appeal * settings.feature_regularisation)
    # Of the product of gates and projections: of the projections alone it would drive all but one gate to 0.
    weighted = module.weighted()
    if weighted.requires_grad:
        weighted.backward(weighted.detach() * settings.feature_regularisation)


def _add(parameter: torch.nn.Parameter, gradient: torch.Tensor) -> None:
    if parameter.grad is None:
        parameter.grad = gradient
    else:
        parameter.grad += gradient


def train_bpr(
    module: VisualFactors,
    inputs: Array,
    liked: csr_matrix,
    settings: BPRSettings,
    *,
    step: Step = bpr_step,
    label: str = "train",
    progress: ProgressFactory = silent,
) -> Trained:
    """Train on every like once an epoch, each against one item that the user does not like, drawn anew.

    Args:
        module: changed in place.
        inputs: float32 (n_items, width).
        liked: float32 CSR (n_users, n_items), at least one positive weight; the weights count in the loss.
        settings: how long, how fast, how tight.
        step: what a batch adds to the gradients.
        label: for the progress.
        progress: shows epochs.
    """
    _keep_freed_memory()
    batches = _Batches(liked, settings)
    # Fused: one pass over each parameter. Plain Adam makes some ten and costs more than the gradients.
    optimiser = torch.optim.Adam(module.parameters(), lr=settings.learning_rate, fused=True)
    rates = iter(np.linspace(settings.learning_rate, 0.0, settings.epochs * batches.n_steps, endpoint=False).tolist())

    def epoch() -> float:
        total = 0.0
        for triples in batches:
            optimiser.zero_grad()
            total += step(module, inputs, triples)
            add_decay(module, liked.nnz, settings)
            optimiser.param_groups[0]["lr"] = next(rates)
            optimiser.step()
        return total / batches.n_steps

    return train_epochs(module, epoch, settings.epochs, label=label, progress=progress)


def _keep_freed_memory() -> None:
    """Let the arrays of one step take the memory of the last.

    glibc gives blocks above 128 KiB back to the system, and page faults are then half of a step's time, until one
    larger block was freed: up to that size it keeps them from then on. Elsewhere this does nothing.
    """
    np.empty(1 << 24, dtype=np.uint8)


class _Batches:
    """The likes in a new order each time, with new negatives."""

    def __init__(self, liked: csr_matrix, settings: BPRSettings) -> None:
        self._users = np.repeat(np.arange(liked.shape[0], dtype=np.int64), np.diff(liked.indptr))
        self._items = liked.indices.astype(np.int64)
        self._weight = liked.data / liked.data.mean()
        self._negatives = NegativeSampler(liked)
        self._generator = np.random.default_rng(settings.seed)
        n = len(self._users)
        size = min(settings.batch_size, -(-n // _STEPS))
        self.n_steps = -(-n // size)

    def __iter__(self) -> Iterator[Triples]:
        order = self._generator.permutation(len(self._users))
        for rows in np.array_split(order, self.n_steps):
            users = self._users[rows]
            negatives = self._negatives.draw(users, self._generator)
            yield Triples(users, self._items[rows], negatives, self._weight[rows])
