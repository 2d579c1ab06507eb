"""An attack over latent variables: signed gradient steps in a cube, seen by the network as images."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from benchmark.attacks.ascent import Decode, Move, ascend
from benchmark.attacks.base import Attack, Classifier
from benchmark.attacks.objectives import cross_entropy
from benchmark.noise import Noise
from benchmark.parameters import Count, Positive
from benchmark.threats import Threat

#: Latent variables lie in [0, 1]: a ball in linf around the middle, cut by nothing.
CUBE = Threat("linf", 0.5)


@dataclass(frozen=True)
class LatentAttack(Attack):
    """Untargeted ascent of the cross-entropy over latent variables, as the unforeseen attacks share it.

    Attributes:
        steps: signed gradient steps; the published calibration has 200.
        step_size: length of a step as a share of a variable's range.
        success: "any" keeps the first misclassified image on the way, "last" (as published) the last image.
    """

    steps: Count = 200
    step_size: Positive = 0.01
    success: Literal["any", "last"] = "any"

    kind: ClassVar[str] = "fixed-budget"
    paper: ClassVar[str] = "Kang et al. 2019, arXiv:1908.08016"
    random: ClassVar[bool] = True

    def __call__(self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise) -> Tensor:
        start, decode = self.latent(x, threat.epsilon, noise)
        z = ascend(
            classifier,
            torch.full_like(start, 0.5),
            y,
            cross_entropy,
            [Move(CUBE, self.step_size)],
            steps=self.steps,
            start=start,
            noise=noise,
            keep="first" if self.success == "any" else "last",
            decode=decode,
        )
        return decode(z, torch.arange(len(x), device=x.device))

    @abstractmethod
    def latent(self, x: Tensor, epsilon: float, noise: Noise) -> tuple[Tensor, Decode]:
        """Where to start in [0, 1], N×..., and how such points become images of strength `epsilon`."""


def in_byte_units(epsilon: float) -> float:
    """A strength on the 0 to 255 scale, in units of pixels in [0, 1]."""
    return epsilon / 255
