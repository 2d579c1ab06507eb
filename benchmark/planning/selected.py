"""What the best of several variants is worth once the luck of the choice is taken off, and whether it is the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
            f"Selected: {self.label}. Robust accuracy {100 * found.value:.1f} as measured, "
            f"{100 * found.corrected:.1f} corrected for "
            f"choosing among {self.variants} variants (95% interval {100 * found.low:.1f} to "
            f"{100 * found.high:.1f}). {behind}, {stands} ({p}, paired, on {self.images} images; about {about})."
        )


def select_among(arms: Mapping[str, Arm | None], chosen: str | None = None) -> Selected | None:
    """The best of `arms`, S×N shares by variant, on the same images; None where that can't be told.

    Args:
        arms: of each variant; None of one whose images are not known.
        chosen: which is the best, where several are as good; None for the first of them.
    """
    labels, known = [*arms], [arm for arm in arms.values() if arm is not None]
    if len(known) < 2 or len(known) < len(arms) or len({arm.shape for arm in known}) > 1:
        return None
    found = select(known, None if chosen is None else labels.index(chosen))
    seeds, images = known[0].shape
    return Selected(labels[found.chosen], labels[found.runner_up], len(known), seeds, images, found)
