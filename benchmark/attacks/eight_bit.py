"""Adversarial images as image files can hold them: 256 levels per channel, still inside the ball."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.threats import PARAMETRIC, Threat, column

LEVELS = 255
#: Shares of the perturbation that are tried, one after the other, where the rounded whole leaves the ball.
_SHARES = (1.0, 0.99, 0.97, 0.94, 0.9, 0.8, 0.6, 0.4, 0.2)


def eight_bit(x: Tensor, x_adv: Tensor, threat: Threat, within: bool) -> Tensor:
    """`x_adv` rounded to multiples of 1/255.

    To the nearest ones where that stays in the ball; else each value towards the clean image's, of the largest share
    of the perturbation with which the result stays inside. Where none does, as for a clean image that has no eight
    bits itself and a radius below its own rounding, the clean image comes back: no file holds a candidate.

    Args:
        x: clean images, N×C×H×W in [0, 1].
        x_adv: candidates, like `x`.
        threat: norm and ε.
        within: whether the ball is to hold, as for an attack with a fixed budget.
    """
    nearest = _on_grid((x_adv * LEVELS).round())
    if not within or threat.norm in PARAMETRIC:
        return nearest
    result, outside = nearest, ~threat.contains(x, nearest)
    for share in _SHARES:
        if not bool(outside.any()):
            break
        inner = _towards(x, x + share * (x_adv - x))
        fits = outside & threat.contains(x, inner)
        result = torch.where(column(fits, x), inner, result)
        outside = outside & ~fits
    return torch.where(column(outside, x), x, result)


def _towards(x: Tensor, x_adv: Tensor) -> Tensor:
    """Each value of `x_adv` rounded to the level on the side of `x`."""
    # What lies on a level up to float32 rounding stays on it.
    levels = x_adv * LEVELS
    whole = levels.round()
    levels = torch.where((levels - whole).abs() < 1e-3, whole, torch.where(x_adv > x, levels.floor(), levels.ceil()))
    return _on_grid(levels)


def _on_grid(levels: Tensor) -> Tensor:
    return levels.clamp(0, LEVELS) / LEVELS
