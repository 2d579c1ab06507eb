"""The normalisation that a file holds beside its weights, where the network subtracts and divides by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

#: What the two are called last in their names, in RobustBench, robustness and elsewhere.
PAIRS = (("mean", "std"), ("mu", "sigma"), ("new_mean", "new_std"), ("_mean", "_std"), ("means", "stds"))


class Statistics(NamedTuple):
    """Mean and standard deviation per channel, and the names of the tensors that say so."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    keys: frozenset[str]


def statistics(rest: Mapping[str, Tensor], channels: int) -> Statistics | None:
    """The mean and standard deviation among the tensors that are no weights; None if there are none, or several.

    Args:
        rest: tensors by name.
        channels: how many numbers each must have.
    """
    found: dict[tuple[tuple[float, ...], tuple[float, ...]], set[str]] = {}
    for key, value in rest.items():
        above, _, last = key.rpartition(".")
        for mean, std in PAIRS:
            other = f"{above}.{std}" if above else std
            if last == mean and other in rest:
                pair = _numbers(value, channels), _numbers(rest[other], channels)
                if all(pair) and all(number > 0 for number in pair[1]):
                    found.setdefault(pair, set()).update((key, other))
    if len(found) != 1:
        return None
    (((mean_found, std_found), keys),) = found.items()
    return Statistics(mean_found, std_found, frozenset(keys))


def _numbers(tensor: Tensor, channels: int) -> tuple[float, ...]:
    """The numbers of a tensor that has one for each channel, as short as float32 allows; () for any other tensor."""
    if tensor.numel() != channels or not tensor.is_floating_point() or not bool(torch.isfinite(tensor).all()):
        return ()
    return tuple(float(str(number)) for number in tensor.flatten().float().numpy())
