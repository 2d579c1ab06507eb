"""Fixed random orders and stratified parts: the same on every machine and with every library version."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from benchmark.errors import BadInput
from benchmark.limits import HELD_OUT

SEED = 0

#: The part of the training images that is held out for validation, and its largest size in images.
VALIDATION_SHARE, VALIDATION_LIMIT = 0.1, HELD_OUT


def permutation(n: int, seed: int = SEED) -> Tensor:
    """A random order of 0, ..., n - 1.

    It sorts raw Philox words, whose stream never changes between NumPy versions (its shuffles may).
    """
    words = np.random.Philox(key=seed).random_raw(n)
    return torch.from_numpy(words.argsort(kind="stable"))


def balanced_order(labels: Tensor, seed: int = SEED) -> Tensor:
    """A random order of the examples in which every prefix has as even a share of each class as can be.

    Examples come in rounds: one of each class that still has any, the classes of a round in random order.
    """
    order = permutation(len(labels), seed)
    shuffled = labels[order]
    rounds = torch.empty_like(shuffled)
    for label in shuffled.unique():
        members = shuffled == label
        rounds[members] = torch.arange(int(members.sum()))
    return order[rounds.argsort(stable=True)]


def stratified(labels: Tensor, share: float, seed: int = SEED) -> tuple[Tensor, Tensor]:
    """Indices of the rest (ascending) and of a random part with `share` of each class (in balanced order).

    At least one example of each class goes to either side.

    Raises:
        BadInput: a class has a single example.
    """
    order = permutation(len(labels), seed)
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        members = order[labels[order] == label]
        if len(members) < 2:
            raise BadInput(f"class {int(label)} has a single training image; add one, as one is held out")
        count = min(max(round(len(members) * share), 1), len(members) - 1)
        chosen[members[:count]] = True
    rest, part = (~chosen).nonzero().flatten(), chosen.nonzero().flatten()
    return rest, part[balanced_order(labels[part], seed)]


def held_out(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Indices of published training images to train on, and of those that are held out for validation."""
    return stratified(labels, min(VALIDATION_SHARE, VALIDATION_LIMIT / len(labels)))
