"""Snow: streaks of flakes before a slightly whitened image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.attacks.ascent import Decode
from benchmark.attacks.unforeseen.latent import LatentAttack
from benchmark.noise import Noise
from benchmark.parameters import NotNegative, Positive

_LAYERS = 7
_SIDE = 13
_SPACING = 4
_REGION = 8
_LUMA = (0.2126, 0.7152, 0.0722)


@dataclass(frozen=True)
class Snow(LatentAttack):
    """Flakes of seven streak shapes on a grid of four pixels, their brightness (to the fourth power) optimised.

    ε scales the flakes (the calibration has 0.0625 to 8); the image itself is mixed with a quarter of a
    whitened copy even without flakes. Every image has its own streaks, straight, soft-edged and slanted to
    one side. Where the flakes of a layer are brighter than `budget` on average over a region of 8×8
    flakes, they are dimmed to it.

    Attributes:
        budget: highest mean brightness of a region's flakes.
        whitening: weight of the whitened copy.
    """

    step_size: Positive = 0.002236
    budget: Positive = 0.2
    whitening: NotNegative = 0.25

    name: ClassVar[str] = "snow"
    norms: ClassVar[tuple[str, ...]] = ("snow",)

    def latent(self, x: Tensor, epsilon: float, noise: Noise) -> tuple[Tensor, Decode]:
        height, width = x.shape[2:]
        rows_of_flakes, flakes_in_row = -(-height // _SPACING), -(-width // _SPACING)
        streaks = _streaks(noise).to(x.dtype)
        white = self._whitened(x)

        def decode(z: Tensor, rows: Tensor) -> Tensor:
            layers = _on_grid(_within_budget(z, self.budget) ** 4)[:, :, :height, :width]
            # Each example is convolved with its own streaks, all its layers into one.
            flat = layers.reshape(1, -1, height, width)
            snow = F.conv2d(flat, streaks[rows], padding=_SIDE // 2, groups=len(rows)).view(-1, 1, height, width)
            return (white[rows] + epsilon * snow).clamp(0, 1)

        # Most flakes are faint at first: their brightness is exp(-u / budget) for a uniform u.
        return torch.exp(-noise.uniform(_LAYERS, rows_of_flakes, flakes_in_row) / self.budget), decode

    def _whitened(self, x: Tensor) -> Tensor:
        luma = torch.tensor(_LUMA, device=x.device).view(1, 3, 1, 1) if x.shape[1] == 3 else 1 / x.shape[1]
        gray = (x * luma).sum(1, keepdim=True)
        return (1 - self.whitening) * x + self.whitening * torch.maximum(x, 1.5 * gray + 0.5)


def _within_budget(z: Tensor, budget: float) -> Tensor:
    regions = (-(-z.shape[2] // _REGION), -(-z.shape[3] // _REGION))
    average = F.interpolate(F.adaptive_avg_pool2d(z, regions), z.shape[2:], mode="nearest")
    return z * (budget / average.clamp_min(budget))


def _on_grid(flakes: Tensor) -> Tensor:
    """N×7×h×w flakes placed four pixels apart, each layer shifted against the others: N×7×4h×4w."""
    n, _, h, w = flakes.shape
    grid = flakes.new_zeros(n, _LAYERS, h, _SPACING, w, _SPACING)
    for layer in range(_LAYERS):
        down, across = (0, layer) if layer < _SPACING else (layer - _SPACING + 1, 0)
        grid[:, layer, :, down, :, across] = flakes[:, layer]
    return grid.view(n, _LAYERS, h * _SPACING, w * _SPACING)


def _streaks(noise: Noise) -> Tensor:
    """Seven lines through the middle of a 13×13 window for each example, one to five pixels wide: N×7×13×13."""
    down, across = noise.integers(2, 7, _LAYERS, 1, 1), noise.integers(2, 7, _LAYERS, 1, 1)
    draw = noise.uniform(_LAYERS, 1, 1)
    thickness = torch.where(draw < 0.6, 1, torch.where(draw < 0.9, 3, 5))
    across = torch.where(noise.uniform(1, 1, 1) < 0.5, across, -across)
    half = torch.sqrt((down**2 + across**2).float())
    axis = torch.arange(_SIDE, device=half.device, dtype=half.dtype) - _SIDE // 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    along = ((y * down + x * across) / half).abs()
    beside = ((y * across - x * down) / half).abs()
    return ((thickness + 1) / 2 - beside).clamp(0, 1) * (half + 0.5 - along).clamp(0, 1)
