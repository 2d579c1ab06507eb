"""One training run, complete: what decides its weights, and what its files are called."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from benchmark.data import Dataset
from benchmark.data.extra import ExtraImages
from benchmark.methods.method import BoundMethod
from benchmark.models import Checkpoint
from benchmark.moved import look_up
from benchmark.recipes.recipe import Recipe
from benchmark.run_names import file_stem
from benchmark.scales import UNSAID, Radii
from benchmark.storage import digest
from benchmark.training.identity import facts, images_digest, make_identity
from benchmark.training.initial import InitialNetwork
from benchmark.training.teachers import Teacher


@dataclass(frozen=True)
class Plan:
    """One training run, complete.

    Attributes:
        name: of the run, in any letters; its networks are called this, followed by their own name.
        method: the name of the method; `bound`, the method with all hyper-parameters decided.
        dataset, architecture, recipe, teachers, seed: what to train on, what, how, with whose help.
        device, precision: where and in which arithmetic.
        inner, outer: names of the method or objective whose attack, and of the method or loss whose outer loss takes
            the place of the method's own, if any.
        recipe_name: where the recipe came from: its name or file.
        radii: what was said about radii; the recipe has them.
        initial: for each network of the cohort what it begins with; () for random weights.
        inits: the networks that were given to begin with.
        extra_data: images that each batch is filled up with; None for none.
        former: what version 0.1.0 called the run, where nobody chose its name.
    """

    name: str
    method: str
    bound: BoundMethod
    dataset: Dataset
    architecture: str
    recipe: Recipe
    recipe_name: str
    teachers: tuple[Teacher, ...]
    seed: int
    device: torch.device
    precision: str
    inner: str | None = None
    outer: str | None = None
    radii: Radii = UNSAID
    former: str | None = None
    initial: tuple[InitialNetwork, ...] = ()
    inits: tuple[Checkpoint, ...] = ()
    extra_data: ExtraImages | None = None

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What decides the resulting weights, as plain values (the device does so only by rounding)."""
        return make_identity(
            self.method,
            self.bound,
            self.recipe,
            self.architecture,
            data=images_digest(self.dataset),
            teachers=[teacher.digest for teacher in self.teachers],
            seed=self.seed,
            precision=self.precision,
            inner=self.inner,
            outer=self.outer,
            init=[network.digest for network in self.inits],
            extra_data=self.extra_data.digest if self.extra_data else None,
        )

    def initial_of(self, n: int) -> InitialNetwork | None:
        """What the network at place `n` of the cohort begins with; None for random weights."""
        return self.initial[n] if self.initial else None

    def normalization(self, n: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation per channel of its first layer: those of the weights, or else of the data."""
        initial = self.initial_of(n)
        return (initial.mean, initial.std) if initial else self.moments

    @property
    def moments(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """What images are shifted and divided by, channel by channel, before they enter a network."""
        if self.recipe.normalisation == "data":
            return self.dataset.mean, self.dataset.std
        channels = self.dataset.shape[0]
        return (0.0,) * channels, (1.0,) * channels

    @property
    def facts(self) -> dict[str, Any]:
        """The identity by single values, in the words of a network's card."""
        return facts({**self.identity, "dataset": self.dataset.name, "inner": self.inner})

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the identity."""
        return digest(self.identity)

    @property
    def stem(self) -> str:
        """What the files of the run are called: its name as far as any file system takes it."""
        return file_stem(self.name)

    def named(self) -> list[str | None]:
        """What of the run may be of a file of one's own, by its name."""
        settings = [str(value) for value in self.bound.settings.values()]
        return [self.method, self.architecture, self.inner, self.outer, self.dataset.name, *settings]

    def checkpoint_names(self) -> list[str]:
        """The names of the networks that are kept, in the order of the cohort."""
        return [f"{self.name}-{m.name}" if m.name else self.name for m in self.bound.cohort.members if m.kept]

    def file_names(self) -> list[str]:
        """The names of their files."""
        return [f"{file_stem(name)}.pt" for name in self.checkpoint_names()]


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
