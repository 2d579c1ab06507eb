"""Weather and light: snow, frost, fog, brightness."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from benchmark.attacks.corruption.blur import drag, magnified, scale
from benchmark.attacks.filters import diamond_square, displacements
from benchmark.noise import Noise


def snow(x: Tensor, severity: int, noise: Noise) -> Tensor:
    """Bright specks, magnified and blown sideways, in front of a whitened image."""
    mean, spread, zoom, threshold, radius, sigma, keep = (
        (0.1, 0.2, 1.0, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1.0, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    )[severity]
    specks = magnified(mean + spread * noise.normal(1, *x.shape[2:]), zoom * scale(x))
    specks = torch.where(specks < threshold, 0.0, specks).clamp(0, 1)
    angle = -math.pi * (0.25 + 0.5 * noise.uniform())
    flakes = drag(specks, angle, radius * scale(x), sigma * scale(x))
    white = torch.maximum(x, 1.5 * x.mean(1, keepdim=True) + 0.5)
    return keep * x + (1 - keep) * white + flakes + flakes.rot90(2, (2, 3))


def frost(x: Tensor, severity: int, noise: Noise) -> Tensor:
    """Ice in front of a dimmed image.

    The original overlays crops of six photographs; here the ice is the ridges of a fractal landscape, bluish
    where there is colour, about as bright as those photographs.
    """
    keep, ice = ((1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))[severity]
    ridges = 1 - (2 * _landscape(x, noise, decay=1.6) - 1).abs()
    tint = torch.tensor([0.85, 0.95, 1.0], device=x.device).view(1, 3, 1, 1) if x.shape[1] == 3 else 1.0
    return keep * x + ice * (0.3 + 0.7 * ridges) * tint


def fog(x: Tensor, severity: int, noise: Noise) -> Tensor:
    """A fractal landscape added, the brightest value kept."""
    strength, decay = ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75))[severity]
    brightest = x.amax((1, 2, 3), keepdim=True)
    # The original multiplies its displacement by the current roughness twice.
    return (x + strength * _landscape(x, noise, decay**2)) * brightest / (brightest + strength)


def brightness(x: Tensor, severity: int, noise: Noise) -> Tensor:
    """The value of hue, saturation, value is raised: the largest channel by a constant, the others in proportion."""
    value = x.amax(1, keepdim=True)
    raised = (value + (0.05, 0.1, 0.15, 0.2, 0.3)[severity]).clamp_max(1)
    return torch.where(value > 0, x * raised / value.clamp_min(1e-6), raised)


def _landscape(x: Tensor, noise: Noise, decay: float) -> Tensor:
    height, width = x.shape[2:]
    levels = math.ceil(math.log2(max(height, width)))
    return diamond_square(noise.uniform(displacements(levels)), levels, decay)[:, None, :height, :width]
