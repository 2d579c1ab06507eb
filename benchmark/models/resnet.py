"""Residual networks in the forms used on CIFAR: a 3×3 stem without pooling, then three or four stages of blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from benchmark.models.activations import FUNCTIONS, LAYERS, Activation

#: Channels and stride of the four stages, and of the three of the networks that were made for CIFAR.
STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))
NARROW = ((16, 1), (32, 2), (64, 2))
SLIM = ((16, 2), (32, 2), (64, 2), (128, 2))


def conv3x3(channels: int, width: int, stride: int = 1) -> nn.Conv2d:
    """A 3×3 convolution without bias that keeps the image's size, but for the stride."""
    return nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)


class Padded(nn.Module):
    """A shortcut without weights: every other pixel, and channels of zeros on both sides (He et al.'s option A)."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.stride, self.beside = stride, (width - channels) // 2

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.beside, self.beside))


class BasicBlock(nn.Module):
    """conv–BN–ReLU–conv–BN plus the shortcut, then ReLU (He et al. 2016, "Deep residual learning").

    Where the shape changes, the shortcut is a 1×1 convolution with batch norm, or `padded`.
    """

    def __init__(
        self, channels: int, width: int, stride: int, padded: bool = False, activation: Activation = "relu"
    ) -> None:
        super().__init__()
        self.active = FUNCTIONS[activation]
        self.conv1, self.bn1 = conv3x3(channels, width, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv3x3(width, width), nn.BatchNorm2d(width)
        self.shortcut: nn.Module = nn.Identity()
        if padded and channels != width:
            self.shortcut = Padded(channels, width, stride)
        elif stride != 1 or channels != width:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        out = self.active(self.bn1(self.conv1(x)))
        return self.active(self.bn2(self.conv2(out)) + self.shortcut(x))


class PreActBlock(nn.Module):
    """BN–ReLU–conv twice plus the shortcut (He et al. 2016, "Identity mappings in deep residual networks").

    Where the shape changes, the shortcut is a bare 1×1 convolution of the activated input, or of the `raw` one.
    """

    def __init__(
        self, channels: int, width: int, stride: int, raw: bool = False, activation: Activation = "relu"
    ) -> None:
        super().__init__()
        self.raw, self.active = raw, FUNCTIONS[activation]
        self.bn1, self.conv1 = nn.BatchNorm2d(channels), conv3x3(channels, width, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), conv3x3(width, width)
        self.shortcut: nn.Module | None = None
        if stride != 1 or channels != width:
            self.shortcut = nn.Conv2d(channels, width, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        active = self.active(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(x if self.raw else active)
        return self.conv2(self.active(self.bn2(self.conv1(active)))) + shortcut


@dataclass(frozen=True)
class ResNet18:
    """Makes ResNet-18 for CIFAR; 11,173,962 parameters for 10 classes of RGB images."""

    activation: Activation = "relu"

    def __call__(self, num_classes: int, shape: tuple[int, int, int]) -> nn.Module:
        stem = [conv3x3(shape[0], 64), nn.BatchNorm2d(64), LAYERS[self.activation]()]
        return _assemble(stem, partial(BasicBlock, activation=self.activation), num_classes)


@dataclass(frozen=True)
class SlimResNet:
    """Makes ResNet-18 with one block per stage, 16 to 128 × `widen` channels, and half the sides from its first on.

    309,114 parameters and 4.4 million multiplications for 10 classes of 32×32 RGB images, 1/36 and 1/126 of those of
    ResNet-18: for comparisons of defences on photographs within minutes of one processor core.
    """

    widen: int = 1

    def __call__(self, num_classes: int, shape: tuple[int, int, int]) -> nn.Module:
        stages = tuple((width * self.widen, stride) for width, stride in SLIM)
        width = stages[0][0]
        stem = [conv3x3(shape[0], width), nn.BatchNorm2d(width), nn.ReLU()]
        return _assemble(stem, BasicBlock, num_classes, (1, 1, 1, 1), stages)


@dataclass(frozen=True)
class NarrowResNet:
    """Makes the ResNet of `depth` of He et al. (2016) for CIFAR: (depth − 2) / 6 blocks in each of three stages.

    Its shortcuts have no weights; ResNet-20 has 269,722 parameters for 10 classes of RGB images.
    """

    depth: int
    activation: Activation = "relu"

    def __call__(self, num_classes: int, shape: tuple[int, int, int]) -> nn.Module:
        stem = [conv3x3(shape[0], 16), nn.BatchNorm2d(16), LAYERS[self.activation]()]
        blocks = ((self.depth - 2) // 6,) * 3
        block = partial(BasicBlock, padded=True, activation=self.activation)
        return _assemble(stem, block, num_classes, blocks, NARROW)


@dataclass(frozen=True)
class PreActResNet:
    """Makes pre-activation ResNets for CIFAR; that of 18 layers has 11,171,146 parameters for 10 classes, RGB.

    The last block's sum is pooled as it is, as in the multi-norm baselines (Maini et al. 2020) and most
    code for CIFAR. He et al. put one more BN–ReLU before the pooling (1,024 parameters more), as does the code of
    Rice et al. (2020).

    Attributes:
        blocks: how many in each stage.
        raw: whether shortcuts with weights see the input before its activation, as in the code of Wong et al. (2020):
            with the same weights that is another network.
        last_norm: whether there is one more BN–ReLU at the end.
        activation: what stands between layers; softplus does so within blocks alone, as in the code of E-AT (Croce &
            Hein 2022) and RAMP, where the last norm is followed by a ReLU.
    """

    blocks: tuple[int, ...] = (2, 2, 2, 2)
    raw: bool = False
    last_norm: bool = False
    activation: Activation = "relu"

    def __call__(self, num_classes: int, shape: tuple[int, int, int]) -> nn.Module:
        tail = [nn.BatchNorm2d(512), LAYERS.get(self.activation, nn.ReLU)()] if self.last_norm else []
        block = partial(PreActBlock, raw=self.raw, activation=self.activation)
        return _assemble([conv3x3(shape[0], 64)], block, num_classes, self.blocks, tail=tail)


def _assemble(
    stem: list[nn.Module],
    block: Callable[[int, int, int], nn.Module],
    num_classes: int,
    blocks: tuple[int, ...] = (2, 2, 2, 2),
    stages: tuple[tuple[int, int], ...] = STAGES,
    tail: list[nn.Module] | None = None,
) -> nn.Sequential:
    layers, channels = [], stages[0][0]
    for count, (width, stride) in zip(blocks, stages, strict=True):
        layers += [block(channels, width, stride), *(block(width, width, 1) for _ in range(count - 1))]
        channels = width
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*stem, *layers, *(tail or []), *head)
