"""Gabor: bright oriented stripes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.attacks.ascent import Decode
from benchmark.attacks.unforeseen.latent import LatentAttack, in_byte_units
from benchmark.noise import Noise
from benchmark.parameters import Positive
from benchmark.threats import column

_SIDE = 23
_EMPTY = 1 / 14


@dataclass(frozen=True)
class Gabor(LatentAttack):
    """x' = x + ε·noise, the noise in [0, 1] a pattern of weights convolved with a random Gabor kernel.

    ε is on the 0 to 255 scale (the calibration has 6.25 to 1600). Every image has its own kernel: a sum of one
    to ten orientations, of random width and frequency. As in the published code a random fourteenth of the
    pixels carries no weight, the pattern starts nearly empty, and its contrast is evened out before it
    is scaled to [0, 1].
    """

    step_size: Positive = 0.001118

    name: ClassVar[str] = "gabor"
    norms: ClassVar[tuple[str, ...]] = ("gabor",)

    def latent(self, x: Tensor, epsilon: float, noise: Noise) -> tuple[Tensor, Decode]:
        height, width = x.shape[2:]
        kernels = _kernels(noise).to(x.dtype)
        carries = noise.uniform(height, width) >= _EMPTY
        start = 0.5 + self.step_size * (noise.uniform(height, width) - 0.5)
        strength = in_byte_units(epsilon)

        def decode(z: Tensor, rows: Tensor) -> Tensor:
            weights = (2 * z - 1) * carries[rows]
            pattern = F.conv2d(weights[None], kernels[rows][:, None], padding=_SIDE // 2, groups=len(rows))[0]
            return (x[rows] + strength * _even_contrast(pattern)[:, None]).clamp(0, 1)

        return start, decode


def _kernels(noise: Noise) -> Tensor:
    """One Gabor kernel for each example, N×23×23: stripes under a Gaussian, turned through its orientations."""
    width = column(0.1 + 0.3 * noise.uniform(), torch.empty(1, 1, 1))
    frequency = column(3 + (_SIDE / 4 - 3) * noise.uniform(), torch.empty(1, 1, 1))
    angle = column(math.pi * noise.uniform(), torch.empty(1, 1, 1))
    sides = column(noise.integers(1, 11), torch.empty(1, 1, 1))
    axis = torch.linspace(-0.5, 0.5, _SIDE, device=width.device)
    down, across = torch.meshgrid(axis, axis, indexing="ij")
    bell = torch.exp(-0.5 * (across**2 + down**2) / (width + 1e-3) ** 2)
    total = torch.zeros_like(bell)
    for side in range(10):
        turned = angle + math.pi * side / sides
        stripes = torch.cos(2 * math.pi * frequency * (across * turned.cos() + down * turned.sin()))
        total = total + torch.where(side < sides, stripes, 0.0)
    return bell * total


def _even_contrast(pattern: Tensor) -> Tensor:
    """The N×H×W patterns scaled to [0, 1], weak parts lifted to nearly the strength of strong ones.

    Scales are constants to the gradient, as in the published code.
    """
    deviation = pattern - pattern.mean((1, 2), keepdim=True)
    size = deviation.detach().abs()
    largest = size.amax((1, 2), keepdim=True).clamp_min(1e-12)
    lifted = deviation * 1.001 / (0.001 + size / largest)
    low, high = lifted.detach().amin((1, 2), keepdim=True), lifted.detach().amax((1, 2), keepdim=True)
    return (lifted - low) / (high - low).clamp_min(1e-12)
