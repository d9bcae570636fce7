"""Picture, text and category fused by one mechanism."""

import numpy as np
import pytest
import torch

from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.ids import IdMap
from visrec.recommenders.fusion import Fusion
from visrec.recommenders.fusion_input import FusionInput


def made(n=30, seed=0):
    rng = np.random.default_rng(seed)
    blocks = {}
    for name, dim in (("image", 8), ("text", 5)):
        present = np.ones(n, bool)
        present[::7] = name == "image"
        matrix = rng.normal(size=(n, dim)).astype(np.float32) + 2
        matrix[~present] = 0
        blocks[name] = FeatureBlock(name, matrix, present, f"made {name}")
    return ItemFeatures(IdMap(f"i{row}" for row in range(n)), blocks)


def test_blocks_lie_side_by_side_in_rows_of_length_one():
    items = made()
    fitted = FusionInput.fit(items, ("image", "text", "category"), dim=4)
    assert fitted.slices == {"image": slice(0, 4), "text": slice(4, 8)}
    assert fitted.sources == {"image": "visual", "text": "text"}
    rows = fitted(items)
    assert rows.shape == (30, fitted.width) == (30, 8)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows[:, :4], axis=1), 1, rtol=1e-5)
    expected = items.blocks["text"].present.astype(float)
    np.testing.assert_allclose(np.linalg.norm(rows[:, 4:], axis=1), expected, rtol=1e-5)


def test_what_was_saved_gives_the_same_rows_for_new_items_too():
    fitted = FusionInput.fit(made(), ("image", "text"), dim=3)
    loaded = FusionInput.load_state(*fitted.state())
    new = made(7, seed=9)
    np.testing.assert_array_equal(loaded(new), fitted(new))
    assert loaded.slices == fitted.slices


def test_without_blocks_there_is_nothing_to_fuse():
    fitted = FusionInput.fit(made(), ("category",))
    assert fitted.width == 0
    assert fitted.slices == {}
    assert fitted(made()).shape == (30, 0)


@pytest.fixture
def fusion():
    torch.manual_seed(0)
    module = Fusion({"image": slice(0, 4), "text": slice(4, 6)}, dim=3)
    with torch.no_grad():
        module.logits.copy_(torch.tensor([0.7, -0.4]))
    return module


def test_the_sum_over_blocks_by_a_plain_loop(fusion):
    inputs = torch.randn(5, 6, generator=torch.Generator().manual_seed(1))
    weight = np.exp([0.7, -0.4]) / np.exp([0.7, -0.4]).sum() * 2
    projection = fusion.projection.detach().numpy()
    expected = np.zeros((5, 3))
    for row in range(5):
        for column in range(6):
            expected[row] += weight[0 if column < 4 else 1] * inputs[row, column].item() * projection[column]
    np.testing.assert_allclose(fusion(inputs).detach().numpy(), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(fusion.gates.detach().numpy(), weight, rtol=1e-5)


def test_the_parts_add_up_and_the_shares_too(fusion):
    inputs = torch.randn(5, 6, generator=torch.Generator().manual_seed(1))
    parts = fusion.parts(inputs)
    assert list(parts) == ["image", "text"]
    torch.testing.assert_close(parts["image"] + parts["text"], fusion(inputs))
    energy = {name: float((part.detach().numpy() ** 2).sum()) for name, part in parts.items()}
    shares = fusion.shares(inputs)
    assert shares == pytest.approx({name: value / sum(energy.values()) for name, value in energy.items()}, rel=1e-4)
    inputs[:, 4:] = 0
    assert fusion.shares(inputs) == pytest.approx({"image": 1.0, "text": 0.0})


def test_the_weights_of_blocks_are_learned(fusion):
    """Only the text says what is wanted: its weight grows."""
    inputs = torch.randn(200, 6, generator=torch.Generator().manual_seed(2))
    wanted = inputs[:, 4:] @ torch.ones(2, 3)
    before = fusion.gates.detach().clone()
    optimiser = torch.optim.Adam(fusion.parameters(), lr=0.05, weight_decay=1e-2)
    for _ in range(100):
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(fusion(inputs), wanted).backward()
        optimiser.step()
    assert fusion.gates[1] > before[1]
    assert fusion.shares(inputs)["text"] > 0.9
