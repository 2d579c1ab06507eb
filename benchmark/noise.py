"""Where attacks get their randomness: per batch while training, per example while evaluating."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor


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
        """The draws to come for some of the examples: `rows` is a mask of N bools."""

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
        return BatchNoise(int(rows.sum()), self.generator)


class ExampleNoise(Noise):
    """Draws that depend on (seed, example index, restart, how many draws came before) and nothing else.

    So an attack finds the same adversarial example whatever the batch size, the worker or the set of
    survivors. The streams are counter-based (Philox), hence independent without being stored.
    """

    def __init__(
        self, seed: int, indices: Sequence[int] | Tensor, restart: int = 0, device: torch.device | str = "cpu"
    ) -> None:
        self._seed = seed
        self.indices = indices.tolist() if isinstance(indices, Tensor) else [int(index) for index in indices]
        self.restart = restart
        self.device = torch.device(device)
        self._draws = 0
        self._branch = 0

    def uniform(self, *shape: int) -> Tensor:
        return self._draw(lambda stream: stream.random(shape, dtype=np.float32))

    def normal(self, *shape: int) -> Tensor:
        return self._draw(lambda stream: stream.standard_normal(shape, dtype=np.float32))

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        return self._draw(lambda stream: stream.integers(low, high, shape, dtype=np.int64))

    def seed(self) -> int:
        first = self.indices[0] if self.indices else 0
        return int(self._stream(first).integers(2**31))

    def select(self, rows: Tensor) -> ExampleNoise:
        kept = [index for index, keep in zip(self.indices, rows.tolist(), strict=True) if keep]
        selected = ExampleNoise(self._seed, kept, self.restart, self.device)
        selected._draws, selected._branch = self._draws, self._branch
        return selected

    def fork(self) -> ExampleNoise:
        self._draws += 1
        forked = ExampleNoise(self._seed, self.indices, self.restart, self.device)
        forked._branch = self._draws
        return forked

    def _stream(self, index: int) -> np.random.Generator:
        counter = [0, self._branch, self._draws, self.restart]
        return np.random.Generator(np.random.Philox(key=[self._seed, index], counter=counter))

    def _draw(self, draw: Callable[[np.random.Generator], object]) -> Tensor:
        rows = np.stack([np.asarray(draw(self._stream(index))) for index in self.indices])
        self._draws += 1
        return torch.from_numpy(rows).to(self.device)
