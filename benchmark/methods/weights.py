"""Two things that some methods do to weights beside following a gradient: AWP, and RAMP's merging."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmark.methods.progress import Progress
from benchmark.parameters import Fraction, NotNegative, PartOfTraining


@dataclass(frozen=True)
class AWP:
    """Adversarial weight perturbation (Wu et al. 2020): the loss is descended at w + v, v a short way uphill.

    Attributes:
        awp: γ, the length of v relative to that of the weights, layer by layer; 0 switches it off.
        awp_warmup: the fraction of training that goes by before it is switched on.
    """

    awp: NotNegative = 0.0
    awp_warmup: PartOfTraining = 0.0

    def active(self, progress: Progress) -> bool:
        """Whether it is on by now."""
        return self.awp > 0 and not progress.before(self.awp_warmup)


def perturbation(weight: Tensor, ascent: Tensor, gamma: float) -> Tensor:
    """v = γ·‖w‖·d/‖d‖ for a layer's weights w and its direction of ascent d."""
    return ascent * (gamma * weight.norm() / (ascent.norm() + 1e-20))


def layers(module: nn.Module) -> list[nn.Parameter]:
    """What AWP moves: weights of more than one dimension, so no bias and no batch norm."""
    return [p for name, p in module.named_parameters() if p.dim() > 1 and "weight" in name]


@contextmanager
def perturbed(weights: Sequence[nn.Parameter], directions: Sequence[Tensor], gamma: float) -> Iterator[None]:
    """Within this context the `weights` are w + v."""
    with torch.no_grad():
        moves = [perturbation(w, d, gamma) for w, d in zip(weights, directions, strict=True)]
        torch._foreach_add_(list(weights), moves)
    try:
        yield
    finally:
        with torch.no_grad():
            torch._foreach_sub_(list(weights), moves)


@contextmanager
def buffers_kept(modules: Sequence[nn.Module]) -> Iterator[None]:
    """After this context the batch norms' running statistics are what they were before."""
    buffers = [buffer for module in modules for buffer in module.buffers()]
    before = [buffer.clone() for buffer in buffers]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in zip(buffers, before, strict=True):
                buffer.copy_(value)


@dataclass(frozen=True)
class Merge:
    """RAMP's gradient projection, after each epoch: what the scaffold learned from clean images joins the network.

    w ← w₀ + (1 − β)·g_a + β·max(0, cos(g_a, g_n))·g_n, tensor by tensor, with g_a and g_n the displacements of
    the attacked network and of the scaffold since the epoch's start w₀. The scaffold starts the next epoch
    from the result.

    Attributes:
        merge: β; 0 keeps the attacked network as it is (fine-tuning).
    """

    merge: Fraction = 0.5

    def __call__(
        self, start: Mapping[str, Tensor], attacked: Mapping[str, Tensor], scaffold: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """The state after merging; integer buffers are the attacked network's."""
        return {
            key: projected(w, attacked[key], scaffold[key], self.merge) if w.is_floating_point() else attacked[key]
            for key, w in start.items()
        }


def projected(start: Tensor, attacked: Tensor, scaffold: Tensor, beta: float) -> Tensor:
    """One tensor of `Merge`."""
    g_a, g_n = attacked - start, scaffold - start
    cosine = torch.cosine_similarity(g_a.flatten(), g_n.flatten(), dim=0).clamp_min(0)
    return start + (1 - beta) * g_a + beta * cosine * g_n
