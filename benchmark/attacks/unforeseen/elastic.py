"""Elastic: a smooth flow that moves every pixel a little."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from benchmark.attacks.ascent import Decode
from benchmark.attacks.filters import fetch, smooth
from benchmark.attacks.unforeseen.latent import LatentAttack
from benchmark.noise import Noise
from benchmark.parameters import Positive


@dataclass(frozen=True)
class Elastic(LatentAttack):
    """Each pixel is fetched from up to ε pixels away, along a flow that a Gaussian has smoothed.

    ε is in pixels (the calibration has 0.125 to 8 for CIFAR-10). The published code builds its grid for
    aligned corners and samples it without, which alone changes an image; here no flow means no change. The
    flow is continued at the border by its edge value; beyond the image is black.

    Attributes:
        sigma: standard deviation of the Gaussian in pixels; without it Kang et al.'s, 0.43 below 64 pixels, else 3.
    """

    step_size: Positive = 1 / (2 * math.sqrt(200))
    sigma: Positive | None = None

    name: ClassVar[str] = "elastic"
    norms: ClassVar[tuple[str, ...]] = ("elastic",)

    def latent(self, x: Tensor, epsilon: float, noise: Noise) -> tuple[Tensor, Decode]:
        height, width = x.shape[2:]
        sigma = self.sigma or (3.0 if max(height, width) >= 64 else 0.43)

        def decode(z: Tensor, rows: Tensor) -> Tensor:
            across, down = smooth(epsilon * (2 * z - 1), sigma).unbind(1)
            return fetch(x[rows], down, across, padding="zeros").clamp(0, 1)

        return noise.uniform(2, height, width), decode
