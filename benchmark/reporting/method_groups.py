"""Seeds of one method as one row of a leaderboard: every column's mean, and how much it varies from seed to seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from benchmark.analysis.methods import Seeds
from benchmark.reporting.column import Column
from benchmark.reporting.entries import Accuracy, Entry
from benchmark.reporting.kinds import COUNT, DURATION, NUMBER, SHARE
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.method_rows import MethodRow, rows_of
from benchmark.statistics.seeds import mean_of_method

#: Kinds of numbers that may be averaged.
_AVERAGED = (SHARE, COUNT, DURATION, NUMBER)


class Spread(NamedTuple):
    """The mean over seeds, fractions: with its 95% interval over seeds and images, and the seeds' own deviation.

    `deviation` is that of the seeds' observed values, as papers print it after ±.
    """

    value: float
    low: float
    high: float
    deviation: float


@dataclass(frozen=True)
class MethodGroup:
    """A method on a leaderboard, with the entries that are its seeds, in their order."""

    row: MethodRow
    seeds: Seeds
    entries: tuple[Entry, ...]
    _known: dict[str, Spread | None] = field(default_factory=dict)

    def value(self, column: Column) -> Any:
        """What stands in `column`: a `Spread`, a mean, or what all seeds have in common; None where there is none.

        Of the rank it is what the row is sorted by there; a method itself has no rank among networks.
        """
        if column.name == "rank":
            worst = self.row.means["rworst"]
            return None if worst is None or self.row.is_masked else 1 - worst.value
        found = [column.value(entry) for entry in self.entries]
        if any(isinstance(value, Accuracy) for value in found):
            return self._spread(column.metric) if column.metric else None
        if column.kind in _AVERAGED and all(isinstance(value, int | float) for value in found):
            return sum(found) / len(found)
        return found[0] if all(value == found[0] for value in found) else None

    def _spread(self, metric: str) -> Spread | None:
        if metric not in self._known:
            self._known[metric] = self._computed(metric)
        return self._known[metric]

    def _computed(self, metric: str) -> Spread | None:
        arm = self.seeds.scores(metric)
        if arm is None:
            return None
        mean = self.row.means.get(metric) or mean_of_method(arm)
        return Spread(mean.value, mean.low, mean.high, float(arm.mean(1).std(ddof=1)))


def method_groups(board: Leaderboard) -> list[MethodGroup]:
    """The methods with several seeds, highest Rworst first; those that may be masked last."""
    by_evaluation = {entry.id: entry for entry in board.entries}
    return [
        MethodGroup(row, seeds, tuple(by_evaluation[evaluation.id] for evaluation in seeds.evaluations))
        for row, seeds in rows_of(board)
    ]
