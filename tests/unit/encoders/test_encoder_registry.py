"""Names to encoders."""

from __future__ import annotations

import subprocess
import sys

import pytest

from visrec.core.errors import InputError
from visrec.encoders.registry import ENCODERS, image_encoder, text_encoder


@pytest.mark.parametrize("name", ["resnet", "", "onnx:", "bge-small", "EfficientNet-Lite0", "tim:x"])
def test_unknown_image_encoder_lists_the_known_ones(name: str) -> None:
    with pytest.raises(InputError) as caught:
        image_encoder(name)
    for known in ("efficientnet-lite0", "clip-vit-b16", "onnx:PATH", "timm:NAME"):
        assert known in str(caught.value)


def test_unknown_text_encoder_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="bge-small"):
        text_encoder("clip-vit-b16")


def test_made_by_name() -> None:
    assert image_encoder("colour-histogram").info.id == "colour-histogram"
    assert image_encoder().info.id == "efficientnet-lite0"


def test_every_entry_says_what_it_is() -> None:
    assert all(entry.id == name and entry.about and entry.licence for name, entry in ENCODERS.items())


def test_listing_encoders_loads_nothing_heavy() -> None:
    code = (
        "import sys; from visrec.encoders.registry import ENCODERS; import visrec.encoders.pipeline;"
        "heavy = {'torch', 'onnx', 'onnxruntime', 'timm', 'tokenizers', 'huggingface_hub'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
