"""Wide residual networks for CIFAR (Zagoruyko & Komodakis 2016)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from benchmark.models.activations import FUNCTIONS, LAYERS, Activation
from benchmark.models.resnet import conv3x3


class WideBlock(nn.Module):
    """BN–ReLU–conv twice plus the shortcut; a bare 1×1 convolution where the number of channels changes.

    The first convolution is padded on all sides, or `same_padded` as TensorFlow does it: where a stride leaves one
    pixel over, right and below.
    """

    def __init__(
        self, channels: int, width: int, stride: int, activation: Activation = "relu", same_padded: bool = False
    ) -> None:
        super().__init__()
        self.active, self.same_padded = FUNCTIONS[activation], same_padded
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=0 if same_padded else 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), conv3x3(width, width)
        self.shortcut = None if channels == width else nn.Conv2d(channels, width, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        active = self.active(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(active)
        inner = self.conv1(_padded(active, self.conv1.stride[0]) if self.same_padded else active)
        return self.conv2(self.active(self.bn2(inner))) + shortcut


def _padded(x: Tensor, stride: int) -> Tensor:
    """Zeros around an image so that a 3×3 convolution leaves 1/stride of each side, rounded up."""
    edges = []
    for side in (x.shape[3], x.shape[2]):
        more = max((-(-side // stride) - 1) * stride + 3 - side, 0)
        edges += [more // 2, more - more // 2]
    return F.pad(x, edges)


@dataclass(frozen=True)
class WideResNet:
    """Makes WRN-`depth`-`widen`: (depth − 4) / 6 blocks in each of three stages of 16, 32, 64 × widen channels.

    Attributes:
        activation: what stands between layers.
        same_padded: whether it is padded as TensorFlow does it. With SiLU it is then the network of DeepMind's robust
            training (Gowal et al. 2020, Rebuffi et al. 2021), as many published robust ones are; with the same
            weights the other one is another network.
    """

    depth: int
    widen: int
    activation: Activation = "relu"
    same_padded: bool = False

    def __call__(self, num_classes: int, shape: tuple[int, int, int]) -> nn.Module:
        block = partial(WideBlock, activation=self.activation, same_padded=self.same_padded)
        layers: list[nn.Module] = [conv3x3(shape[0], 16)]
        channels = 16
        for width, stride in ((16 * self.widen, 1), (32 * self.widen, 2), (64 * self.widen, 2)):
            for number in range((self.depth - 4) // 6):
                layers.append(block(channels, width, stride if number == 0 else 1))
                channels = width
        layers += [nn.BatchNorm2d(channels), LAYERS[self.activation](), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        network = nn.Sequential(*layers, nn.Linear(channels, num_classes))
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
        return network
