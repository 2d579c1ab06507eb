"""Inner maximisations: in which norms a network is attacked while it trains, and how the norms are combined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from benchmark.attacks.apgd_steps import AdaptivePace
from benchmark.attacks.ascent import ascend
from benchmark.attacks.objectives import Objective, is_wrong
from benchmark.methods.batch import Batch, Examples, Mismatch, pick
from benchmark.methods.moves import make_move
from benchmark.methods.objectives import MakeObjective, Network, Target
from benchmark.methods.starts import start as where_it_begins
from benchmark.noise import Noise
from benchmark.parameters import Norm, Start
from benchmark.recipes.radius import Radius
from benchmark.threats import column

Strategy = Literal["all", "max", "msd", "in-turn", "random", "hardest"]
STRATEGIES: dict[Strategy, str] = {
    "all": "one x' per norm",
    "max": "per image, the norm of highest loss",
    "msd": "one x' that climbs in all norms at once",
    "in-turn": "one norm after the other, a training step after each",
    "random": "one norm per batch, drawn evenly",
    "hardest": "one norm per batch, drawn in proportion to its running robust error",
}
Norms = Annotated[tuple[Norm, ...], Field(min_length=1)]


@dataclass(frozen=True)
class Inner:
    """How a method crafts its adversarial examples. Radii, step sizes and numbers of steps are the recipe's.

    Attributes:
        objective: what is climbed; None where nothing is.
        norms: the norms of every network that is not a specialist.
        strategy: how several norms are combined.
        start: where the ascent begins, see `benchmark.methods.starts`.
        bn: mode of the batch norms of the network under attack; in "train" mode each pass of the ascent also moves
            their running statistics.
        keep: the end point of the ascent, or its point of highest loss; strategy "msd" always keeps the latter, and
            only specialists beside it are kept as this says.
        ascent: steps of the recipe's length, or APGD, which chooses their lengths itself (not for strategy "msd").
        restarts: further ascents, each kept where it ends misclassified; in a norm whose row of the recipe asks for
            more, so many.
        restart: where these begin.
        passes: how often an ascent in one norm passes through the network at each of its points; with bn="train" the
            passes after the first move the running statistics once more, and nothing else.
    """

    objective: MakeObjective | None
    norms: Norms = ("linf",)
    strategy: Strategy = "all"
    start: Start = "uniform"
    bn: Literal["eval", "train"] = "eval"
    keep: Literal["last", "best"] = "last"
    ascent: Literal["fixed", "apgd"] = "fixed"
    restarts: Annotated[int, Field(ge=0)] = 0
    restart: Start = "uniform"
    passes: Annotated[int, Field(ge=1, le=9)] = 1

    def rounds(self, memory: Mapping[str, Tensor], generator: torch.Generator) -> list[tuple[str, ...]]:
        """The norms of each training step that one batch of images gives rise to."""
        if self.strategy == "in-turn":
            return [(norm,) for norm in reversed(self.norms)]
        if self.strategy in ("random", "hardest"):
            odds = torch.ones(len(self.norms))
            if self.strategy == "hardest":
                odds = draw_probabilities(torch.tensor([running_accuracy(memory, norm) for norm in self.norms]))
            draw = torch.rand((), generator=generator, device=generator.device).cpu()
            chosen = int((draw > (odds / odds.sum()).cumsum(0)[:-1]).sum())
            return [(self.norms[chosen],)]
        return [self.norms]

    def observe(self, norms: Sequence[str], batch: Batch, memory: dict[str, Tensor]) -> None:
        """Note how many of a step's adversarial examples, crafted in `norms`, were classified correctly."""
        if self.strategy == "hardest":
            (norm,) = norms  # rounds() draws one
            right = (batch.net.adversarial.detach().argmax(1) == batch.y).float()
            tally = torch.stack([right.sum(), torch.full_like(right[0], len(right))])
            memory[f"tally.{norm}"] = memory.get(f"tally.{norm}", torch.zeros_like(tally)) + tally


def running_accuracy(memory: Mapping[str, Tensor], norm: str) -> float:
    """Accuracy on the adversarial examples of `norm` since the first step; NaN before there were any."""
    tally = memory.get(f"tally.{norm}")
    return torch.nan if tally is None else float(tally[0] / tally[1])


def draw_probabilities(accuracies: Tensor) -> Tensor:
    """E-AT: a norm is drawn in proportion to its robust error; evenly until all have been seen (M → M)."""
    errors = 1 - accuracies
    if bool(torch.isnan(errors).any()) or float(errors.sum()) == 0:
        errors = torch.ones_like(errors)
    return errors / errors.sum()


def craft(
    inner: Inner,
    objective: Objective,
    target: Target,
    norms: Sequence[str],
    radii: Mapping[str, Radius],
    noise: Noise,
) -> Examples:
    """The adversarial images of one network in `norms`, a specialist's only one or those of the method.

    Args:
        inner: how to combine the norms, where to start, what to keep.
        objective: the per-example loss to climb.
        target: the network, its images and labels.
        norms: at least one.
        radii: by norm: the ball, the length of a step and the number of steps.
        noise: randomness for the batch.
    """

    def climb(*norms: str) -> Tensor:
        found = climb_once(inner.start, *norms)
        in_norm = radii[norms[0]].restarts if len(norms) == 1 else 0
        for _ in range(max(inner.restarts, in_norm)):
            again = climb_once(inner.restart, *norms)
            with torch.no_grad():
                wrong = is_wrong(target.network(again), target.y)
            found = torch.where(column(wrong, found), again, found)
        return found

    def climb_once(kind: str, *norms: str) -> Tensor:
        rows = [radii[norm] for norm in norms]
        moves = [make_move(n, row) for n, row in zip(norms, rows, strict=True)]
        steps = max(row.steps for row in rows)
        start = where_it_begins(kind, moves[0].threat, target.x, noise)
        again = inner.passes - 1 if inner.bn == "train" and len(norms) == 1 else 0
        return ascend(
            _passing_again(target.network, again) if again else target.network,
            target.x,
            target.y,
            objective,
            moves,
            steps=steps,
            start=start,
            noise=noise,
            keep="best" if len(norms) > 1 else inner.keep,
            pace=AdaptivePace(moves[0].threat, start, steps) if inner.ascent == "apgd" else None,
        )

    if inner.strategy == "msd" and inner.ascent == "apgd":
        raise Mismatch("APGD climbs in one norm at a time, and the strategy msd in all at once")
    if inner.strategy == "msd" and len(norms) > 1:
        return Examples((climb(*reversed(norms)),))  # l1, l2, linf: the later candidate wins ties
    images = tuple(climb(norm) for norm in norms)
    if inner.strategy == "max" and len(norms) > 1:
        with torch.no_grad():
            losses = torch.stack([objective(target.network(x), target.y, x) for x in images])
        winner = losses.argmax(0)
        return Examples((pick(images, winner),), winner, len(images))
    return Examples(images)


def _passing_again(network: Network, times: int) -> Network:
    """The same network, which passes so many times more over what a gradient is asked of."""

    def logits(images: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            with torch.no_grad():
                for _ in range(times):
                    network(images)
        return network(images)

    return logits
