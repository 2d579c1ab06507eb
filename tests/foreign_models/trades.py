"""The WideResNet of TRADES, which MART, AWP and RobustBench took over; its first version has a part never used."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from foreign_models.cifar import conv


class Block(nn.Module):
    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(channels), conv(channels, width, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), conv(width, width, 3)
        self.convShortcut = None if channels == width else conv(channels, width, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        active = self.bn1(x).relu()
        inner = self.conv2(self.bn2(self.conv1(active)).relu())
        return inner + (x if self.convShortcut is None else self.convShortcut(active))


class Stage(nn.Module):
    def __init__(self, channels: int, width: int, blocks: int, stride: int) -> None:
        super().__init__()
        rest = [Block(width, width, 1) for _ in range(blocks - 1)]
        self.layer = nn.Sequential(Block(channels, width, stride), *rest)


class WideResNet(nn.Module):
    def __init__(self, depth: int, widen: int, sub_block1: bool = False) -> None:
        super().__init__()
        blocks, widths = (depth - 4) // 6, [16 * widen, 32 * widen, 64 * widen]
        self.conv1 = conv(3, 16, 3)
        self.block1 = Stage(16, widths[0], blocks, 1)
        if sub_block1:
            self.sub_block1 = Stage(16, widths[0], blocks, 1)
        self.block2 = Stage(widths[0], widths[1], blocks, 2)
        self.block3 = Stage(widths[1], widths[2], blocks, 2)
        self.bn1 = nn.BatchNorm2d(widths[2])
        self.fc = nn.Linear(widths[2], 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        for part in (self.block1, self.block2, self.block3):
            x = part.layer(x)
        return self.fc(F.avg_pool2d(self.bn1(x).relu(), 8).flatten(1))
