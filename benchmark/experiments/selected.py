"""What a sweep's best variant is worth once the luck of being chosen is taken off, and whether it is the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.experiments.table import SweepLine
from benchmark.reporting.text import percent
from benchmark.statistics.seeds import Arm
from benchmark.statistics.selection import Selection, select

#: Level of the test against the other variants.
LEVEL = 0.05


@dataclass(frozen=True)
class Selected:
    """The variant of highest robust accuracy, corrected for the choice.

    Attributes:
        label, runner_up: the variant in words, and the second best.
        variants: how many there were to choose from; masked ones are not counted.
        seeds, images: that each was measured on.
        found: the figures.
    """

    label: str
    runner_up: str
    variants: int
    seeds: int
    images: int
    found: Selection

    def __str__(self) -> str:
        found = self.found
        behind = f"{self.label} is {100 * found.difference:.1f} points ahead of {self.runner_up}"
        p = f"p {found.p:.2g}" if found.p >= 0.0001 else "p < 0.0001"
        stands = "significantly better than all others" if found.p < LEVEL else "not significantly better than all"
        about = f"{self.seeds} training seeds each" if self.seeds > 1 else "these checkpoints, one training seed each"
        return (
            f"Selected: {self.label}. Robust accuracy {percent(found.value)} as measured, {percent(found.corrected)} "
            f"corrected for choosing among {self.variants} variants (95% interval {percent(found.low)} to "
            f"{percent(found.high)}). {behind}, {stands} ({p}, paired, on {self.images} images; about {about})."
        )


def selected(lines: Sequence[SweepLine]) -> Selected | None:
    """The chosen variant of `lines`, corrected; None where none is, or nothing to choose from, or where it is not
    known which images its networks withstood."""
    by_variant: dict[str, list[SweepLine]] = {}
    for line in lines:
        if line.judged:
            by_variant.setdefault(line.variant.label, []).append(line)
    able = {label: own for label, own in by_variant.items() if not any(line.masked for line in own)}
    arms = [_arm(own) for own in able.values()]
    known = [arm for arm in arms if arm is not None]
    if len(known) < 2 or len(known) < len(arms) or len({arm.shape for arm in known}) > 1:
        return None
    labels = list(able)
    chosen = next((label for label, own in able.items() if own[0].chosen), None)
    if chosen is None:
        return None
    found = select(known, labels.index(chosen))
    seeds, images = known[0].shape
    return Selected(labels[found.chosen], labels[found.runner_up], len(known), seeds, images, found)


def _arm(lines: Sequence[SweepLine]) -> Arm | None:
    """S×N shares, the mean over a variant's judged networks; None where one of them is not known."""
    rows = [[figures.scores for figures in line.figures] for line in lines]
    if any(scores is None for row in rows for scores in row):
        return None
    if len({len(scores) for row in rows for scores in row if scores is not None}) != 1:
        return None
    return np.mean(np.array(rows, float), axis=0)
