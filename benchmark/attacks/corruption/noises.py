"""Noise of a sensor: electronic, photons, dead pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.noise import Noise


def gaussian(x: Tensor, severity: int, noise: Noise) -> Tensor:
    """Normal noise on every value."""
    return x + (0.04, 0.06, 0.08, 0.09, 0.10)[severity] * noise.normal(*x.shape[1:])


def shot(x: Tensor, severity: int, noise: Noise) -> Tensor:
    """Every value counts photons, hundreds of them in full light: Poisson, by inverting its distribution."""
    from scipy.stats import poisson

    photons = (500, 250, 100, 75, 50)[severity]
    counts = poisson.ppf(noise.uniform(*x.shape[1:]).cpu().numpy(), (x * photons).cpu().numpy())
    return torch.from_numpy(counts).to(x).nan_to_num(0.0) / photons


def impulse(x: Tensor, severity: int, noise: Noise) -> Tensor:
    """A share of the values is set to 0 or 1."""
    share = (0.01, 0.02, 0.03, 0.05, 0.07)[severity]
    u = noise.uniform(*x.shape[1:])
    return torch.where(u < share / 2, 0.0, torch.where(u >= 1 - share / 2, 1.0, x))
