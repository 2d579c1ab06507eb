"""The methods of a leaderboard that were trained with several seeds: one row each, over seeds and images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmark.analysis.methods import Seeds, by_method
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.text import MISSING, percent
from benchmark.statistics.seeds import MethodMean, mean_of_method

#: What is shown of each method, by the metrics of `analysis.paired.scores`.
METRICS = {"rworst": "Rworst", "ravg": "Ravg", "clean": "Clean"}


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
        """Method, seeds, Rworst with its interval, other metrics, what seeds add to its error, and what images do."""
        worst = self.means["rworst"]
        interval = f"{percent(worst.low)}–{percent(worst.high)}" if worst else MISSING
        parts = (worst.seed_deviation, worst.seed_error, worst.image_error) if worst else (None, None, None)
        first, *others = [percent(found.value) if found else MISSING for found in self.means.values()]
        doubt = ", possible gradient masking" if self.is_masked else ""
        return [self.label + doubt, ", ".join(map(str, self.seeds)), first, interval, *others, *map(percent, parts)]


_WORST, *_OTHERS = METRICS.values()
#: What stands above the cells.
HEADINGS = ("Method", "Seeds", _WORST, "95% interval", *_OTHERS, "SD of seeds", "Error: seeds", "Error: images")


def method_rows(board: Leaderboard) -> list[MethodRow]:
    """The methods with several seeds, highest Rworst first; those that may be masked last."""
    return [row for row, _ in rows_of(board)]


def rows_of(board: Leaderboard) -> list[tuple[MethodRow, Seeds]]:
    """The same, each with its seeds' evaluations."""
    return sorted(_rows(board), key=lambda found: _order(found[0]))


def _rows(board: Leaderboard) -> Iterator[tuple[MethodRow, Seeds]]:
    masked = {entry.id: entry.is_masked for entry in board.entries}
    for group in by_method(board.evaluations):
        if group.is_method:
            arms = {metric: group.scores(metric) for metric in METRICS}
            means = {metric: None if arm is None else mean_of_method(arm) for metric, arm in arms.items()}
            is_masked = any(masked[evaluation.id] for evaluation in group.evaluations)
            yield MethodRow(group.label, tuple(seed or 0 for seed in group.seeds), means, is_masked), group


def _order(row: MethodRow) -> tuple[bool, float, str]:
    worst = row.means["rworst"]
    return row.is_masked, -worst.value if worst else 1.0, row.label
