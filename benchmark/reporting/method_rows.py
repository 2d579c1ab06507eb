"""The methods of a leaderboard that were trained with several seeds: one row each, over seeds and images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmark.analysis.methods import by_method
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.text import MISSING, percent
from benchmark.statistics.seeds import MethodMean, mean_of_method

#: What is shown of each method, by the metrics of `analysis.paired.scores`.
METRICS = {"clean": "Clean", "ravg": "Ravg", "rworst": "Rworst"}


@dataclass(frozen=True)
class MethodRow:
    """One method.

    Attributes:
        label: what its networks are called without the seed.
        seeds: of their trainings.
        means: by metric, the expected value over seeds and images; None where a network has no value for it.
        is_masked: whether there are strong signs of gradient masking in any of them.
    """

    label: str
    seeds: tuple[int, ...]
    means: dict[str, MethodMean | None]
    is_masked: bool

    @property
    def cells(self) -> list[str]:
        """Method, seeds, a cell per metric, Rworst's interval, its deviation from seed to seed, both errors."""
        worst = self.means["rworst"]
        interval = f"{percent(worst.low)}–{percent(worst.high)}" if worst else MISSING
        parts = (worst.seed_deviation, worst.seed_error, worst.image_error) if worst else (None, None, None)
        values = [percent(found.value) if found else MISSING for found in self.means.values()]
        doubt = ", possible gradient masking" if self.is_masked else ""
        return [self.label + doubt, ", ".join(map(str, self.seeds)), *values, interval, *map(percent, parts)]


#: What stands above the cells.
HEADINGS = ("Method", "Seeds", *METRICS.values(), "95% interval", "SD of seeds", "Error: seeds", "Error: images")


def method_rows(board: Leaderboard) -> list[MethodRow]:
    """The methods with several seeds, highest Rworst first; those that may be masked last."""
    return sorted(_rows(board), key=_order)


def _rows(board: Leaderboard) -> Iterator[MethodRow]:
    masked = {entry.id: entry.is_masked for entry in board.entries}
    for group in by_method(board.evaluations):
        if group.is_method:
            arms = {metric: group.scores(metric) for metric in METRICS}
            means = {metric: None if arm is None else mean_of_method(arm) for metric, arm in arms.items()}
            is_masked = any(masked[evaluation.id] for evaluation in group.evaluations)
            yield MethodRow(group.label, tuple(seed or 0 for seed in group.seeds), means, is_masked)


def _order(row: MethodRow) -> tuple[bool, float, str]:
    worst = row.means["rworst"]
    return row.is_masked, -worst.value if worst else 1.0, row.label
