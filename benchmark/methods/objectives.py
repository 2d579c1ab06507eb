"""Inner objectives: what the adversarial example of a network climbs.

An objective takes the network under attack (a `Target`) and gives the per-example loss that is climbed; its
hyper-parameters are keyword arguments. Its formula stands above it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.attacks import objectives
from benchmark.attacks.objectives import Objective
from benchmark.methods.batch import Mismatch
from benchmark.methods.formulas import formula
from benchmark.methods.losses import boosted, divergence
from benchmark.own.fresh_import import load_entry
from benchmark.own.functions import no_function
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
OBJECTIVES: Registry[MakeObjective] = Registry(
    "inner objective", "benchmark.inner_objectives", no_function, load_entry
)


@OBJECTIVES.register("ce")
@formula("CE(h(x'), y)")
def ce(target: Target) -> Objective:
    return objectives.cross_entropy


@OBJECTIVES.register("bce")
@formula("BCE(h(x'), y), MART's boosted cross-entropy")
def bce(target: Target) -> Objective:
    return lambda logits, y, x: boosted(logits, y)


@OBJECTIVES.register("margin")
@formula("max_{k≠y} h_k(x') − h_y(x')")
def margin(target: Target) -> Objective:
    return objectives.margin


@OBJECTIVES.register("least-likely")
@formula("−CE(h(x'), y_ll), y_ll the class that is least likely for x (the original ALP)")
def least_likely(target: Target) -> Objective:
    y_ll = target.clean(target.network).argmin(1)
    return lambda logits, y, x: -objectives.cross_entropy(logits, y_ll)


@OBJECTIVES.register("trades")
@formula("D(h(x)‖h(x'))")
def trades(target: Target) -> Objective:
    clean = target.clean(target.network)
    return lambda logits, y, x: divergence(clean, logits)


@OBJECTIVES.register("rslad")
@formula("D(T(x)‖S(x'))")
def rslad(target: Target) -> Objective:
    clean = target.clean(target.teacher)
    return lambda logits, y, x: divergence(clean, logits)


@OBJECTIVES.register("mmard")
@formula("D(T(x')‖S(x')), T re-evaluated at every step")
def mmard(target: Target, through_teacher: bool = True) -> Objective:
    """The paper differentiates through the teacher, too; `through_teacher=false` holds T(x') constant in a step."""
    teacher = target.teacher

    def objective(logits: Tensor, y: Tensor, x: Tensor) -> Tensor:
        taught = teacher(x) if through_teacher else teacher(x.detach()).detach()
        return divergence(taught, logits)

    return objective


@OBJECTIVES.register("act")
@formula("(1 − α)·CE(f(x'), y) + α·D(g(x)‖f(x')), g the natural network")
def act(target: Target, alpha: Fraction = 0.9, summed: bool = False) -> Objective:
    """The code adds a mean to a sum: D weighs as many times more as there are images in the batch (`summed`)."""
    clean = target.clean(target.peer)
    images = len(clean) if summed else 1
    return lambda logits, y, x: (
        (1 - alpha) / images * objectives.cross_entropy(logits, y) + alpha * divergence(clean, logits)
    )
