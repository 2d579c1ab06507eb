"""Architectures by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from torch import nn

from benchmark.models.fresh_import import load_entry
from benchmark.models.mnist_cnn import mnist_cnn
from benchmark.models.mobilenet import mobilenet_v2
from benchmark.models.normalize import Normalize
from benchmark.models.resnet import NarrowResNet, PreActResNet, resnet18
from benchmark.models.small_cnn import SmallCNN
from benchmark.models.vgg import vgg16_bn
from benchmark.models.vision import convnext_tiny, vit_tiny
from benchmark.models.wide_resnet import SamePaddedWideResNet, WideResNet
from benchmark.registry import Registry


class Architecture(Protocol):
    """Makes a network with random weights from normalised images of `shape` (C, H, W) to N×K logits."""

    def __call__(self, num_classes: int, shape: tuple[int, int, int]) -> nn.Module: ...


ARCHITECTURES: Registry[Architecture] = Registry("architecture", load=load_entry)
ARCHITECTURES.add("small-cnn", SmallCNN())
ARCHITECTURES.add("small-cnn-x2", SmallCNN(widen=2))
ARCHITECTURES.add("small-cnn-x3", SmallCNN(widen=3))
ARCHITECTURES.add("small-cnn-x4", SmallCNN(widen=4))
ARCHITECTURES.add("mnist-cnn", mnist_cnn)
ARCHITECTURES.add("resnet18", resnet18)
ARCHITECTURES.add("preact-resnet18", PreActResNet())
ARCHITECTURES.add("wrn-28-10", WideResNet(28, 10))
ARCHITECTURES.add("wrn-34-10", WideResNet(34, 10))
ARCHITECTURES.add("wrn-34-20", WideResNet(34, 20))
ARCHITECTURES.add("wrn-70-16", WideResNet(70, 16))
ARCHITECTURES.add("mobilenet-v2", mobilenet_v2)
ARCHITECTURES.add("resnet20", NarrowResNet(20))
ARCHITECTURES.add("resnet56", NarrowResNet(56))
ARCHITECTURES.add("preact-resnet18-raw-shortcut", PreActResNet(raw=True))
ARCHITECTURES.add("preact-resnet18-last-norm", PreActResNet(last_norm=True))
ARCHITECTURES.add("preact-resnet34", PreActResNet((3, 4, 6, 3)))
ARCHITECTURES.add("wrn-16-8", WideResNet(16, 8))
ARCHITECTURES.add("wrn-28-4", WideResNet(28, 4))
ARCHITECTURES.add("wrn-28-10-silu", SamePaddedWideResNet(28, 10))
ARCHITECTURES.add("wrn-70-16-silu", SamePaddedWideResNet(70, 16))
ARCHITECTURES.add("vgg16-bn", vgg16_bn)
ARCHITECTURES.add("vit-tiny", vit_tiny, "deit-tiny")
ARCHITECTURES.add("convnext-tiny", convnext_tiny)


def build(
    architecture: str,
    *,
    num_classes: int,
    shape: tuple[int, int, int],
    mean: Sequence[float],
    std: Sequence[float],
) -> nn.Module:
    """A new network whose first layer normalises: images N×C×H×W in [0, 1] → N×K logits.

    The weights are drawn from torch's global generator.

    Args:
        architecture: a name in `ARCHITECTURES`.
        num_classes: K.
        shape: (C, H, W) of the images.
        mean, std: one number per channel, in units of pixels in [0, 1].

    Raises:
        BadInput: unknown architecture.
    """
    network = ARCHITECTURES.get(architecture)(num_classes=num_classes, shape=shape)
    return nn.Sequential(OrderedDict(normalize=Normalize(mean, std), network=network))


def is_foreign(architecture: str) -> bool:
    """Whether another package defines it, so that its name does not say what it computes.

    Raises:
        BadInput: unknown architecture.
    """
    made = ARCHITECTURES.get(architecture)
    home = made if hasattr(made, "__qualname__") else type(made)
    return home.__module__.partition(".")[0] != __name__.partition(".")[0]
