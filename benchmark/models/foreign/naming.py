"""How the layers of a network are called in another program: by their order, or by words in their names.

The layers of a published network stand in the order in which ours do; only their names differ. So a naming lists the
names of the layers outside of blocks in that order, how a block is called by its stage and number, and what differs
within a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import nn

from benchmark.models.mobilenet import InvertedResidual
from benchmark.models.resnet import BasicBlock, PreActBlock
from benchmark.models.wide_resnet import WideBlock

_BLOCKS = (BasicBlock, PreActBlock, WideBlock, InvertedResidual)


@dataclass(frozen=True)
class Naming:
    """How one kind of network is called in one program.

    Attributes:
        outer: the names of the layers with weights that are in no block, in their order.
        block: the name of a block, of its "{stage}" (from 1 on, or "{stage0}") and "{number}", or "{index}" of all.
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
                there = self.block.format(stage=stage + 1, stage0=stage, number=number, index=index)
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


@dataclass(frozen=True)
class Renaming:
    """How a network is called elsewhere whose names differ by words alone.

    Attributes:
        words: parts of names here, and there.
    """

    words: tuple[tuple[str, str], ...] = ()
    unused: tuple[str, ...] = ()

    def of(self, network: nn.Module) -> dict[str, str]:
        """The name there of every weight of `network`, by its name here."""
        found = {}
        for key in network.state_dict():
            there = key
            for word, other in self.words:
                there = there.replace(word, other)
            found[key] = there
        return found
