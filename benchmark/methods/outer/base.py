"""Where outer losses are registered, and the two sums that formulas are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from benchmark.own.fresh_import import load_entry
from benchmark.own.functions import no_function
from benchmark.registry import Registry

#: (batch, **hyper-parameters) → the loss of a step, summed over the networks that learn.
Outer = Callable[..., Tensor]
OUTERS: Registry[Outer] = Registry("outer loss", "benchmark.outer_losses", no_function, load_entry)


def total(terms: Iterable[Tensor]) -> Tensor:
    """Σ."""
    return torch.stack(list(terms)).sum()


def mean(terms: Iterable[Tensor]) -> Tensor:
    """1/M·Σ."""
    return torch.stack(list(terms)).mean()
