"""How often a training passes through each of its networks: counted on toy networks, not tabulated.

A step of the method is made on networks with a handful of weights, with as many steps of its attack as the recipe
says, and whoever is passed through counts. So the count is that of the code that trains, whatever that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn

from benchmark.attacks import frozen
from benchmark.data import Split
from benchmark.methods.method import BoundMethod
from benchmark.methods.progress import Progress
from benchmark.methods.weights import layers
from benchmark.noise import BatchNoise
from benchmark.recipes.recipe import Recipe
from benchmark.training.step import StepNetworks
from benchmark.training.validation import withstood

#: Images of the toy step.
IMAGES = 4


@dataclass(frozen=True)
class Passes:
    """Passes through one network, counted in images; while its weights are constant, and while they learn.

    Attributes:
        forwards, backwards: with constant weights: an attack on it, a teacher's answers, validation.
        learning_forwards, learning_backwards: of the network as it learns; a backward pass gives the gradient of the
            weights, too.
    """

    forwards: float = 0.0
    backwards: float = 0.0
    learning_forwards: float = 0.0
    learning_backwards: float = 0.0

    def __add__(self, other: Passes) -> Passes:
        return Passes(*(one + another for one, another in zip(self.counts, other.counts, strict=True)))

    def times(self, factor: float) -> Passes:
        """So many times as many."""
        return Passes(*(factor * count for count in self.counts))

    @property
    def counts(self) -> tuple[float, float, float, float]:
        """All four numbers."""
        return self.forwards, self.backwards, self.learning_forwards, self.learning_backwards


@dataclass(frozen=True)
class TrainingPasses:
    """Of each member and each teacher, in the order of the cohort."""

    members: tuple[Passes, ...]
    teachers: tuple[Passes, ...]

    def __add__(self, other: TrainingPasses) -> TrainingPasses:
        return TrainingPasses(
            tuple(a + b for a, b in zip(self.members, other.members, strict=True)),
            tuple(a + b for a, b in zip(self.teachers, other.teachers, strict=True)),
        )

    def times(self, factor: float) -> TrainingPasses:
        """So many times as many."""
        return TrainingPasses(
            tuple(each.times(factor) for each in self.members), tuple(each.times(factor) for each in self.teachers)
        )


def passes_of_training(bound: BoundMethod, recipe: Recipe, images: int, held_out: int) -> TrainingPasses:
    """Passes of a whole training.

    Args:
        bound, recipe: what is trained, and how.
        images: that the data set has for training.
        held_out: that it holds out of them by itself.
    """
    total, validation = images + held_out, recipe.validation
    images = total - validation.left_out(total, held_out)
    active = sum(bound.awp.active(Progress(epoch / recipe.epochs)) for epoch in range(recipe.epochs))
    steps = _step(bound, recipe, is_moved=False).times(images * (recipe.epochs - active))
    if active:
        steps += _step(bound, recipe, is_moved=True).times(images * active)
    validations = -(-recipe.epochs // validation.every)
    return steps + _validation(bound, recipe).times(validation.measured(total, held_out) * validations)


def passes_of_step(bound: BoundMethod, recipe: Recipe) -> TrainingPasses:
    """Passes of one step of a training, per image of its batch; in its last epoch."""
    return _step(bound, recipe, is_moved=bound.awp.active(Progress(1 - 1 / recipe.epochs)))


def _step(bound: BoundMethod, recipe: Recipe, is_moved: bool) -> TrainingPasses:
    """As `Trainer._step`, per image; where the norm is drawn, the mean over the norms."""
    x, y, generator = _images()
    inner = bound.inner
    draws: Sequence[Sequence[tuple[str, ...]]]
    if inner.strategy in ("random", "hardest"):
        draws = [[(norm,)] for norm in inner.norms]
    else:
        draws = [inner.rounds({}, generator)]
    total = None
    for rounds in draws:
        counters, players = _networks(bound, recipe)
        for norms in rounds:
            examples = players.craft(x, y, norms, BatchNoise(len(x), generator))
            if is_moved:
                weights = [weight for member in players.members for weight in layers(member)]
                torch.autograd.grad(bound.outer(players.batch(x, y, examples, Progress(), {})), weights)
            batch = players.batch(x, y, examples, Progress(), {})
            objective = bound.outer(batch)
            players.pass_again(batch)
            objective.backward()
            players.pass_again(batch, after=True)
        found = counters.passes().times(1 / len(draws) / len(x))
        total = found if total is None else total + found
    assert total is not None
    return total


def _validation(bound: BoundMethod, recipe: Recipe) -> TrainingPasses:
    """As `Trainer._validate`, per held-out image."""
    x, y, _ = _images()
    counters, players = _networks(bound, recipe)
    split = Split((255 * x).byte(), y)
    for member, module in zip(bound.cohort.members, players.members, strict=True):
        if member.kept:
            norms = (member.norm,) if member.norm else bound.inner.norms
            with frozen(module):
                withstood(players.forward(module), split, norms, recipe.threats, recipe.validation, len(x))
    return counters.passes().times(1 / len(x))


def _images() -> tuple[Tensor, Tensor, torch.Generator]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand((IMAGES, 1, 2, 2), generator=generator), torch.arange(IMAGES) % 3, generator


def _networks(bound: BoundMethod, recipe: Recipe) -> tuple[Counters, StepNetworks]:
    with torch.random.fork_rng(devices=[]):
        members, teachers = (
            [nn.Sequential(nn.Flatten(), nn.Linear(4, 3)) for _ in names]
            for names in (bound.cohort.members, bound.cohort.teachers)
        )
    return Counters(members, teachers), StepNetworks(bound, members, teachers, recipe.threats)


@dataclass
class Counters:
    """Counts the passes through the networks of a training by hooks; each is passed through as it is."""

    members: Sequence[nn.Module]
    teachers: Sequence[nn.Module]
    counts: dict[tuple[int, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, module in enumerate((*self.members, *self.teachers)):
            module.register_forward_hook(partial(self._count, number))

    def passes(self) -> TrainingPasses:
        """Those so far, in images."""
        found = [
            Passes(*(self.counts.get((number, kind), 0) for kind in Passes.__dataclass_fields__))
            for number in range(len(self.members) + len(self.teachers))
        ]
        return TrainingPasses(tuple(found[: len(self.members)]), tuple(found[len(self.members) :]))

    def _count(self, number: int, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        learns = torch.is_grad_enabled() and any(weight.requires_grad for weight in module.parameters())
        kind, images = "learning_" * learns, len(output)
        self._add(number, f"{kind}forwards", images)
        if output.requires_grad:
            output.register_hook(lambda gradient: self._add(number, f"{kind}backwards", images))

    def _add(self, number: int, kind: str, images: int) -> None:
        self.counts[number, kind] = self.counts.get((number, kind), 0) + images
