"""Fog: fractal noise laid over the image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.attacks.ascent import Decode
from benchmark.attacks.unforeseen.latent import LatentAttack, in_byte_units
from benchmark.noise import Noise
from benchmark.threats import column


@dataclass(frozen=True)
class Fog(LatentAttack):
    """x' = (x + ε·fog) / (max x + ε) per channel, with a diamond-square map of fog in [0, 1].

    ε is on the 0 to 255 scale (the calibration has 128 to 8192). Unlike the published code the map is
    normalised for each image alone, each diamond is the mean of its own four neighbours, and any size works:
    the map is the middle of the next larger power of two.

    Attributes:
        decay: by how much the roughness falls from one scale of the map to the next finer one.
    """

    step_size: float = 0.002236
    decay: float = 2.0

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
            fog = _diamond_square(z, levels, self.decay)[:, None, top : top + height, left : left + width]
            return ((x[rows] + strength * fog) / (brightest[rows] + strength)).clamp(0, 1)

        return noise.uniform(3 * sum(4**level for level in range(levels))), decode


def _diamond_square(z: Tensor, levels: int, decay: float) -> Tensor:
    """A random landscape in [0, 1], N×2^levels×2^levels, that wraps around; `z` says how far each point strays.

    From each coarse grid the next is made by placing a point in the middle of every square and of every edge:
    the mean of its four neighbours plus a displacement in ±1, smaller by `decay` on every level.
    """
    grid = z.new_zeros(len(z), 1, 1)
    used = 0
    for level in range(levels):
        n = 2**level
        strays = (2 * z[:, used : used + 3 * n * n].view(-1, 3, n, n) - 1) / decay**level
        used += 3 * n * n
        right, below = grid.roll(-1, 2), grid.roll(-1, 1)
        middle = (grid + right + below + right.roll(-1, 1)) / 4 + strays[:, 0]
        across = (grid + right + middle + middle.roll(1, 1)) / 4 + strays[:, 1]
        down = (grid + below + middle + middle.roll(1, 2)) / 4 + strays[:, 2]
        even = torch.stack([grid, across], dim=3).flatten(2)
        odd = torch.stack([down, middle], dim=3).flatten(2)
        grid = torch.stack([even, odd], dim=2).flatten(1, 2)
    lowest, highest = grid.flatten(1).amin(1), grid.flatten(1).amax(1)
    return (grid - column(lowest, grid)) / column((highest - lowest).clamp_min(1e-12), grid)
