"""Tensors that say they lie on an accelerator: what is computed there in another way is so here, too."""

from __future__ import annotations

from typing import NoReturn

import torch
from torch import Tensor


class _Named(str):
    """Where tensors are made, which is here, and what kind of place it says it is."""

    type = "cuda"


class Asked(Exception):
    """Somebody wanted to know a value, for which everything else would have to wait."""


class Elsewhere(Tensor):
    device = _Named("cpu")  # type: ignore[assignment]

    def asked(self, *_: object) -> NoReturn:
        raise Asked

    __bool__ = __int__ = __float__ = __index__ = item = tolist = asked

    def cumsum(self, dim: int) -> Tensor:  # type: ignore[override]
        """As there: no two repeats need be the same, and torch refuses it where they have to be."""
        if torch.are_deterministic_algorithms_enabled():
            raise RuntimeError("cumsum does not have a deterministic implementation")
        return super().cumsum(dim)


def elsewhere(values: Tensor) -> Tensor:
    return values.as_subclass(Elsewhere)


def back(values: Tensor) -> Tensor:
    """What was made of them; that it still says so shows that nothing was taken back on the way."""
    assert isinstance(values, Elsewhere)
    return values.as_subclass(Tensor)
