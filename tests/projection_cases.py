"""Images, changes of them, and projections on a second device, for the tests of projections."""

from __future__ import annotations

import torch
from elsewhere import back, elsewhere
from torch import Tensor

from benchmark import threats
from benchmark.projections import HALF_STEP


def images(kind: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Four images: anywhere in the box, on its grey levels, on its faces, or nearly there."""
    x = torch.rand(4, *shape, generator=generator)
    return {
        "anywhere": x,
        "levels": (x * 255).round() / 255,
        "faces": x.round(),
        "near": torch.where(x < 0.5, 1e-40, 1 - HALF_STEP).float(),
        "fine": (x * 2**24).round() / 2**24,
    }[kind]


def changes(kind: str, size: float, x: Tensor, generator: torch.Generator) -> Tensor:
    """What is added to them, of the order of `size`; to the last image nothing."""
    noise = torch.randn(x.shape, generator=generator)
    delta = {
        "gaussian": noise,
        "ties": noise.sign(),
        "one way": torch.ones_like(x),
        "sparse": torch.where(noise > 2, noise, 0.0),
        "two sizes": torch.where(noise > 0, 1.0, 1e-6),
        "denormal": noise * 1e-40,
    }[kind] * size
    delta[-1] = 0
    return delta


def projected_elsewhere(x: Tensor, target: Tensor, norm: str, radius: float | Tensor) -> Tensor:
    """As an accelerator does it."""
    return back(threats.project(elsewhere(x), elsewhere(target), norm, radius))
