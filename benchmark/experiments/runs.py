"""The runs of a sweep: each trained after its teachers and measured, and what goes wrong with one stops no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import BadInput
from benchmark.experiments.measure import Figures
from benchmark.experiments.variants import Variant

#: What was measured of a variant, by seed.
Measured = tuple[Variant, dict[int, list[Figures]]]


@dataclass(frozen=True)
class Runs:
    """How runs are made.

    Attributes:
        learn: `benchmark.train` but for the method and its `set`, `inner`, `outer`, `teacher` and `seed`.
        measure: of a variant the figures of one of its checkpoints.
        teacher: whom methods learn from that need somebody; empty for those of `TEACHERS`.
    """

    learn: Callable[..., list[Path]]
    measure: Callable[[Variant, Path], Figures]
    teacher: Sequence[str | Path] = ()

    def all(self, variants: Sequence[Variant], seeds: Sequence[int]) -> tuple[list[Measured], list[str]]:
        """What was measured, and what could not be, with the reason."""
        measured: list[Measured] = []
        failures: list[str] = []
        for variant in variants:
            try:
                measured.append((variant, {seed: self.one(variant, seed) for seed in seeds}))
            except BadInput as error:
                failures.append(f"{variant.label}: {error}")
        return measured, failures

    def one(self, variant: Variant, seed: int) -> list[Figures]:
        """The figures of one run's networks.

        Raises:
            BadInput: it, or a teacher of its, can't be trained or measured.
        """
        teachers = list(self.teacher) if variant.roles else []
        for tutor in variant.teachers:
            teachers += self.learn(tutor.method, set=tutor.settings, inner=tutor.inner, seed=seed)
        exchanged = {"inner": variant.inner, "outer": variant.outer}
        paths = self.learn(variant.method, set=variant.settings, **exchanged, teacher=teachers, seed=seed)
        return [self.measure(variant, path) for path in paths]
