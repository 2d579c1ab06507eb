"""Inner objectives: what the adversarial example of a network climbs.

An objective takes the network under attack (a `Target`) and gives the per-example loss that is climbed; its
hyper-parameters are keyword arguments. The first line of each docstring is the formula.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.attacks import objectives
from benchmark.attacks.objectives import Objective
from benchmark.methods.batch import Mismatch
from benchmark.methods.losses import boosted, divergence
from benchmark.models.fresh_import import load_entry
from benchmark.parameters import Fraction
from benchmark.registry import Registry

Network = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Target:
    """A network under attack and what its adversarial example may depend on.

    Attributes:
        network: images → logits, parameters frozen.
        x, y: the clean images and their labels.
        teachers: the frozen teachers, in the order of their roles.
        peers: the other trained networks, in the order of the cohort.
    """

    network: Network
    x: Tensor
    y: Tensor
    teachers: Sequence[Network] = ()
    peers: Sequence[Network] = ()

    @property
    def teacher(self) -> Network:
        """The only frozen teacher, or the robust one: the last of several."""
        if not self.teachers:
            raise Mismatch("it asks for a frozen teacher, and there is none", lambda n, t: t > 0)
        return self.teachers[-1]

    @property
    def peer(self) -> Network:
        """The first of the other trained networks."""
        if not self.peers:
            raise Mismatch("it asks for a second trained network, and there is none", lambda n, t: n > 1)
        return self.peers[0]

    @torch.no_grad()
    def clean(self, network: Network) -> Tensor:
        """The logits of `network` on the clean images, held constant."""
        return network(self.x)


#: (target, **hyper-parameters) → the per-example loss to climb.
MakeObjective = Callable[..., Objective]
OBJECTIVES: Registry[MakeObjective] = Registry("inner objective", "benchmark.inner_objectives", load=load_entry)


@OBJECTIVES.register("ce")
def ce(target: Target) -> Objective:
    """CE(h(x'), y)."""
    return objectives.cross_entropy


@OBJECTIVES.register("bce")
def bce(target: Target) -> Objective:
    """BCE(h(x'), y), MART's boosted cross-entropy."""
    return lambda logits, y, x: boosted(logits, y)


@OBJECTIVES.register("margin")
def margin(target: Target) -> Objective:
    """max_{k≠y} h_k(x') − h_y(x')."""
    return objectives.margin


@OBJECTIVES.register("least-likely")
def least_likely(target: Target) -> Objective:
    """−CE(h(x'), y_ll), y_ll the class that is least likely for x (the original ALP)."""
    y_ll = target.clean(target.network).argmin(1)
    return lambda logits, y, x: -objectives.cross_entropy(logits, y_ll)


@OBJECTIVES.register("trades")
def trades(target: Target) -> Objective:
    """D(h(x)‖h(x'))."""
    clean = target.clean(target.network)
    return lambda logits, y, x: divergence(clean, logits)


@OBJECTIVES.register("rslad")
def rslad(target: Target) -> Objective:
    """D(T(x)‖S(x'))."""
    clean = target.clean(target.teacher)
    return lambda logits, y, x: divergence(clean, logits)


@OBJECTIVES.register("mmard")
def mmard(target: Target, through_teacher: bool = True) -> Objective:
    """D(T(x')‖S(x')), T re-evaluated at every step.

    The paper differentiates through the teacher too; `through_teacher=false` holds T(x') constant within a step.
    """
    teacher = target.teacher

    def objective(logits: Tensor, y: Tensor, x: Tensor) -> Tensor:
        taught = teacher(x) if through_teacher else teacher(x.detach()).detach()
        return divergence(taught, logits)

    return objective


@OBJECTIVES.register("act")
def act(target: Target, alpha: Fraction = 0.9, summed: bool = False) -> Objective:
    """(1 − α)·CE(f(x'), y) + α·D(g(x)‖f(x')), g the natural network.

    The code adds a mean to a sum, which weighs D as many times more as there are images in the batch (`summed`).
    """
    clean = target.clean(target.peer)
    images = len(clean) if summed else 1
    return lambda logits, y, x: (
        (1 - alpha) / images * objectives.cross_entropy(logits, y) + alpha * divergence(clean, logits)
    )
