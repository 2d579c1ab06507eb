"""Does this network expect other images than those in [0, 1] that it is given? What it gets right tells."""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import torch
from torch import Tensor

from benchmark.errors import FOREIGN

#: How unlikely an accuracy must be, were it luck, to be taken for something else.
LUCK = 0.001

#: Share of a network's errors that must vanish: one that has hardly been trained may gain a little by more contrast.
ERRORS = 0.5


def range_doubts(right: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, num_classes: int) -> list[str]:
    """Ask a network for images on other scales, too, and whether it does better than chance on these.

    Args:
        right: images N×C×H×W on any scale → N bools, which of them the network classifies correctly.
        x, y: images N×C×H×W in [0, 1] and their labels N.
        num_classes: K.

    Returns:
        A sentence if half of its errors vanish on another scale, and not by luck (a sign test), or else if it does no
        better than whoever always names the commonest class of these images. None where they are too few to tell.
    """
    here = right(x)
    mean = x.mean((0, 2, 3), keepdim=True)
    std = x.std((0, 2, 3), keepdim=True, correction=0)
    scales = {
        "run from 0 to 255": 255 * x,
        "are normalised by their mean and standard deviation": (x - mean) / torch.where(std > 0, std, 1),
    }
    found = f"the network classifies {_share(here)} of the first {len(y)} images correctly"
    there = {scale: _tried(right, images) for scale, images in scales.items()}
    scale = max(there, key=lambda scale: int(there[scale].sum()))
    gained, lost = int((there[scale] & ~here).sum()), int((here & ~there[scale]).sum())
    if gained - lost >= ERRORS * int((~here).sum()) and tail(gained, gained + lost, 0.5) < LUCK:
        return [
            f"{found}, but {_share(there[scale])} when they {scale}: it is given images in [0, 1] and seems to "
            "expect those; let it rescale them itself"
        ]
    chance = max(1 / num_classes, float(y.bincount().max()) / len(y))
    if tail(int(here.sum()), len(y), chance) >= LUCK > chance ** len(y):
        return [
            f"{found}, which is no better than chance: it is given images in [0, 1]; does it expect them from 0 to "
            "255 or normalised, or the classes in another order? Or was it hardly trained?"
        ]
    return []


def _tried(right: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    try:
        return right(images)
    except FOREIGN:  # it may refuse what is outside [0, 1], in whatever way
        return torch.zeros(len(images), dtype=torch.bool, device=images.device)


def _share(flags: Tensor) -> str:
    return f"{float(flags.float().mean()):.1%}"


def tail(successes: int, trials: int, chance: float) -> float:
    """How likely so many `successes` or more are among independent trials, each with that `chance`."""
    return sum(
        comb(trials, number) * chance**number * (1 - chance) ** (trials - number)
        for number in range(successes, trials + 1)
    )
