"""DeepStyle: the category is taken away, and what it needs is named."""

from __future__ import annotations

import numpy as np
import pytest

from visrec.core.dataset import Dataset
from visrec.core.errors import UnsupportedError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.recommenders.deepstyle import DeepStyle, DeepStyleSettings

SMALL = DeepStyleSettings(dim=4, input_dim=3, epochs=6)


@pytest.fixture
def filed(shop) -> Dataset:
    """The shop with three categories; item 5 has none."""
    matrix = np.eye(3, dtype=np.float32)[np.arange(15) % 3]
    matrix[5] = 0.0
    present = np.arange(15) != 5
    labels = ("kind=a", "kind=b", "kind=c")
    category = FeatureBlock("category", matrix, present, "columns kind", labels)
    return Dataset(shop.histories, ItemFeatures(shop.items.item_ids, {**shop.items.blocks, "category": category}))


def test_the_category_counts_negative_in_training_and_its_part_is_exact(filed, monkeypatch):
    seen = {}
    train = DeepStyle._train

    def watched(self, module, inputs, liked, progress):
        seen["inputs"], seen["module"] = inputs, module
        train(self, module, inputs, liked, progress)

    monkeypatch.setattr(DeepStyle, "_train", watched)
    model = DeepStyle(SMALL).fit(filed)
    settings, arrays = model.state()
    inputs = model._model._inputs
    assert list(inputs.slices) == ["image", "category"]
    known = filed.items.item_ids.rows(settings["model"]["item_ids"])
    x = inputs(filed.items)[known]
    signs = np.ones(x.shape[1], np.float32)
    signs[inputs.slices["category"]] = -1
    np.testing.assert_array_equal(seen["inputs"], x * signs)

    # v_i = γ_i + E x_i - l_i, with l_i = C c_i.
    module = seen["module"]
    weighted = module.fusion.weighted().detach().numpy()
    style = x[:, inputs.slices["image"]] @ weighted[inputs.slices["image"]]
    category = x[:, inputs.slices["category"]] @ weighted[inputs.slices["category"]]
    vectors = module.items.detach().numpy() + style - category
    rows = arrays["table.own"] + x @ arrays["table.link"]
    offset = (rows[:, :-1] - vectors).mean(axis=0)
    np.testing.assert_allclose(rows[:, :-1] - offset, vectors, atol=1e-5)
    users = model._model._history(filed.histories.matrix()[:, known], rows[:, :-1])
    bias = -x[:, inputs.slices["category"]] @ module.appeal.detach().numpy()[inputs.slices["category"]]
    parts = model.score(filed.histories, filed.items).parts
    # Users who did something with items that nobody liked have more to their history than `known`.
    alone = np.delete(filed.histories.matrix().toarray(), known, axis=1).any(axis=1)
    expected = -users @ category.T + bias
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(parts["category"][~alone][:, known], expected[~alone], atol=1e-5)


def test_what_it_needs_is_named(shop, filed, histories_of):
    with pytest.raises(UnsupportedError, match="deepstyle needs category"):
        DeepStyle(SMALL).fit(shop)
    with pytest.raises(UnsupportedError, match="deepstyle needs likes"):
        DeepStyle(SMALL).fit(Dataset(histories_of([[(0, -1.0)]], 15), filed.items))
