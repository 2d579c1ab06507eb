"""What the layers of our architectures are called in the code that others published.

The layers of a published network stand in the order in which ours do; only their names differ. So a naming lists the
names of the layers outside of blocks in that order, how a block is called by its stage and number, and what differs
within a block. A row is checked by loading weights of a network written from the public definition, and back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch import nn

from benchmark.models.architectures import ARCHITECTURES
from benchmark.models.mobilenet import InvertedResidual
from benchmark.models.resnet import BasicBlock, PreActBlock
from benchmark.models.wide_resnet import WideBlock

#: What files call their keys after, and where these names come from.
KEYS = {
    "kuangliu": "kuangliu/pytorch-cifar, and after it TRADES, MART, AWP, robust_union, RobustBench and robustness",
    "trades": "the WideResNet of TRADES; also in MART, AWP and RobustBench",
    "torchvision": "torchvision",
    "benchmark": "this benchmark, the bare weights",
}


_BLOCKS = (BasicBlock, PreActBlock, WideBlock, InvertedResidual)


@dataclass(frozen=True)
class Naming:
    """How one kind of network is called in one program.

    Attributes:
        outer: the names of the layers with weights that are in no block, in their order.
        block: the name of a block, of "{stage}" and "{number}" from `first` on, or of "{index}" among all.
        inner: what begins a name within a block here, and there; others are the same.
        stages: how many blocks there are in each stage; by default so many in each of `equal` stages.
        unused: beginnings of names that files have though that program does not compute with them.
    """

    outer: tuple[str, ...]
    block: str = ""
    inner: dict[str, str] = field(default_factory=dict)
    stages: tuple[int, ...] = ()
    equal: int = 4
    unused: tuple[str, ...] = ()

    def of(self, network: nn.Module) -> dict[str, str]:
        """The name there of every weight of `network`, by its name here."""
        found: dict[str, str] = {}
        outer = iter(self.outer)
        index = 0
        blocks = sum(isinstance(module, _BLOCKS) for module in network.modules())
        places = list(_places(self.stages or (blocks // self.equal,) * self.equal))
        for name, module in _layers(network):
            if isinstance(module, _BLOCKS):
                stage, number = places[index] if places else (0, 0)
                there = self.block.format(stage=stage + 1, number=number, index=index)
                index += 1
                for key in module.state_dict():
                    found[f"{name}.{key}"] = f"{there}.{self._within(key)}"
            else:
                there = next(outer)
                found.update({f"{name}.{key}": f"{there}.{key}" for key in module.state_dict()})
        return found

    def _within(self, key: str) -> str:
        for here, there in self.inner.items():
            if key.startswith(f"{here}."):
                return there + key[len(here) :]
        return key


def _places(stages: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    for stage, blocks in enumerate(stages):
        yield from ((stage, number) for number in range(blocks))


def _layers(network: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The blocks, and the layers with weights outside of blocks, in their order."""
    for name, module in network.named_children():
        if isinstance(module, _BLOCKS) or (not list(module.children()) and module.state_dict()):
            yield prefix + name, module
        else:
            yield from _layers(module, f"{prefix}{name}.")


_RESNET = Naming(("conv1", "bn1", "linear"), "layer{stage}.{number}")
_TORCHVISION_RESNET = Naming(("conv1", "bn1", "fc"), "layer{stage}.{number}", {"shortcut": "downsample"})
_PREACT = Naming(("conv1", "linear"), "layer{stage}.{number}", {"shortcut": "shortcut.0"})
_WIDE = Naming(
    ("conv1", "bn1", "fc"),
    "block{stage}.layer.{number}",
    {"shortcut": "convShortcut"},
    equal=3,
    unused=("sub_block1.",),  # a copy of the first blocks that its code makes and never calls
)
_MOBILENET = Naming(
    ("conv1", "bn1", "conv2", "bn2", "linear"),
    "layers.{index}",
    {
        **{
            f"{layer}.{place}": f"{kind}{number}"
            for number, layer in enumerate(("expand", "filter", "project"), 1)
            for place, kind in enumerate(("conv", "bn"))
        },
    },
    equal=1,
)

#: By architecture, its names elsewhere, by what the keys are called after.
NAMINGS: dict[str, dict[str, Naming]] = {
    "resnet18": {"kuangliu": _RESNET, "torchvision": _TORCHVISION_RESNET},
    "preact-resnet18": {"kuangliu": _PREACT},
    **{f"wrn-{size}": {"trades": _WIDE} for size in ("16-8", "28-4", "28-10", "34-10", "34-20", "70-16")},
    "mobilenet-v2": {"kuangliu": _MOBILENET},
}


@lru_cache
def names_in(architecture: str, keys: str) -> dict[str, str]:
    """The name in another program of each weight of an architecture, by its name here, without our own "network.".

    Args:
        architecture: a name in `ARCHITECTURES`.
        keys: a name in `keys_of(architecture)`.
    """
    with torch.device("meta"):
        network = ARCHITECTURES.get(architecture)(num_classes=10, shape=(3, 32, 32))
    if keys == "benchmark":
        return {key: f"network.{key}" for key in network.state_dict()}
    return NAMINGS[architecture][keys].of(network)


def keys_of(architecture: str) -> tuple[str, ...]:
    """What the keys of a file with the weights of this architecture may be called after."""
    return (*NAMINGS.get(architecture, {}), "benchmark")


def unused(architecture: str, keys: str) -> tuple[str, ...]:
    """Beginnings of names that such files may have beside the weights that are computed with."""
    naming = NAMINGS.get(architecture, {}).get(keys)
    return naming.unused if naming else ()
