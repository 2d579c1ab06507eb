"""Attacks that ask the network about random noise and never for a gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.attacks.base import Attack, Classifier
from benchmark.attacks.minimal import Closest, MinimalAttack
from benchmark.attacks.objectives import clearly_wrong, is_wrong
from benchmark.noise import Noise
from benchmark.parameters import Count
from benchmark.threats import Threat, clipped_scale, column

#: Random numbers drawn for one example at a time, so that drawing is cheap and memory stays bounded.
_DRAWS = 2**16


@dataclass(frozen=True)
class GaussianNoise(Attack):
    """Gaussian directions, each scaled so that it is ε long in l2 after clipping; any that fools counts.

    The scale is exact, as in Rauber & Bethge 2020. An example leaves when it is fooled.

    Attributes:
        repeats: how many directions are tried.
    """

    repeats: Count = 100

    name: ClassVar[str] = "gaussian-noise"
    version: ClassVar[int] = 2
    kind: ClassVar[str] = "fixed-budget"
    norms: ClassVar[tuple[str, ...]] = ("l2",)
    paper: ClassVar[str] = "Rauber & Bethge 2020, arXiv:2007.07677"
    random: ClassVar[bool] = True
    gradient_free: ClassVar[bool] = True

    def __call__(self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise) -> Tensor:
        result = x.clone()
        rows = torch.arange(len(x), device=x.device)
        candidate = x
        for _ in range(self.repeats + 1):
            with torch.no_grad():
                broken = classifier.confirm(candidate, y[rows], is_wrong(classifier(candidate), y[rows]))
            result[rows] = candidate
            # Asked once: an accelerator waits for each mask that chooses rows.
            standing = (~broken).nonzero().squeeze(1)
            rows, noise = rows[standing], noise.select(standing)
            if not len(rows):
                break
            direction = noise.normal(*x.shape[1:])
            scale = clipped_scale(x[rows], direction, threat.epsilon)
            candidate = threat.project(x[rows], (x[rows] + direction * column(scale, x)).clamp(0, 1))
        return result


@dataclass(frozen=True)
class SaltAndPepper(MinimalAttack):
    """Pixels set to black or white, as few as possible: the closest fooling noise in l1, l2 or l0 is kept.

    As in Foolbox 3, the share p of pixels changed sweeps up from 0 to 1; after each improvement it starts
    again at half the share that worked and goes no further than 1.2 times it. Two things differ: the noise
    kept is the closest in the threat's own norm (Foolbox always takes l2), and every example has its own draws.

    Attributes:
        steps: how many noisy images are tried.
        across_channels: whether a pixel's channels change together.
    """

    steps: Count = 1000
    across_channels: bool = True

    name: ClassVar[str] = "salt-and-pepper"
    norms: ClassVar[tuple[str, ...]] = ("l1", "l0", "l2")
    paper: ClassVar[str] = "Rauber et al. 2017, arXiv:1707.04131"
    random: ClassVar[bool] = True
    gradient_free: ClassVar[bool] = True

    def search(self, classifier: Classifier, x: Tensor, y: Tensor, norm: str, noise: Noise) -> Tensor:
        closest = Closest(classifier, x, y, norm)
        low, high = torch.zeros(len(x), device=x.device), torch.ones(len(x), device=x.device)
        step_size = high / self.steps
        share = step_size
        shape = (1, *x.shape[2:]) if self.across_channels and x.dim() == 4 else tuple(x.shape[1:])
        block = max(1, min(self.steps, _DRAWS // x[0].numel()))
        for step in range(self.steps):
            if step % block == 0:
                draws = noise.uniform(block, *shape)
            u, half = draws[:, step % block], column(share / 2, x)
            x_adv = torch.where(u >= 1 - half, torch.ones_like(x), torch.where(u < half, torch.zeros_like(x), x))
            with torch.no_grad():
                better = closest.offer(x_adv, clearly_wrong(classifier(x_adv), y))
            low = torch.where(better, share / 2, low)
            high = torch.where(better, (1.2 * share).clamp_max(1), high)
            step_size = torch.where(better, (high - low) / (self.steps - step), step_size)
            share = torch.where(better | (share >= high), low, share)
            share = torch.minimum(share + step_size, high)
        return closest.x_adv
