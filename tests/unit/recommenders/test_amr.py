"""AMR: what its second half changes, and what it is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from visrec.core.errors import InputError
from visrec.core.settings import change_settings
from visrec.recommenders.amr import AMR, AMRSettings
from visrec.recommenders.vbpr import VBPR, VBPRSettings

SMALL = AMRSettings(dim=4, input_dim=3, epochs=6, adversarial_epochs=6)


def scores(model, shop):
    return model.score(shop.histories, shop.items).values


def test_users_have_one_vector_for_factors_and_pictures(shop):
    _, arrays = AMR(SMALL).fit(shop).state()
    assert arrays["table.own"].shape[1] == 4 + 1
    assert (arrays["table.link"][:, :4] != 0).all()


def test_without_a_disturbance_the_second_half_is_more_of_the_first(shop):
    # λ L(x + 0) beside L(x): the loss is 1 + λ times the plain one, which only the regularisers notice.
    plain = AMR(replace(SMALL, adversarial_weight=0.0)).fit(shop)
    still = AMR(replace(SMALL, adversarial_weight=0.0, epsilon=0.7)).fit(shop)
    np.testing.assert_array_equal(scores(plain, shop), scores(still, shop))
    doubled = AMR(replace(SMALL, epsilon=0.0, adversarial_weight=1.0)).fit(shop)
    moved = AMR(replace(SMALL, epsilon=0.7, adversarial_weight=1.0)).fit(shop)
    assert np.abs(scores(doubled, shop) - scores(moved, shop)).max() > 1e-3


def test_it_starts_from_the_plain_model(shop):
    short = AMR(replace(SMALL, epochs=1, adversarial_epochs=1)).fit(shop)
    plain = VBPR(VBPRSettings(dim=4, visual_dim=0, input_dim=3, epochs=1)).fit(shop)
    long = AMR(SMALL).fit(shop)
    distance = np.abs(scores(short, shop) - scores(plain, shop)).max()
    assert 0 < distance < np.abs(scores(long, shop) - scores(plain, shop)).max()


def test_rankings_stand_a_disturbed_picture_better(items_of, histories_of):
    """Likes go by picture; the loss under the worst disturbance is what the second half brings down."""
    import torch

    from visrec.core.dataset import Dataset
    from visrec.recommenders.bpr_gradient import Triples
    from visrec.recommenders.bpr_training import _descend, adversarial_step, train_bpr
    from visrec.recommenders.visual_factors import VisualFactors

    generator = np.random.default_rng(0)
    pictures = generator.normal(size=(40, 4)).astype(np.float32)
    taste = generator.normal(size=(60, 4)) @ pictures.T
    users = [[(int(item), 1.0) for item in np.argsort(-row)[:8]] for row in taste]
    liked = Dataset(histories_of(users, 40), items_of({}, 40)).histories.liked()
    pairs = liked.tocoo()
    triples = Triples(
        pairs.row.astype(np.int64), pairs.col.astype(np.int64), generator.integers(40, size=pairs.nnz), pairs.data
    )
    epsilon, columns = 0.5, slice(0, 4)

    def worst_loss(second_step):
        torch.manual_seed(0)
        module = VisualFactors(60, 40, {"image": columns}, 4, 0)
        settings = AMRSettings(dim=4, epochs=30, regularisation=0.3)
        train_bpr(module, pictures, liked, settings)
        train_bpr(module, pictures, liked, replace(settings, seed=1), **second_step)
        _, by_inputs = _descend(module, pictures, triples, 1.0)
        gradient = by_inputs()
        length = np.linalg.norm(gradient, axis=1, keepdims=True)
        return _descend(module, pictures + epsilon * gradient / np.maximum(length, 1e-30), triples, 1.0)[0]

    assert worst_loss({"step": adversarial_step(columns, epsilon, 1.0)}) < 0.97 * worst_loss({})


@pytest.mark.parametrize("wrong", [{"adversarial_epochs": 0}, {"adversarial_weight": -1.0}, {"epsilon": -0.1}])
def test_settings_that_make_no_model_are_refused(wrong):
    with pytest.raises(InputError, match="adversarial_epochs of 1 or more"):
        change_settings("amr", AMRSettings(), wrong)
