"""A copy of a network, whatever it keeps from its passes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

#: How deep within lists and dictionaries of a module tensors are looked for.
DEEPEST = 4


def copied(network: nn.Module) -> nn.Module:
    """A copy that shares nothing with `network`.

    Networks keep what they computed last: the older weight norm its weights, others their features, the attention or
    the logits. Such a tensor has a history, with which torch copies none; here it is copied without.

    Raises:
        Exception: whatever its parts raise when they are copied.
    """
    kept = {id(tensor): tensor.detach().clone() for tensor in _computed(network)}
    with torch.no_grad():  # else a scripted module's copied parameters would be results of the old ones
        return copy.deepcopy(network, kept)


def _computed(network: nn.Module) -> Iterator[Tensor]:
    """The tensors with a history in the attributes of the modules, and in their lists and dictionaries."""
    waiting: list[tuple[Any, int]] = [(vars(part), 0) for part in network.modules()]
    while waiting:
        thing, depth = waiting.pop()
        if isinstance(thing, Tensor):
            if not thing.is_leaf:
                yield thing
        elif depth < DEEPEST and isinstance(thing, dict | list | tuple):
            items = thing.values() if isinstance(thing, dict) else thing
            waiting += [(item, depth + 1) for item in items if isinstance(item, Tensor | dict | list | tuple)]
