"""FMN: a ball that shrinks around the image while the perturbation slides along its surface."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from benchmark import threats
from benchmark.attacks.ascent import input_gradient, polished
from benchmark.attacks.base import Classifier
from benchmark.attacks.black_box.starts import on_the_boundary
from benchmark.attacks.minimal import Closest, MinimalAttack
from benchmark.attacks.objectives import clearly_wrong, margin
from benchmark.noise import Noise
from benchmark.parameters import Count, Positive
from benchmark.threats import column

_DUAL = {"linf": 1.0, "l2": 2.0, "l1": math.inf}


@dataclass(frozen=True)
class FMN(MinimalAttack):
    """Fast minimum-norm attack in linf, l2, l1 or l0 (Pintor et al. 2021, algorithm 1).

    Each step follows the l2-normalised gradient of the margin and is projected onto a ball of radius ε around
    the image. Until an example is first fooled, ε is where its linearisation puts the boundary; from then on
    it shrinks by a factor 1 − γ inside and grows by 1 + γ outside. Step size and γ fall on a cosine. Two
    things differ from the paper. The first ε is 1 + γ times what the linearisation says: on networks that
    are nearly linear the exact value creeps up to the boundary and never crosses it. And coordinates that the
    gradient would push out of the box are left out of it, since they would use up the step and make the
    boundary look closer than it is.

    From the clean image it always takes the same path, and a better one that starts elsewhere stays unknown, however
    many steps it makes. The paper also starts at an image of another class; here that is noise that the network
    misclassifies, other noise with each restart.

    Attributes:
        steps: gradient steps.
        step_size: length of the first step in l2; the last is a hundredth of it.
        gamma: relative change of ε in the first step; 0.001 in the last.
        start: "zero" (the clean image) or "boundary" (where the line to a misclassified image of noise crosses the
            boundary; the clean image where there is none).
    """

    steps: Count = 100
    step_size: Positive = 1.0
    gamma: Positive = 0.05
    start: Literal["zero", "boundary"] = "zero"

    name: ClassVar[str] = "fmn"
    version: ClassVar[int] = 3
    norms: ClassVar[tuple[str, ...]] = ("linf", "l2", "l1", "l0")
    paper: ClassVar[str] = "Pintor et al. 2021, arXiv:2102.12827"

    @property
    def random(self) -> bool:  # type: ignore[override]
        return self.start == "boundary"

    def uses_noise(self, norm: str) -> bool:
        return self.start == "boundary"

    def search(self, classifier: Classifier, x: Tensor, y: Tensor, norm: str, noise: Noise) -> Tensor:
        closest = Closest(classifier, x, y, norm)
        farthest = threats.distance(torch.maximum(x, 1 - x), norm, x.dtype)
        radius = torch.ones_like(farthest) if norm == "l0" else farthest
        fooled = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        x_adv = x if self.start == "zero" else on_the_boundary(classifier, x, y, norm, noise.fork()).x_adv
        with ExitStack() as polish:
            for step in range(self.steps):
                if step == self.steps - polished(self.steps):
                    polish.enter_context(classifier.exact())
                falling = (1 + math.cos(math.pi * step / self.steps)) / 2
                step_size = self.step_size * (0.01 + 0.99 * falling)
                gamma = 0.001 + (self.gamma - 0.001) * falling
                logits, loss, gradient = input_gradient(classifier, x_adv, y, margin)
                gradient = _inside_box(gradient, x_adv)
                wrong = clearly_wrong(logits, y)
                closest.offer(x_adv, wrong)
                fooled = fooled | wrong
                if norm == "l0":
                    radius = _next_count(radius, gamma, wrong, closest.distance)
                else:
                    boundary = threats.distance(x_adv - x, norm, x.dtype) + _to_boundary(loss, gradient, _DUAL[norm])
                    outside = torch.where(fooled, radius, boundary) * (1 + gamma)
                    radius = torch.where(wrong, torch.minimum(radius * (1 - gamma), closest.distance), outside)
                radius = torch.minimum(radius, farthest)
                length = torch.linalg.vector_norm(gradient.flatten(1), 2, dim=1).clamp_min(1e-12)
                x_adv = threats.project(x, x_adv + step_size * gradient / column(length, x), norm, radius)
            with torch.no_grad():
                closest.offer(x_adv, clearly_wrong(classifier(x_adv), y))
        return closest.x_adv


def _inside_box(gradient: Tensor, x: Tensor) -> Tensor:
    """The gradient without the coordinates that are at the bound it points to."""
    return torch.where(torch.where(gradient > 0, x < 1, x > 0), gradient, 0.0)


def _to_boundary(loss: Tensor, gradient: Tensor, dual: float) -> Tensor:
    """How far the boundary is if the margin is linear: |margin| over the gradient's dual norm (N)."""
    return torch.nan_to_num(loss).abs() / torch.linalg.vector_norm(gradient.flatten(1), dual, dim=1).clamp_min(1e-12)


def _next_count(count: Tensor, gamma: float, wrong: Tensor, best: Tensor) -> Tensor:
    """The next l0 radius: a whole number, at least one away from the last, below the best known where fooled."""
    fewer = torch.minimum(torch.minimum(count - 1, (count * (1 - gamma)).floor()), best)
    more = torch.maximum(count + 1, (count * (1 + gamma)).floor())
    return torch.where(wrong, fewer, more).clamp_min(1)
