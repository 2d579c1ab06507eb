"""Elastic: a smooth flow that moves every pixel a little."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.attacks.ascent import Decode
from benchmark.attacks.unforeseen.latent import LatentAttack
from benchmark.noise import Noise


@dataclass(frozen=True)
class Elastic(LatentAttack):
    """Each pixel is fetched from up to ε pixels away, along a flow that a Gaussian has smoothed.

    ε is in pixels (the calibration has 0.125 to 8 for CIFAR-10). The published code builds its grid for
    aligned corners and samples it without, which alone changes an image; here no flow means no change. The
    flow is continued at the border by its edge value.

    Attributes:
        sigma: standard deviation of the Gaussian in pixels; None for Kang et al.'s 0.43 below 64 pixels, else 3.
    """

    step_size: float = 1 / (2 * math.sqrt(200))
    sigma: float | None = None

    name: ClassVar[str] = "elastic"
    norms: ClassVar[tuple[str, ...]] = ("elastic",)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("sigma")

    def latent(self, x: Tensor, epsilon: float, noise: Noise) -> tuple[Tensor, Decode]:
        height, width = x.shape[2:]
        sigma = self.sigma or (3.0 if max(height, width) >= 64 else 0.43)
        identity = F.affine_grid(torch.eye(2, 3, device=x.device)[None], [1, 1, height, width], align_corners=True)
        # Between neighbouring pixels the sampling grid, which runs from -1 to 1, moves on by this much.
        pixel = torch.tensor([2 / max(width - 1, 1), 2 / max(height - 1, 1)], device=x.device)

        def decode(z: Tensor, rows: Tensor) -> Tensor:
            flow = smooth(epsilon * (2 * z - 1), sigma).permute(0, 2, 3, 1) * pixel
            return F.grid_sample(x[rows], identity + flow, align_corners=True).clamp(0, 1)

        return noise.uniform(2, height, width), decode


def smooth(maps: Tensor, sigma: float) -> Tensor:
    """N×C×H×W maps, each convolved with a Gaussian of standard deviation `sigma` pixels."""
    reach = math.ceil(4 * sigma)
    bell = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=maps.device) / sigma) ** 2)
    bell = (bell / bell.sum()).to(maps.dtype)
    channels = maps.shape[1]
    padded = F.pad(maps, [reach] * 4, mode="replicate")
    padded = F.conv2d(padded, bell.view(1, 1, -1, 1).expand(channels, -1, -1, -1), groups=channels)
    return F.conv2d(padded, bell.view(1, 1, 1, -1).expand(channels, -1, -1, -1), groups=channels)
