"""A step on toy networks: whether inner, outer and cohort go together is tried, not tabulated."""

from __future__ import annotations

import torch
from torch import nn

from benchmark.errors import BadInput, reason
from benchmark.methods.batch import Mismatch
from benchmark.methods.method import BoundMethod
from benchmark.methods.progress import Progress
from benchmark.methods.table import METHODS
from benchmark.noise import BatchNoise
from benchmark.recipes.radius import Radius
from benchmark.training.step import StepNetworks

#: How many methods a message names.
MOST = 9


def dry_run(method: BoundMethod, where: str, label_smoothing: float = 0.0) -> None:
    """Attack and form the loss once, on networks with a handful of weights.

    Raises:
        BadInput: the combination contradicts itself, e.g. an inner objective that asks for a teacher in a method
            that has none, or label smoothing where the outer loss has no cross-entropy with the labels.
    """
    plain = _losses(method, where, 0.0)
    if label_smoothing and _losses(method, where, label_smoothing) == plain:
        raise BadInput(
            f"{where}: label_smoothing={label_smoothing:g} changes nothing: it smooths the labels of CE(·, y), and "
            "the outer loss has none with these settings (neither BCE nor D takes smooth labels); leave it out"
        )


def asks_for_progress(method: BoundMethod) -> bool:
    """Whether the outer loss wants to know in its first step how much of the training lies behind."""
    training = Progress()
    _losses(method, "method", 0.0, training)
    return training.asked


def _losses(method: BoundMethod, where: str, label_smoothing: float, training: Progress | None = None) -> list[float]:
    """The loss of each round of a step."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand((4, 1, 2, 2), generator=generator), torch.arange(4) % 3
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        members, teachers = (
            [nn.Sequential(nn.Flatten(), nn.Linear(4, 3)) for _ in names]
            for names in (method.cohort.members, method.cohort.teachers)
        )
    radii = {norm: Radius(epsilon=0.1, step_size=0.1, steps=1) for norm in ("linf", "l2", "l1")}
    players = StepNetworks(method, members, teachers, radii, label_smoothing=label_smoothing)
    part, losses = "attack", []
    try:
        for norms in method.inner.rounds({}, generator):
            part = "attack"
            examples = players.craft(x, y, norms, BatchNoise(len(x), generator))
            part = "outer loss"
            batch = players.batch(x, y, examples, training or Progress(), {})
            losses.append(float(method.outer(batch).detach()))
            part = "attack"
            method.inner.observe(norms, batch, {})
    except BadInput:
        raise
    except Exception as error:  # a Mismatch, or whatever a loss of one's own meets
        way_out = _way_out(error) if isinstance(error, Mismatch) else ""
        told = str(error) if isinstance(error, ValueError) else reason(error)
        raise BadInput(f"{where}: the {part} does not fit the networks ({method.cohort}): {told}{way_out}") from error
    return losses


def _way_out(error: Mismatch) -> str:
    """What to do about it: its own advice, or which methods have the networks that it asks for."""
    if error.fits is None:
        return f"; {error.hint}" if error.hint else ""
    cohorts = {name: method.cohort() for name, method in METHODS}
    fitting = [name for name, each in cohorts.items() if error.fits(len(each.members), len(each.teachers))]
    others = " or another" if len(fitting) > MOST else ""
    told = f"one of {', '.join(fitting[:MOST])}{others}" if fitting else "another method"
    return f"; networks and teachers come with the method, --teacher adds none: train {told}"
