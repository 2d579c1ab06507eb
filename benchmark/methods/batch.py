"""What the formulas are written in: the networks of one training step and their logits on each other's images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmark.methods.progress import Progress


class Mismatch(ValueError):
    """A formula asks for something that the networks of the method don't offer.

    Args:
        message: what, beginning with "it asks".
        fits: whether a method with so many trained networks and so many frozen teachers could offer it.
        hint: what to change instead.
    """

    def __init__(self, message: str, fits: Callable[[int, int], bool] | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.fits, self.hint = fits, hint


@dataclass(frozen=True)
class Examples:
    """The adversarial images x' crafted against one network.

    Attributes:
        images: one tensor N×C×H×W per norm, or a single one where a strategy merged the norms.
        winner: per example, the index of the norm that won (strategy "max" only), `among` so many.
    """

    images: tuple[Tensor, ...]
    winner: Tensor | None = None
    among: int = 1


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

    def in_norms(self, count: int, one_for: str) -> list[Tensor]:
        """h(x'_m), where there have to be `count` of them, `one_for` each of whatever there are as many of."""
        found = self.adversarials
        if len(found) != count:
            there = "is 1" if len(found) == 1 else f"are {len(found)}"
            norms = ",".join(("linf", "l1", "l2")[:count])
            hint = f"name as many norms, e.g. --set norms={norms}, and keep them apart: --set strategy=all"
            raise Mismatch(
                f"it asks for {count} adversarial examples per image, {one_for}, and there {there}", hint=hint
            )
        return found

    @property
    def own(self) -> Examples:
        """Its own adversarial examples."""
        if self.examples is None:
            hint = "choose an attack, e.g. --inner at, or a loss of clean images: --outer natural"
            raise Mismatch("it asks for adversarial examples of a network that is not attacked", hint=hint)
        return self.examples

    def on(self, other: Net) -> Tensor:
        """Logits on the adversarial example of another network."""
        images = other.own.images
        if len(images) != 1:
            hint = "merge the norms, --set strategy=max or strategy=msd, or name one, e.g. --set norms=linf"
            raise Mismatch(f"it asks for one adversarial example per image, and there are {len(images)}", hint=hint)
        return self._logits(images[0])

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
        training: how much of it lies behind; `progress` gives that part, in [0, 1).
        memory: tensors that a method carries from step to step; saved with the training state.
        rate: the learning rate as a fraction of the recipe's `lr`.
        label_smoothing: ε of the recipe, see `ce`.
    """

    y: Tensor
    nets: Sequence[Net]
    teachers: Sequence[Net] = ()
    training: Progress = field(default_factory=Progress)
    memory: dict[str, Tensor] = field(default_factory=dict)
    rate: float = 1.0
    label_smoothing: float = 0.0

    @property
    def progress(self) -> float:
        """The part of the training that lies behind, in [0, 1)."""
        return self.training.value

    @property
    def net(self) -> Net:
        """The only trained network."""
        return self.networks(1)[0]

    @property
    def teacher(self) -> Net:
        """The only frozen teacher."""
        return self.frozen(1)[0]

    def networks(self, count: int) -> Sequence[Net]:
        """All trained networks, where there have to be `count`."""
        if len(self.nets) != count:
            raise Mismatch(
                f"it asks for {_number(count, 'trained network', len(self.nets))}", lambda n, t: n == count
            )
        return self.nets

    def peers(self) -> tuple[Net, list[Net]]:
        """The first trained network and all others, of which there has to be one at least."""
        if len(self.nets) < 2:
            raise Mismatch("it asks for several trained networks, and there is 1", lambda n, t: n > 1)
        first, *others = self.nets
        return first, others

    def frozen(self, count: int) -> Sequence[Net]:
        """All frozen teachers, where there have to be `count`."""
        if len(self.teachers) != count:
            raise Mismatch(
                f"it asks for {_number(count, 'frozen teacher', len(self.teachers))}", lambda n, t: t == count
            )
        return self.teachers

    def of(self, net: Net) -> Batch:
        """The same step with `net` as the only trained network."""
        return replace(self, nets=(net,))

    def ce(self, logits: Tensor, smoothing: float = 0.0, reduction: str = "mean") -> Tensor:
        """CE(·, y): −Σ_k q_k log p_k, where q is (1 − ε)·label + ε/K.

        Args:
            logits: N×K.
            smoothing: ε of the method itself; without one that of the recipe counts.
            reduction: "mean", or "none" for N losses.

        Raises:
            Mismatch: both are set.
        """
        if smoothing and self.label_smoothing:
            raise Mismatch("it smooths its labels itself, and label_smoothing is set as well", hint="set one of them")
        return cross_entropy(logits, self.y, reduction=reduction, label_smoothing=smoothing or self.label_smoothing)


def pick(rows: Sequence[Tensor], index: Tensor) -> Tensor:
    """Row i of the `index[i]`-th tensor: M tensors N×..., N indices → N×...."""
    return torch.stack(list(rows))[index, torch.arange(len(index), device=index.device)]


def _number(asked: int, what: str, there: int) -> str:
    wanted = f"one {what}" if asked == 1 else f"{asked} {what}s"
    return f"{wanted}, and there {'is' if there == 1 else 'are'} {there or 'none'}"
