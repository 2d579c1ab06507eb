"""What the formulas are written in: the networks of one training step and their logits on each other's images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


class Mismatch(ValueError):
    """A formula asks for something that the networks of the method don't offer."""


@dataclass(frozen=True)
class Examples:
    """The adversarial images x' crafted against one network.

    Attributes:
        images: one tensor N×C×H×W per norm, or a single one where a strategy merged the norms.
        winner: per example, the index of the norm that won (strategy "max" only).
    """

    images: tuple[Tensor, ...]
    winner: Tensor | None = None


@dataclass
class Net:
    """A network h in one step. Its logits on any view are computed at most once.

    Attributes:
        forward: images → float32 logits.
        x: the clean images.
        examples: its own adversarial images; None if it is not attacked.
    """

    forward: Callable[[Tensor], Tensor]
    x: Tensor
    examples: Examples | None = None
    _memory: dict[int, Tensor] = field(default_factory=dict, repr=False)

    @property
    def clean(self) -> Tensor:
        """h(x), N×K."""
        return self._logits(self.x)

    @property
    def adversarial(self) -> Tensor:
        """h(x'), its own and only adversarial example."""
        return self.on(self)

    @property
    def adversarials(self) -> list[Tensor]:
        """h(x'_m) for each of its own adversarial examples, in the order of the norms."""
        return [self._logits(images) for images in self.own.images]

    @property
    def own(self) -> Examples:
        """Its own adversarial examples."""
        if self.examples is None:
            raise Mismatch("it asks for adversarial examples of a network that is not attacked")
        return self.examples

    def on(self, other: Net) -> Tensor:
        """Logits on the adversarial example of another network."""
        return self._logits(_only(other.own.images, "adversarial example per image"))

    def _logits(self, images: Tensor) -> Tensor:
        key = id(images)
        if key not in self._memory:
            self._memory[key] = self.forward(images)
        return self._memory[key]


@dataclass
class Batch:
    """One training step, as the outer losses see it.

    Attributes:
        y: labels, N.
        nets: the trained networks, in the order of the cohort.
        teachers: the frozen ones, in the order of their roles; their logits carry no gradient.
        progress: the fraction of the training that lies behind, in [0, 1).
        memory: tensors that a method carries from step to step; saved with the training state.
        rate: the learning rate as a fraction of the recipe's `lr`.
    """

    y: Tensor
    nets: Sequence[Net]
    teachers: Sequence[Net] = ()
    progress: float = 0.0
    memory: dict[str, Tensor] = field(default_factory=dict)
    rate: float = 1.0

    @property
    def net(self) -> Net:
        """The only trained network."""
        return _only(self.nets, "trained network")

    @property
    def teacher(self) -> Net:
        """The only frozen teacher."""
        return _only(self.teachers, "teacher")

    def of(self, net: Net) -> Batch:
        """The same step with `net` as the only trained network."""
        return Batch(self.y, (net,), self.teachers, self.progress, self.memory, self.rate)


def pick(rows: Sequence[Tensor], index: Tensor) -> Tensor:
    """Row i of the `index[i]`-th tensor: M tensors N×..., N indices → N×...."""
    return torch.stack(list(rows))[index, torch.arange(len(index), device=index.device)]


def _only(things: Sequence[T], what: str) -> T:
    if len(things) != 1:
        raise Mismatch(f"it asks for one {what}, and there {'is none' if not things else f'are {len(things)}'}")
    return things[0]
