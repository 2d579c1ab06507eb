"""What all trainings and evaluations of a plan have in common."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.scales import UNSAID, Radii


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How networks are trained and evaluated; the words are those of `benchmark.train` and `benchmark.evaluate`.

    Attributes:
        dataset: as `benchmark.data.load` calls it.
        recipe, preset: of all trainings and evaluations.
        images: how many test images; None for the suites' own number.
        seeds: of the trainings; numbers are the mean over them.
        data_dir, precision, trust_remote_code, deterministic: as `benchmark.train` takes them.
        radii: of all trainings and evaluations, as the caller said them.
    """

    dataset: str
    recipe: str
    preset: str
    images: int | None
    seeds: tuple[int, ...] = (0,)
    data_dir: str | None = None
    precision: str = "auto"
    trust_remote_code: bool = False
    deterministic: bool = False
    radii: Radii = UNSAID
