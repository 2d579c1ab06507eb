"""Blur: out of focus, through frosted glass, moving, zooming."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.attacks.filters import fetch, smooth
from benchmark.noise import Noise


def scale(x: Tensor) -> float:
    """How much larger the image is than the 32 pixels that lengths are given for; smaller ones get the same."""
    return max(1.0, max(x.shape[2:]) / 32)


def defocus(x: Tensor, severity: int, noise: Noise) -> Tensor:
    """A disk, its edge softened by a Gaussian of three pixels."""
    radius, soften = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1))[severity]
    radius *= scale(x)
    reach = math.ceil(radius) + 1
    axis = torch.arange(-reach, reach + 1, device=x.device)
    disk = (axis[:, None] ** 2 + axis**2 <= radius**2).to(x.dtype)
    kernel = smooth((disk / disk.sum())[None, None], soften, reach=1)
    channels = x.shape[1]
    padded = F.pad(x, [reach] * 4, mode="replicate")
    return F.conv2d(padded, kernel.expand(channels, -1, -1, -1), groups=channels)


def glass(x: Tensor, severity: int, noise: Noise) -> Tensor:
    """Every pixel is fetched from a random place close by, between two light blurs.

    The original swaps pixels one after the other, so that a few travel further.
    """
    sigma, rounds = ((0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2))[severity]
    reach = max(1, round(scale(x)))
    x = smooth(x, sigma)
    for _ in range(rounds):
        down, across = (noise.integers(-reach, reach + 1, 2, *x.shape[2:])).to(x.dtype).unbind(1)
        x = fetch(x, down, across)
    return smooth(x, sigma)


def motion(x: Tensor, severity: int, noise: Noise) -> Tensor:
    """Dragged along a direction within 45 degrees of the horizontal; half a Gaussian says how the trace fades."""
    radius, sigma = ((6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5))[severity]
    angle = (2 * noise.uniform() - 1) * math.pi / 4
    return drag(x, angle, radius * scale(x), sigma * scale(x))


def drag(x: Tensor, angle: Tensor, radius: float, sigma: float) -> Tensor:
    """Images smeared over `radius` pixels in the direction `angle` (N, radians), fading with `sigma`."""
    total, result = 0.0, torch.zeros_like(x)
    for distance in range(math.ceil(radius) + 1):
        weight = math.exp(-0.5 * (distance / sigma) ** 2)
        total += weight
        result += weight * fetch(x, distance * angle.sin().view(-1, 1, 1), distance * angle.cos().view(-1, 1, 1))
    return result / total


def zoom(x: Tensor, severity: int, noise: Noise) -> Tensor:
    """The mean of the image and of itself magnified in steps of one percent."""
    steps = (6, 11, 16, 21, 26)[severity]
    return (x + sum(magnified(x, 1 + 0.01 * step) for step in range(steps))) / (steps + 1)


def magnified(x: Tensor, factor: float) -> Tensor:
    """The middle of the images, `factor` times as large."""
    height, width = x.shape[2:]
    down = (torch.arange(height, device=x.device) - (height - 1) / 2) * (1 / factor - 1)
    across = (torch.arange(width, device=x.device) - (width - 1) / 2) * (1 / factor - 1)
    return fetch(x, down.view(1, -1, 1).to(x.dtype), across.view(1, 1, -1).to(x.dtype))
