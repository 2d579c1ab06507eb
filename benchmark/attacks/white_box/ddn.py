"""DDN: walk along the gradient, decouple how far from where to."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.attacks.ascent import input_gradient, polished
from benchmark.attacks.base import Classifier
from benchmark.attacks.minimal import Closest, MinimalAttack
from benchmark.attacks.objectives import clearly_wrong, cross_entropy
from benchmark.noise import Noise
from benchmark.parameters import Count, Positive
from benchmark.threats import column


@dataclass(frozen=True)
class DDN(MinimalAttack):
    """Decoupled direction and norm (Rony et al. 2019, algorithm 1): the radius shrinks inside, grows outside.

    Each step goes along the normalised cross-entropy gradient, its length falling from 1 to 0.01 on a cosine;
    the perturbation is then rescaled to a radius that is multiplied by 1 − γ where the network is already
    fooled and by 1 + γ where it is not. Robust_union's DDN rounds to 256 levels; `levels=256` does the same.

    Attributes:
        steps: gradient steps.
        initial_radius: the first radius, in l2.
        gamma: relative change γ of the radius in one step.
        levels: round images to this many grey levels; without it they are not rounded.
    """

    steps: Count = 100
    initial_radius: Positive = 1.0
    gamma: Positive = 0.05
    levels: Count | None = None

    name: ClassVar[str] = "ddn"
    version: ClassVar[int] = 2
    norms: ClassVar[tuple[str, ...]] = ("l2",)
    paper: ClassVar[str] = "Rony et al. 2019, arXiv:1811.09600"

    def search(self, classifier: Classifier, x: Tensor, y: Tensor, norm: str, noise: Noise) -> Tensor:
        closest = Closest(classifier, x, y, norm)
        radius = torch.full((len(x),), self.initial_radius, device=x.device)
        farthest = _length(torch.maximum(x, 1 - x))
        # Where the loss has saturated and the gradient is zero, any direction is as good as another.
        fallback = noise.normal(*x.shape[1:])
        x_adv = x
        with ExitStack() as polish:
            for step in range(self.steps):
                if step == self.steps - polished(self.steps):
                    polish.enter_context(classifier.exact())
                step_size = 0.01 + 0.99 * (1 + math.cos(math.pi * step / self.steps)) / 2
                logits, _, gradient = input_gradient(classifier, x_adv, y, cross_entropy)
                wrong = clearly_wrong(logits, y)
                closest.offer(x_adv, wrong)
                gradient = torch.where(column(_length(gradient) > 0, x), gradient, fallback)
                delta = x_adv - x + step_size * gradient / column(_length(gradient), x)
                radius = torch.minimum(radius * torch.where(wrong, 1 - self.gamma, 1 + self.gamma), farthest)
                delta = delta * column(radius / _length(delta).clamp_min(1e-12), x)
                x_adv = self._round((x + delta).clamp(0, 1))
            with torch.no_grad():
                closest.offer(x_adv, clearly_wrong(classifier(x_adv), y))
        return closest.x_adv

    def _round(self, x: Tensor) -> Tensor:
        return x if self.levels is None else (x * (self.levels - 1)).round() / (self.levels - 1)


def _length(rows: Tensor) -> Tensor:
    return torch.linalg.vector_norm(rows.flatten(1), 2, dim=1)
