"""Items as vectors: by hand."""

from __future__ import annotations

import numpy as np
import torch

from visrec.recommenders.item_tower import ItemTower


def test_embedding_and_features_add_up_by_hand():
    tower = ItemTower(2, {"image": slice(0, 2)}, dim=2)
    with torch.no_grad():
        tower.own.copy_(torch.tensor([[1.0, 0.0], [0.0, 5.0]]))
        tower.fusion.projection.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        known, inputs = torch.tensor([2, 0, 1]), torch.tensor([[1.0, 1.0], [0.0, 2.0], [0.0, 0.0]])
        vectors, parts = tower(known, inputs), tower.parts(known, inputs)
    # Item 2 has its own (0, 5) and the sum of both rows (4, 6); a new item has twice the second row, and nothing else.
    assert vectors.tolist() == [[4.0, 11.0], [6.0, 8.0], [1.0, 0.0]]
    assert parts["collaborative"].tolist() == [[0.0, 5.0], [0.0, 0.0], [1.0, 0.0]]
    assert parts["image"].tolist() == [[4.0, 6.0], [6.0, 8.0], [0.0, 0.0]]


def test_without_features_an_item_is_its_embedding():
    tower = ItemTower(2, {}, dim=3)
    known, nothing = torch.tensor([0, 1]), torch.zeros(2, 0)
    vectors = tower(known, nothing).detach().numpy()
    np.testing.assert_array_equal(vectors, [[0, 0, 0], tower.own[0].detach().numpy()])
    assert list(tower.parts(known, nothing)) == ["collaborative"]
