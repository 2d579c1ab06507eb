"""Fog: fractal noise laid over the image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from benchmark.attacks.ascent import Decode
from benchmark.attacks.filters import diamond_square, displacements
from benchmark.attacks.unforeseen.latent import LatentAttack, in_byte_units
from benchmark.noise import Noise
from benchmark.parameters import Positive


@dataclass(frozen=True)
class Fog(LatentAttack):
    """x' = (x + ε·fog) / (max x + ε) per channel, with a diamond-square map of fog in [0, 1].

    ε is on the 0 to 255 scale (the calibration has 128 to 8192). Unlike the published code the map is
    normalised for each image alone, each diamond is the mean of its own four neighbours, and any size works:
    the map is the middle of the next larger power of two.

    Attributes:
        decay: by how much the roughness falls from one scale of the map to the next finer one.
    """

    step_size: Positive = 0.002236
    decay: Positive = 2.0

    name: ClassVar[str] = "fog"
    norms: ClassVar[tuple[str, ...]] = ("fog",)

    def latent(self, x: Tensor, epsilon: float, noise: Noise) -> tuple[Tensor, Decode]:
        height, width = x.shape[2:]
        levels = int(math.log2(max(height, width))) + 1
        side = 2**levels
        top, left = (side - height) // 2, (side - width) // 2
        strength = in_byte_units(epsilon)
        brightest = x.amax((2, 3), keepdim=True)

        def decode(z: Tensor, rows: Tensor) -> Tensor:
            fog = diamond_square(z, levels, self.decay)[:, None, top : top + height, left : left + width]
            return ((x[rows] + strength * fog) / (brightest[rows] + strength)).clamp(0, 1)

        return noise.uniform(displacements(levels)), decode
