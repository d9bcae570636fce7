"""The loss that networks on pixels are trained with, and the schedule."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from visrec.core.progress import silent
from visrec.recommenders.pixel_settings import PixelCNNSettings
from visrec.recommenders.pixel_training import PixelTraining, steps
from visrec.training.deterministic import deterministic
from visrec.training.picture_network import make_picture_network

N_USERS, N, DIM = 5, 12, 4
SETTINGS = PixelCNNSettings(size=32, dim=DIM, augment=0.0)


def some_targets() -> csr_matrix:
    generator = np.random.default_rng(1)
    return csr_matrix(np.where(generator.random((N_USERS, N)) < 0.4, generator.normal(size=(N_USERS, N)), 0.0))


def training(background=0.0, targets=None, settings=SETTINGS) -> PixelTraining:
    pixels = np.random.default_rng(2).integers(0, 256, size=(N, 32, 32, 3)).astype(np.uint8)
    with deterministic(0):
        network = make_picture_network("cnn", 32, DIM)
    targets = some_targets() if targets is None else targets
    made = PixelTraining(network, lambda rows: pixels[rows], targets, background, settings)
    made._bank = torch.from_numpy(np.random.default_rng(3).normal(size=(N, DIM)).astype(np.float32))
    return made


@pytest.mark.parametrize("background", [0.0, 0.3])
def test_loss_against_a_plain_loop(background):
    made, targets = training(background), some_targets().toarray()
    with torch.no_grad():
        made._taste.copy_(torch.tensor([0.1, -0.4, 0.2, 0.3, 0.5]))
    users = [torch.from_numpy(np.random.default_rng(fold).normal(size=(N_USERS, DIM + 1))).float() for fold in range(3)]
    batch = np.array([7, 0, 3, 11])
    vectors = torch.from_numpy(np.random.default_rng(9).normal(size=(4, DIM)).astype(np.float32))
    total, n = 0.0, 0
    for place, picture in enumerate(batch):
        for user in range(N_USERS):
            own = (users[made._folds[picture]][user] + made._taste.detach()).numpy()
            said = own[0] + own[1:] @ vectors[place].numpy()
            total += background * said**2
            if targets[user, picture] != 0:
                total += (targets[user, picture] - said) ** 2
                n += 1
    variance = np.square(targets[targets != 0]).mean()
    np.testing.assert_allclose(float(made._loss(batch, vectors, users).detach()), total / n / variance, rtol=1e-5)


def test_gradients_reach_the_network_and_the_mean_taste():
    made = training(0.2)
    made._prepare(np.arange(N))
    made._network.train()
    made._loss(np.arange(N), made._network.finish(made._inputs(np.arange(N))), made._fold_users()).backward()
    assert made._taste.grad.abs().min() > 0
    for name, weight in made._network.named_parameters():
        assert weight.grad is not None and weight.grad.abs().sum() > 0, name


def test_users_that_judge_a_picture_do_not_know_it():
    targets = some_targets().tolil()
    before = training(targets=targets.tocsr())._fold_users()
    fold = training()._folds[6]
    targets[:, 6] = 3.0
    after = training(targets=targets.tocsr())._fold_users()
    torch.testing.assert_close(after[fold], before[fold], rtol=0, atol=0)
    for other in {0, 1, 2} - {fold}:
        assert not torch.allclose(after[other], before[other])


def test_the_loss_falls():
    made = training()
    made.run("train", silent)
    assert len(made.losses) == 15  # A step an epoch.
    assert made.losses[-1] < made.losses[0]
    assert not made._network.training


def test_steps_are_kept_within_limits():
    def of(n, **changes):
        return steps(PixelCNNSettings(**changes), n)

    assert of(1676, epochs=10) == (140, 14)
    assert of(17_033) == (600, 134)
    assert of(20) == (15, 1)
    assert of(20, epochs=3) == (3, 1)
    assert of(20, max_steps=5) == (5, 1)


def many(told_by_colour: bool) -> PixelTraining:
    """240 pictures in two shades, and 30 users who like the one or the other; or whose ratings are noise."""
    generator = np.random.default_rng(5)
    shade = np.arange(240) % 2
    pixels = (60 + 120 * shade[:, None, None, None] + generator.integers(0, 60, size=(240, 32, 32, 3))).astype(np.uint8)
    side = 2.0 * ((np.arange(30)[:, None] + shade) % 2) - 1.0 if told_by_colour else 0.0
    targets = csr_matrix(np.where(generator.random((30, 240)) < 0.3, side + generator.normal(size=(30, 240)), 0.0))
    with deterministic(0):
        made = PixelTraining(
            make_picture_network("cnn", 32, DIM),
            lambda rows: pixels[rows],
            targets,
            0.0,
            PixelCNNSettings(size=32, dim=DIM, augment=0.0, batch=54, epochs=3),
        )
        made.run("train", silent)
    return made


def test_what_held_out_pictures_do_not_bear_out_is_not_believed():
    noise, signal = many(False), many(True)
    assert len(noise._held_out) == 24
    assert (noise._folds[noise._held_out] == -1).all()
    assert noise.ridge[1] > noise._settings.taste_regularisation > signal.ridge[1]
    assert noise.ridge[0] == signal.ridge[0] == noise._settings.bias_regularisation
    losses = [-made._validate() for made in (noise, signal)]
    assert losses[1] < 0.8 < losses[0]
