"""Whether a network's gradients say where its loss rises: looked at before any attack relies on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from benchmark.attacks import Classifier
from benchmark.attacks.ascent import input_gradient
from benchmark.attacks.objectives import Objective, cross_entropy, margin
from benchmark.errors import FOREIGN
from benchmark.evaluation.target import Target, loaded
from benchmark.memory import halve_on_out_of_memory
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat

#: Threats in which a short step along a gradient is defined.
NORMS = ("linf", "l2", "l1")
#: Length of the step, as a fraction of ε: about what iterative attacks take.
STEP = 0.25
#: An l1 step is shared by this fraction of the values, so that it is as short in each of them as other attacks' are.
SHARE = 0.25
#: How many random steps of the same length the one along the gradient has to beat.
RANDOM = 4
#: What attacks climb. A gradient leads uphill if either of them rises.
LOSSES: tuple[Objective, ...] = (margin, cross_entropy)


@lru_cache(maxsize=256)
def probe(
    target: Target, start: int, stop: int, rows: tuple[int, ...], threat: Threat, seed: int
) -> dict[str, Any] | None:
    """Look at the gradients of some images of a shard; costs three backward and nine forward passes of each.

    Args:
        target, start, stop: the network and the shard, see `jobs.AttackJob`.
        rows: which images of the shard.
        threat: whose ball, and in whose norm the steps are.
        seed: of the random directions.

    Returns:
        The counts of `outcomes.Probe` by name; None under a threat without a gradient step, where none of the images
        is classified correctly, or if the network fails when it is asked for a gradient, which the attacks then say.
    """
    network = loaded(target)
    shard = network.shard(start, stop)
    chosen = torch.tensor(rows, dtype=torch.long, device=shard.x.device)
    chosen = chosen[~shard.clean_errors[chosen]]
    if threat.norm not in NORMS or not len(chosen):
        return None

    def look(part: slice) -> Tensor:
        own = chosen[part]
        noise = ExampleNoise(seed, own + start, 0, shard.x.device)
        if not network.judging.is_random:
            return _look(network.classifier, shard.x[own], shard.y[own], threat, noise)
        seed_of_losses = noise.fork().seed()
        network.classifier.draw_anew(noise.fork().seed())
        return _look(
            network.classifier,
            shard.x[own],
            shard.y[own],
            threat,
            noise,
            lambda: network.classifier.draw_anew(seed_of_losses),
        )

    try:
        with network.classifier.exact():
            dead, uphill = halve_on_out_of_memory(look, len(chosen)).unbind(1)
    except FOREIGN:  # a foreign network may raise anything
        return None
    return {"images": len(chosen), "dead": int(dead.sum()), "uphill": int((uphill & ~dead).sum())}


def _look(
    classifier: Classifier,
    x: Tensor,
    y: Tensor,
    threat: Threat,
    noise: ExampleNoise,
    same_draws: Callable[[], None] | None = None,
) -> Tensor:
    """N×2 bools: whether the gradient of the cross-entropy is dead, and whether one of the two leads uphill.

    A random network's losses before and after a step are of the same draws, which `same_draws` brings back, and which
    are not those of the gradient: it is asked whether the gradient leads uphill, not whether the draws do.
    """
    found = [input_gradient(classifier, x, y, loss) for loss in LOSSES]
    _, _, beside = input_gradient(classifier, threat.random_start(x, noise), y, cross_entropy)
    dead = _is_zero(found[LOSSES.index(cross_entropy)][2]) | _is_zero(beside)

    def losses_at(images: Tensor) -> list[Tensor]:
        if same_draws is not None:
            same_draws()
        with torch.no_grad():
            logits = classifier(images)
            return [loss(logits, y, images) for loss in LOSSES]

    before = [loss for _, loss, _ in found] if same_draws is None else losses_at(x)

    def rises(direction: Tensor) -> list[Tensor]:
        after = losses_at(_step(x, direction, threat))
        return [higher - lower for higher, lower in zip(after, before, strict=True)]

    along = [rises(gradient)[number] for number, (_, _, gradient) in enumerate(found)]
    others = [rises(noise.normal(*x.shape[1:])) for _ in range(RANDOM)]
    uphill = torch.zeros_like(dead)
    for number, rise in enumerate(along):
        best = torch.stack([torch.zeros_like(rise), *(other[number] for other in others)]).amax(0)
        uphill |= rise > best
    return torch.stack([dead, uphill], dim=1)


def _step(x: Tensor, direction: Tensor, threat: Threat) -> Tensor:
    """`x` after a step of steepest ascent along `direction`, in the box; where `direction` is zero, `x`."""
    values = max(1, int(SHARE * x[0].numel()))
    return threat.project(x, x + STEP * threat.epsilon * threat.steepest(direction, x, k=values))


def _is_zero(gradient: Tensor) -> Tensor:
    """N bools; `input_gradient` makes zero of what is not finite."""
    return gradient.flatten(1).abs().amax(1) == 0
