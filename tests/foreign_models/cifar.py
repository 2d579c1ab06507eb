"""The networks of kuangliu/pytorch-cifar, which TRADES, MART, AWP, robust_union and RobustBench took over."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def conv(channels: int, width: int, side: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, width, side, stride, side // 2, groups=groups, bias=False)


class Basic(nn.Module):
    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(channels, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        changes = stride != 1 or channels != width
        self.shortcut = nn.Sequential(*([conv(channels, width, 1, stride), nn.BatchNorm2d(width)] if changes else []))

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (inner + self.shortcut(x)).relu()


class PreAct(nn.Module):
    raw = False
    active = staticmethod(F.relu)

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(channels), conv(channels, width, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), conv(width, width, 3)
        if stride != 1 or channels != width:
            self.shortcut = nn.Sequential(conv(channels, width, 1, stride))

    def forward(self, x: Tensor) -> Tensor:
        active = self.active(self.bn1(x))
        beside = self.shortcut(x if self.raw else active) if hasattr(self, "shortcut") else x
        return self.conv2(self.active(self.bn2(self.conv1(active)))) + beside


class RawPreAct(PreAct):
    """As locuslab/fast_adversarial has it, under the same names."""

    raw = True


class SoftPreAct(PreAct):
    """As fra31/robust-finetuning has it by default, under the same names; behind the last norm there is a ReLU."""

    active = staticmethod(F.softplus)


class OptionA(nn.Module):
    """A shortcut without weights, as akamaster/pytorch_resnet_cifar10 has it."""

    def forward(self, x: Tensor) -> Tensor:
        quarter = x.shape[1] // 2
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, quarter, quarter))


class NarrowBasic(Basic):
    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__(channels, width, stride)
        self.shortcut = nn.Sequential() if channels == width else OptionA()


class Narrow(nn.Module):
    """ResNet-20 and its like, of akamaster/pytorch_resnet_cifar10."""

    def __init__(self, blocks: int = 3) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(3, 16, 3), nn.BatchNorm2d(16)
        self.layer1 = stage(NarrowBasic, 16, 16, blocks, 1)
        self.layer2 = stage(NarrowBasic, 16, 32, blocks, 2)
        self.layer3 = stage(NarrowBasic, 32, 64, blocks, 2)
        self.linear = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer3(self.layer2(self.layer1(self.bn1(self.conv1(x)).relu())))
        return self.linear(F.avg_pool2d(x, 8).flatten(1))


class VGG(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers, channels = [], 3
        for width in (64, 64, "M", 128, 128, "M", *(256,) * 3, "M", *(512,) * 3, "M", *(512,) * 3, "M"):
            if width == "M":
                layers.append(nn.MaxPool2d(2, 2))
            else:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
        self.features = nn.Sequential(*layers, nn.AvgPool2d(1, 1))
        self.classifier = nn.Linear(512, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))


class Bottleneck(nn.Module):
    """The inverted one of MobileNetV2."""

    def __init__(self, channels: int, width: int, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = expansion * channels
        self.stride = stride
        self.conv1, self.bn1 = conv(channels, hidden, 1), nn.BatchNorm2d(hidden)
        self.conv2, self.bn2 = conv(hidden, hidden, 3, stride, hidden), nn.BatchNorm2d(hidden)
        self.conv3, self.bn3 = conv(hidden, width, 1), nn.BatchNorm2d(width)
        changes = stride == 1 and channels != width
        self.shortcut = nn.Sequential(*([conv(channels, width, 1), nn.BatchNorm2d(width)] if changes else []))

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()
        inner = self.bn3(self.conv3(inner))
        return inner + self.shortcut(x) if self.stride == 1 else inner


def stage(block: type[nn.Module], channels: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    first = block(channels, width, stride)
    return nn.Sequential(first, *(block(width, width, 1) for _ in range(blocks - 1)))


class ResNet(nn.Module):
    """ResNet-18; with `PreAct` blocks there is no norm behind the stem, with `bn` one before the pooling."""

    def __init__(
        self, block: type[nn.Module] = Basic, blocks=(2, 2, 2, 2), classes: int = 10, bn: bool = False
    ) -> None:
        super().__init__()
        self.conv1 = conv(3, 64, 3)
        self.bn1 = nn.BatchNorm2d(64) if block is Basic else None  # which leaves no name behind
        for number, width in enumerate((64, 128, 256, 512)):
            layer = stage(block, max(width // 2, 64), width, blocks[number], 1 if width == 64 else 2)
            setattr(self, f"layer{number + 1}", layer)
        if bn:
            self.bn = nn.BatchNorm2d(512)
        self.linear = nn.Linear(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        if self.bn1 is not None:
            x = self.bn1(x).relu()
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        if hasattr(self, "bn"):
            x = self.bn(x).relu()
        return self.linear(F.avg_pool2d(x, 4).flatten(1))


class MobileNetV2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(3, 32, 3), nn.BatchNorm2d(32)
        rows = [
            (1, 16, 1, 1),
            (6, 24, 2, 1),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        ]
        layers, channels = [], 32
        for expansion, width, blocks, stride in rows:
            for number in range(blocks):
                layers.append(Bottleneck(channels, width, expansion, 1 if number else stride))
                channels = width
        self.layers = nn.Sequential(*layers)
        self.conv2, self.bn2 = conv(320, 1280, 1), nn.BatchNorm2d(1280)
        self.linear = nn.Linear(1280, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn2(self.conv2(self.layers(self.bn1(self.conv1(x)).relu()))).relu()
        return self.linear(F.avg_pool2d(x, 4).flatten(1))
