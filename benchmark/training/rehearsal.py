"""A step on toy networks: whether inner, outer and cohort go together is tried, not tabulated."""

from __future__ import annotations

import torch
from torch import nn

from benchmark.errors import BadInput
from benchmark.noise import BatchNoise
from benchmark.training.batch import Mismatch
from benchmark.training.method import BoundMethod
from benchmark.training.recipe import Radius
from benchmark.training.step import Players


def rehearse(method: BoundMethod, where: str) -> None:
    """Attack and form the loss once, on networks with a handful of weights.

    Raises:
        BadInput: the combination contradicts itself, e.g. an inner objective that asks for a teacher in a method
            that has none.
    """
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand((4, 1, 2, 2), generator=generator), torch.arange(4) % 3
    with torch.random.fork_rng(devices=[]):
        members, teachers = (
            [nn.Sequential(nn.Flatten(), nn.Linear(4, 3)) for _ in names]
            for names in (method.cohort.members, method.cohort.teachers)
        )
    radii = {norm: Radius(epsilon=0.1, step_size=0.1, steps=1) for norm in ("linf", "l2", "l1")}
    players = Players(method, members, teachers, radii)
    try:
        for norms in method.inner.rounds({}, generator):
            examples = players.craft(x, y, norms, BatchNoise(len(x), generator))
            method.outer(players.batch(x, y, examples, 0.0, {}))
    except (Mismatch, ValueError) as error:
        reason = str(error) if isinstance(error, Mismatch) else "it asks for another number of networks"
        raise BadInput(
            f"{where}: this inner objective, outer loss and cohort ({method.cohort}) can't be combined: {reason}"
        ) from error
