"""Gradients of networks that draw random numbers: averaged over several draws (expectation over transformation)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def draws_of(classifier: object) -> int:
    """Over how many passes of `classifier` a gradient is averaged; 1 for networks that draw nothing."""
    return int(getattr(classifier, "draws", 1))


def averaged(draws: int, once: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """The mean of each tensor that `once` gives over so many calls, each with random numbers of its own.

    Athalye et al. 2018 (arXiv:1707.07397, 1802.00420): the loss that an attacker of a random network climbs is the
    expected one, and its gradient the mean of the gradients of single draws.
    """
    found = once()
    if draws == 1:
        return found
    for _ in range(draws - 1):
        found = tuple(total + tensor for total, tensor in zip(found, once(), strict=True))
    return tuple(total / draws for total in found)
