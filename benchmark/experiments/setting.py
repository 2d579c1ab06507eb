"""How a sweep is trained and measured: what its page says about it, and the command that reproduces it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput, unknown
from benchmark.experiments.experiment import Comparison
from benchmark.planning.setting import Setting
from benchmark.training.request import check_seed

#: What a variant can be chosen by, and what the reader should know about the choice.
SELECTIONS = {
    "validation": (
        "Weights and variant were selected by these numbers, so that the highest is optimistic; what is corrected "
        "for the choice of the variant is not for that of the epoch. Evaluate the selected variant on test images."
    ),
    "test": "The variant was selected on test images, so that the highest number is optimistic.",
}


@dataclass(frozen=True, kw_only=True)
class SweepSetting(Setting):
    """The arguments of a sweep that decide its numbers, as `benchmark.sweep` takes them.

    Attributes:
        select, suite, arch, teacher, init, extra_data: what is not in every plan's setting.

    Raises:
        BadInput: an unknown selection, no seed, or one out of range.
    """

    select: str
    suite: str
    arch: str | None = None
    teacher: tuple[str | Path, ...] = ()
    init: tuple[str | Path, ...] = ()
    extra_data: str | None = None

    def __post_init__(self) -> None:
        if self.select not in SELECTIONS:
            raise unknown("selection", self.select, SELECTIONS)
        if not self.seeds:
            raise BadInput("name at least one seed")
        for seed in self.seeds:
            check_seed(seed)

    @property
    def on_test(self) -> bool:
        """Whether test images are what it is measured on."""
        return self.select == "test"

    def about(self, comparison: Comparison, dataset: str, architecture: str, images: int) -> str:
        """In sentences, with the names that `dataset` and `arch` stand for and the number of images."""
        exchanged = f" Every method uses {comparison.exchanged} instead of its own." if comparison.exchanged else ""
        seeds = f"{'the mean over the seeds' if len(self.seeds) > 1 else 'seed'} {', '.join(map(str, self.seeds))}"
        split = "test" if self.on_test else "held-out training"
        robust = (
            f"all attacks of the suite {self.suite} ({self.preset})"
            if self.on_test
            else "the PGD by which training selects checkpoints"
        )
        told = self.radii.told()
        radii = f" The radii are {told}." if told else ""
        begun = f" Training begins with {' and '.join(Path(each).stem for each in self.init)}." if self.init else ""
        begun += f" Of each batch a part is from {self.extra_data}." if self.extra_data else ""
        return (
            f"Trained on {dataset} with {architecture} and the recipe {self.recipe}, {seeds}."
            f"{exchanged}{radii}{begun} Percentages of {images} {split} images; robust: against {robust}. "
            f"{SELECTIONS[self.select]}"
        )

    def command(self, comparison: Comparison) -> str:
        """What to type for the same sweep; options that are None or empty are left out."""
        options: dict[str, Any] = {
            "select": self.select,
            "dataset": self.dataset,
            "recipe": self.recipe,
            "arch": self.arch,
            "teacher": [*self.teacher],
            "init": [*self.init],
            "extra-data": self.extra_data,
        }
        options |= {"suite": self.suite, "preset": self.preset, "n": self.images} if self.on_test else {}
        options |= {"seeds": [*self.seeds]} if tuple(self.seeds) != (0,) else {}
        words = ["bench", "sweep", *comparison.words(), *self.radii.options()]
        for name, value in options.items():
            values = value if isinstance(value, list) else [] if value is None else [value]
            words += [f"--{name}", *map(str, values)] if values else []
        words += ["--deterministic"] if self.deterministic else []
        return shlex.join(words)
