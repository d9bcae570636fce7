"""Networks that turn small pictures into standardised vectors, by name of their backbone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from visrec.core.errors import InputError
from visrec.training.colours import Colours
from visrec.training.convnet import ConvNet
from visrec.training.efficientnet_lite import EfficientNetLite0, FrozenBlocks, TrainedBlocks, packaged_weights
from visrec.training.resnet import ResNet

__all__ = ["BACKBONES", "PictureNetwork", "as_pictures", "make_picture_network"]

BACKBONES = ("cnn", "resnet", "efficientnet")

#: The last inverted bottleneck of sixteen: it and what follows, a third of the weights, are trained on.
_FIRST_TRAINED = 15


class PictureNetwork(nn.Module):
    """Front, back, a dense layer, and a batch norm without weights: vectors have mean 0 and deviation 1 over pictures.

    Args:
        front: float32 (n, 3, size, size), 0 to 1, to what the back takes; has nothing to train.
        back: to (n, width).
        width: see there.
        dim: length of a vector.
    """

    def __init__(self, front: nn.Module, back: nn.Module, width: int, dim: int) -> None:
        super().__init__()
        self.front = front
        self.back = back
        self.head = nn.Linear(width, dim)
        self.norm = nn.BatchNorm1d(dim, affine=False)
        self.dim = dim

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """float32 (n, 3, size, size), 0 to 1, to (n, dim)."""
        return self.finish(self.front(pictures))

    def finish(self, x: torch.Tensor) -> torch.Tensor:
        """What the front gives to (n, dim)."""
        return self.norm(self.head(self.back(x)))

    @property
    def frozen(self) -> bool:
        """Whether the front is costly and always the same, so that its output is worth keeping."""
        return isinstance(self.front, FrozenBlocks)

    def settle(self, batches: Iterable[torch.Tensor]) -> None:
        """Give batch norms the trained network's statistics over the batches: their running ones lag behind.

        In evaluation mode afterwards.

        Args:
            batches: what `finish` takes, each of two pictures or more.
        """
        self.eval()
        norms = [m for part in (self.back, self.head, self.norm) for m in part.modules()]
        norms = [m for m in norms if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # A plain mean over the batches.
            norm.train()
        with torch.no_grad():
            for batch in batches:
                self.finish(batch)
        self.eval()


def make_picture_network(backbone: str, size: int, dim: int, *, pretrained: bool = True) -> PictureNetwork:
    """A new network; weights that are not read from a file are drawn by torch's seed.

    Args:
        backbone: "cnn", four convolutions and a dense layer; "resnet", the paper's with n = 1 (8 layers);
            "efficientnet", EfficientNet-Lite0 trained on ImageNet, of which the last block and the head are trained on.
        size: height and width of the pictures.
        dim: length of a vector.
        pretrained: read published weights where the network has them; False: they will be loaded anyway.

    Raises:
        InputError: for an unknown name, or a size that the network does not take.
        WeightsError: when published weights are wanted and missing.
    """
    if backbone == "cnn":
        convnet = ConvNet(size)
        return PictureNetwork(Colours(), convnet, convnet.dim, dim)
    if backbone == "resnet":
        resnet = ResNet(blocks=1)
        return PictureNetwork(Colours(), resnet, resnet.dim, dim)
    if backbone == "efficientnet":
        network = EfficientNetLite0()
        if pretrained:
            network.load(packaged_weights())
        back = TrainedBlocks(network, _FIRST_TRAINED)
        return PictureNetwork(FrozenBlocks(network, _FIRST_TRAINED), back, back.dim, dim)
    raise InputError(f"Expected a backbone out of {', '.join(BACKBONES)}, got {backbone!r}.")


def as_pictures(pixels: npt.NDArray[np.uint8]) -> torch.Tensor:
    """uint8 (n, size, size, 3) as float32 (n, 3, size, size), 0 to 1, colours of a pixel side by side in memory."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(255.0)
