"""The WideResNet of DeepMind's robust training, which RobustBench took over: SiLU, padded as TensorFlow does it."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Block(nn.Module):
    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.batchnorm_0 = nn.BatchNorm2d(channels)
        self.conv_0 = nn.Conv2d(channels, width, 3, stride, bias=False)
        self.batchnorm_1 = nn.BatchNorm2d(width)
        self.conv_1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.shortcut = None if channels == width else nn.Conv2d(channels, width, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        active = F.silu(self.batchnorm_0(x))
        edges = (1, 1, 1, 1) if self.conv_0.stride[0] == 1 else (0, 1, 0, 1)
        inner = self.conv_1(F.silu(self.batchnorm_1(self.conv_0(F.pad(active, edges)))))
        return inner + (x if self.shortcut is None else self.shortcut(active))


class Group(nn.Module):
    def __init__(self, channels: int, width: int, blocks: int, stride: int) -> None:
        super().__init__()
        rest = [Block(width, width, 1) for _ in range(blocks - 1)]
        self.block = nn.Sequential(Block(channels, width, stride), *rest)

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


class WideResNet(nn.Module):
    def __init__(self, depth: int, widen: int) -> None:
        super().__init__()
        blocks, widths = (depth - 4) // 6, [16 * widen, 32 * widen, 64 * widen]
        self.init_conv = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.layer = nn.Sequential(
            Group(16, widths[0], blocks, 1),
            Group(widths[0], widths[1], blocks, 2),
            Group(widths[1], widths[2], blocks, 2),
        )
        self.batchnorm = nn.BatchNorm2d(widths[2])
        self.logits = nn.Linear(widths[2], 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.silu(self.batchnorm(self.layer(self.init_conv(x))))
        return self.logits(F.avg_pool2d(x, 8).flatten(1))
