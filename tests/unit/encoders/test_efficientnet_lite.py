"""The hand-built graph computes what the published PyTorch port computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visrec.encoders.efficientnet_lite import EfficientNetLite


@pytest.mark.parametrize("variant", ["efficientnet-lite0", "efficientnet-lite2"])
def test_equals_the_torch_model(variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISREC_CACHE", str(tmp_path))  # A graph that was converted earlier would prove nothing.
    torch = pytest.importorskip("torch")
    port = pytest.importorskip("efficientnet_lite_pytorch")
    encoder = EfficientNetLite(variant)
    size = encoder.info.preprocessing["size"]
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(noise).resize((size, size), Image.Resampling.BICUBIC))
    batch = np.stack([smooth, 255 - smooth])
    model = port.EfficientNet.from_name(variant)
    model.load_state_dict(torch.load(encoder._weights.files[0], weights_only=True))
    model.eval()
    with torch.inference_mode():
        pixels = (torch.tensor(batch).permute(0, 3, 1, 2).float() - 127) / 128
        expected = model.extract_features(pixels).mean((2, 3)).numpy()
    assert encoder.embed(batch) == pytest.approx(expected, abs=1e-4)
    assert expected.max() > 0.5
