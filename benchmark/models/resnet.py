"""ResNet-18 in the two forms used on CIFAR: a 3×3 stem without pooling, four stages of two blocks."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

#: Channels and stride of the four stages.
STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))


def conv3x3(channels: int, width: int, stride: int = 1) -> nn.Conv2d:
    """A 3×3 convolution without bias that keeps the image's size, but for the stride."""
    return nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)


class BasicBlock(nn.Module):
    """conv–BN–ReLU–conv–BN plus the shortcut, then ReLU (He et al. 2016, "Deep residual learning")."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv3x3(channels, width, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv3x3(width, width), nn.BatchNorm2d(width)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


class PreActBlock(nn.Module):
    """BN–ReLU–conv twice plus the shortcut (He et al. 2016, "Identity mappings in deep residual networks").

    Where the shape changes, the shortcut is a bare 1×1 convolution of the activated input.
    """

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(channels), conv3x3(channels, width, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), conv3x3(width, width)
        self.shortcut: nn.Module | None = None
        if stride != 1 or channels != width:
            self.shortcut = nn.Conv2d(channels, width, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        active = F.relu(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(active)
        return self.conv2(F.relu(self.bn2(self.conv1(active)))) + shortcut


def resnet18(num_classes: int, shape: tuple[int, int, int]) -> nn.Module:
    """ResNet-18 for CIFAR; 11,173,962 parameters for 10 classes of RGB images."""
    stem = [conv3x3(shape[0], 64), nn.BatchNorm2d(64), nn.ReLU()]
    return _assemble(stem, BasicBlock, num_classes)


def preact_resnet18(num_classes: int, shape: tuple[int, int, int]) -> nn.Module:
    """Pre-activation ResNet-18 for CIFAR; 11,171,146 parameters for 10 classes of RGB images.

    The last block's sum is pooled as it is, as in the multi-norm baselines (Maini et al. 2020) and most
    code for CIFAR. He et al. put one more BN–ReLU before the pooling (1,024 parameters more).
    """
    return _assemble([conv3x3(shape[0], 64)], PreActBlock, num_classes)


def _assemble(stem: list[nn.Module], block: Callable[[int, int, int], nn.Module], num_classes: int) -> nn.Sequential:
    blocks, channels = [], 64
    for width, stride in STAGES:
        blocks += [block(channels, width, stride), block(width, width, 1)]
        channels = width
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*stem, *blocks, *head)
