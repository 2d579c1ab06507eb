"""The global random generators of torch, NumPy and Python, kept apart from whoever else draws from them."""

from __future__ import annotations

import random
from contextlib import AbstractContextManager
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch

from benchmark.settings import current_settings, put_back

#: NumPy's typing leaves out how its global stream is exchanged.
_NUMPY: Any = np.random


class OwnGenerators(AbstractContextManager[None]):
    """Within this context the global generators belong to its owner; afterwards they stand where they were found.

    What is drawn or seeded within goes on at the next entry where the last one ended. So two who draw from the same
    global generators, such as a network and the attack on it, neither see nor move each other's stream. Torch's
    settings for the whole process are put back too, see `benchmark.settings`. Entries may be nested. (Of NumPy's
    legacy stream a normal number that was drawn in a pair and not yet handed out is lost.)

    Args:
        seed: where the owner's streams start, from 0 to 2^32 - 1.
        device: whose generator is kept apart beside the processor's.
    """

    def __init__(self, seed: int = 0, device: torch.device | str = "cpu") -> None:
        self._device = torch.device(device)
        self._accelerator = None if self._device.type == "cpu" else torch.get_device_module(self._device)
        self._torch = torch.Generator().manual_seed(seed).get_state()
        if self._accelerator is not None:
            self._on_device = torch.Generator(self._device).manual_seed(seed).get_state()
        bits: Any = np.random.MT19937()
        bits.state = np.random.RandomState(seed).get_state(legacy=False)  # what np.random.seed would give
        self._numpy = bits
        self._python = random.Random(seed).getstate()
        self._found: list[tuple[tuple[Any, ...], list[Any]]] = []

    def __enter__(self) -> None:
        self._found.append((self._current(), current_settings()))
        self._set(self._torch, self._numpy, self._python, self._on_device if self._accelerator else None)

    def __exit__(self, *_: object) -> None:
        self._torch, self._numpy, self._python, self._on_device = self._current()
        found, settings = self._found.pop()
        self._set(*found)
        put_back(settings)

    def _current(self) -> tuple[Any, ...]:
        return (
            torch.get_rng_state(),
            _NUMPY.get_bit_generator(),
            random.getstate(),
            self._accelerator.get_rng_state(self._device) if self._accelerator else None,
        )

    def _set(self, processor: Any, numpy: Any, python: Any, device: Any) -> None:
        torch.set_rng_state(processor)
        _NUMPY.set_bit_generator(numpy)
        random.setstate(python)
        if self._accelerator:
            self._accelerator.set_rng_state(device, self._device)


def generators_of(owner: object, device: torch.device | str) -> OwnGenerators:
    """The generators of `owner`, such as a network, on this device: the same ones at every call."""
    mine = _OWNED.setdefault(owner, {})
    if str(device) not in mine:
        mine[str(device)] = OwnGenerators(device=device)
    return mine[str(device)]


_OWNED: WeakKeyDictionary[object, dict[str, OwnGenerators]] = WeakKeyDictionary()
