"""Where attacks get their randomness: per batch while training, per example while evaluating."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from benchmark import draws

#: Of the numbers that an example's noise draws, seeds apart; raised whenever they would be others. It is part of what
#: an attack that draws is known by, see `Attack.told`. The first version drew image by image, with NumPy.
VERSION = 2


def seed_problem(seed: object) -> str:
    """What is wrong with a seed; "" if nothing is."""
    if isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed < 2**63:
        return ""
    return f"seed must be a whole number from 0 to 2^63 - 1, not {seed!r:.60}"


class Noise(ABC):
    """Random draws for the N examples of a batch; every draw has N as its first dimension."""

    @abstractmethod
    def uniform(self, *shape: int) -> Tensor:
        """Float32 in [0, 1), N × shape."""

    @abstractmethod
    def normal(self, *shape: int) -> Tensor:
        """Float32 standard normal, N × shape."""

    @abstractmethod
    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """Int64 uniform on low, ..., high - 1, N × shape."""

    @abstractmethod
    def seed(self) -> int:
        """One number for a library that wants to be seeded as a whole (below 2**31)."""

    @abstractmethod
    def select(self, rows: Tensor) -> Noise:
        """The draws to come for some of the examples: `rows` is a mask of N bools, or their numbers.

        Numbers are for those who know them: the host waits for an accelerator to learn how many a mask chooses.
        """

    def fork(self) -> Noise:
        """Draws apart from those to come, for a part whose number of draws may depend on who else is in the batch."""
        return self


class BatchNoise(Noise):
    """Draws from one generator for the whole batch: fast, and reproducible for a fixed batch."""

    def __init__(self, size: int, generator: torch.Generator) -> None:
        self.size = size
        self.generator = generator

    def uniform(self, *shape: int) -> Tensor:
        return torch.rand((self.size, *shape), generator=self.generator, device=self.generator.device)

    def normal(self, *shape: int) -> Tensor:
        return torch.randn((self.size, *shape), generator=self.generator, device=self.generator.device)

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        device = self.generator.device
        return torch.randint(low, high, (self.size, *shape), generator=self.generator, device=device)

    def seed(self) -> int:
        return int(torch.randint(2**31, (), generator=self.generator, device=self.generator.device))

    def select(self, rows: Tensor) -> BatchNoise:
        return BatchNoise(int(rows.sum()) if rows.dtype == torch.bool else len(rows), self.generator)


class ExampleNoise(Noise):
    """Draws that depend on (seed, example index, restart, how many draws came before) and nothing else.

    So an attack finds the same adversarial example whatever the batch size, the worker, the device or the set of
    survivors. The streams are counter-based (Philox), hence independent without being stored, and computed for all
    examples at once where the numbers are used, see `draws`: an accelerator that draws never makes the host wait.

    Args:
        seed: from 0 to 2^64 - 1.
        indices: of the N examples, each from 0 to 2^63 - 1.
        restart: other restarts draw other numbers.
        device: where the numbers are wanted.
    """

    def __init__(
        self, seed: int, indices: Sequence[int] | Tensor, restart: int = 0, device: torch.device | str = "cpu"
    ) -> None:
        self._seed = seed
        self.device = torch.device(device)
        self.indices = torch.as_tensor(indices, dtype=torch.int64, device=self.device)
        self.restart = restart
        self._draws = 0
        self._branch: tuple[int, ...] = (0,)

    def uniform(self, *shape: int) -> Tensor:
        return self._draw(draws.UNIFORM, shape)

    def normal(self, *shape: int) -> Tensor:
        return self._draw(draws.NORMAL, shape)

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        return self._draw(draws.integers(low, high), shape)

    def seed(self) -> int:
        """As it always was, so that `VERSION` need not concern those who want nothing else."""
        first = int(self.indices[0]) if len(self.indices) else 0
        low, high = draws.key(*self._branch)  # the branch itself, unless it is one of a branch
        key = np.array([self._seed, first], np.uint64)  # of a list with a number above 2^63 NumPy makes floats
        counter = np.array([0, low | high << 32, self._draws, self.restart], np.uint64)
        bits = np.random.Philox(key=key, counter=counter)
        return int(np.random.Generator(bits).integers(2**31))

    def select(self, rows: Tensor) -> ExampleNoise:
        selected = ExampleNoise(self._seed, self.indices[rows], self.restart, self.device)
        selected._draws, selected._branch = self._draws, self._branch
        return selected

    def fork(self) -> ExampleNoise:
        self._draws += 1
        forked = ExampleNoise(self._seed, self.indices, self.restart, self.device)
        forked._branch = (self._draws,) if self._branch == (0,) else (*self._branch, self._draws)
        return forked

    def _draw(self, kind: draws.Kind, shape: tuple[int, ...]) -> Tensor:
        stream = draws.key(self._seed, self.restart, *self._branch)
        found = draws.draw(kind, stream, self._draws, self.indices, math.prod(shape))
        self._draws += 1
        return found.view(len(self.indices), *shape)
