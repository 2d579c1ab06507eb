"""MobileNetV2 (Sandler et al. 2018) as used on CIFAR."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

#: Expansion, output channels, blocks and stride of each stage. On CIFAR the stem and the second stage keep
#: the image's size, as 32×32 would otherwise shrink to a single pixel.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 1),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class InvertedResidual(nn.Module):
    """Expand 1×1, filter each channel 3×3, project 1×1; a shortcut wherever the stride is 1.

    Where the number of channels changes too, the shortcut is a 1×1 convolution with batch norm: the form
    common in code for CIFAR (the paper has no shortcut there).
    """

    def __init__(self, channels: int, width: int, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = channels * expansion
        self.expand = _conv_bn(channels, hidden, 1)
        self.filter = _conv_bn(hidden, hidden, 3, stride, groups=hidden)
        self.project = _conv_bn(hidden, width, 1)
        self.shortcut: nn.Module | None = None
        if stride == 1:
            self.shortcut = nn.Identity() if channels == width else _conv_bn(channels, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        out = self.project(F.relu(self.filter(F.relu(self.expand(x)))))
        return out if self.shortcut is None else out + self.shortcut(x)


def mobilenet_v2(num_classes: int, shape: tuple[int, int, int]) -> nn.Module:
    """MobileNetV2 for CIFAR; 2,296,922 parameters for 10 classes of RGB images."""
    layers: list[nn.Module] = [_conv_bn(shape[0], 32, 3), nn.ReLU()]
    channels = 32
    for expansion, width, blocks, stride in STAGES:
        for number in range(blocks):
            layers.append(InvertedResidual(channels, width, expansion, stride if number == 0 else 1))
            channels = width
    layers += [_conv_bn(channels, 1280, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(1280, num_classes))


def _conv_bn(channels: int, width: int, size: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(channels, width, size, stride, padding=size // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(width))
