"""Architectures by name."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from torch import nn

from benchmark.errors import BadInput, unknown
from benchmark.models.activations import LAYERS
from benchmark.models.mnist_cnn import mnist_cnn
from benchmark.models.mobilenet import mobilenet_v2
from benchmark.models.normalize import Normalize
from benchmark.models.queries import split_query
from benchmark.models.resnet import NarrowResNet, PreActResNet, ResNet18, SlimResNet
from benchmark.models.small_cnn import SmallCNN
from benchmark.models.vgg import vgg16_bn
from benchmark.models.vision import convnext_tiny, vit_tiny
from benchmark.models.wide_resnet import WideResNet
from benchmark.own import files
from benchmark.own.fresh_import import load_entry
from benchmark.own.functions import no_instance
from benchmark.registry import Registry


class Architecture(Protocol):
    """Makes a network with random weights from normalised images of `shape` (C, H, W) to N×K logits."""

    def __call__(self, num_classes: int, shape: tuple[int, int, int]) -> nn.Module: ...


def _fault(thing: Any) -> str:
    """What keeps another's thing from being an architecture."""
    if not callable(thing):
        return no_instance(thing, "function")
    try:
        inspect.signature(thing).bind(num_classes=10, shape=(3, 32, 32))
    except TypeError as error:
        return f"takes other arguments than num_classes and shape: {error}"
    except ValueError:  # one that tells nothing about itself
        return ""
    return ""


class Architectures(Registry[Architecture]):
    """Architectures by name; those that can have another activation take it behind a question mark.

    `wrn-28-10?activation=silu` is the WideResNet with SiLU.
    """

    def get(self, name: str, where: str = "") -> Architecture:
        plain, options = _split(name)
        made = super().get(plain, where)
        if not options:
            return made
        prefix = f"{where}: " if where else ""
        if not hasattr(made, "activation"):
            raise BadInput(f"{prefix}architecture {name}: {plain} has no options; leave out what is behind its name")
        for key, value in options.items():
            if key != "activation":
                raise unknown("option", key, ["activation"], f"{prefix}architecture {plain}")
            if value not in LAYERS:
                raise BadInput(f"{prefix}architecture {name}: activation is {' or '.join(LAYERS)}")
        return replace(made, **options)  # type: ignore[type-var]

    def is_plug_in(self, name: str) -> bool:
        return super().is_plug_in(base_name(name))

    def __contains__(self, name: str) -> bool:
        return super().__contains__(base_name(name))


def base_name(architecture: str) -> str:
    """What stands before the options: "wrn-28-10" of "wrn-28-10?activation=silu"."""
    return architecture if files.is_spec(architecture) else architecture.partition("?")[0]


def _split(architecture: str) -> tuple[str, dict[str, Any]]:
    return (architecture, {}) if files.is_spec(architecture) else split_query(architecture)


def canonical(architecture: str) -> str:
    """The one way to write an architecture: without options that it has anyway.

    Raises:
        BadInput: there is no such architecture, or it has no such option.
    """
    plain, options = _split(architecture)
    made = ARCHITECTURES.get(architecture)
    is_usual = not options or made == ARCHITECTURES.get(plain)
    return plain if is_usual else f"{plain}?activation={options['activation']}"


ARCHITECTURES = Architectures("architecture", fault=_fault, load=load_entry)
ARCHITECTURES.add("small-cnn", SmallCNN())
ARCHITECTURES.add("small-cnn-x2", SmallCNN(widen=2))
ARCHITECTURES.add("small-cnn-x3", SmallCNN(widen=3))
ARCHITECTURES.add("small-cnn-x4", SmallCNN(widen=4))
ARCHITECTURES.add("mnist-cnn", mnist_cnn)
ARCHITECTURES.add("resnet10-slim", SlimResNet())
ARCHITECTURES.add("resnet10-slim-x2", SlimResNet(widen=2))
ARCHITECTURES.add("resnet18", ResNet18())
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
ARCHITECTURES.add("preact-resnet18-softplus", PreActResNet(last_norm=True, activation="softplus"))
ARCHITECTURES.add("preact-resnet34", PreActResNet((3, 4, 6, 3)))
ARCHITECTURES.add("wrn-16-8", WideResNet(16, 8))
ARCHITECTURES.add("wrn-28-4", WideResNet(28, 4))
ARCHITECTURES.add("wrn-28-10-silu", WideResNet(28, 10, "silu", same_padded=True))
ARCHITECTURES.add("wrn-70-16-silu", WideResNet(70, 16, "silu", same_padded=True))
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
        architecture: a name in `ARCHITECTURES`, perhaps with an option.
        num_classes: K.
        shape: (C, H, W) of the images.
        mean, std: one number per channel, in units of pixels in [0, 1].

    Raises:
        BadInput: unknown architecture.
    """
    network = ARCHITECTURES.get(architecture)(num_classes=num_classes, shape=shape)
    if not isinstance(network, nn.Module):
        made = type(network).__name__
        raise BadInput(f"architecture {architecture} made a {made}; it has to make a torch.nn.Module")
    return nn.Sequential(OrderedDict(normalize=Normalize(mean, std), network=network))


def is_foreign(architecture: str) -> bool:
    """Whether another package defines it, so that its name does not say what it computes.

    Raises:
        BadInput: unknown architecture.
    """
    made = ARCHITECTURES.get(architecture)
    home = made if hasattr(made, "__qualname__") else type(made)
    return home.__module__.partition(".")[0] != __name__.partition(".")[0]
