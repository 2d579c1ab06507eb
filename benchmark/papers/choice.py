"""What a figure of held-out images chooses here, and the runs that take it in place of the paper's value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmark.papers.grid import TableGrid, make_grids
from benchmark.papers.published import Published
from benchmark.papers.schema import Choice, Paper, Reading, split_run
from benchmark.papers.setting import ChosenValue, PaperSetting
from benchmark.papers.titles import title_of
from benchmark.planning.ledger_index import LedgerIndex
from benchmark.planning.selected import Selected, select_among
from benchmark.reporting.as_csv import as_csv
from benchmark.statistics.seeds import Arm


@dataclass(frozen=True)
class FigureChoice:
    """What one panel of a figure chooses.

    Attributes:
        grid: the panel.
        value: of the setting; None without a choice.
        selected: the choice, corrected for having been made among several; None where the panel is not measured
            whole, or leaves less than two values to choose from.
    """

    grid: TableGrid
    value: Any = None
    selected: Selected | None = None

    @property
    def why(self) -> str:
        """Why nothing is chosen."""
        if self.grid.measured < self.grid.size:
            return f"{self.grid.measured} of {self.grid.size} numbers are there yet"
        return "since fewer than two values are free of strong signs of gradient masking"

    def __str__(self) -> str:
        panel = self.grid.panel
        where = f"{title_of(self.grid.key)}, {panel.dataset}, {panel.architecture}"
        if self.selected is None:
            return f"{where}: nothing is chosen, {self.why}."
        return f"{where}. {self.selected}"


def choose(paper: Paper, grid: TableGrid) -> FigureChoice:
    """The value of highest accuracy, a mean over the rows that share it; what may be masked is never chosen."""
    choice = grid.table.choice
    assert choice is not None
    rows: dict[str, list[str]] = {}
    values: dict[str, Any] = {}
    for line in grid.lines:
        value = paper.runs[split_run(str(line.row.run))[0]].settings[choice.setting]
        values[f"{choice.symbol} {value}"] = value
        rows.setdefault(f"{choice.symbol} {value}", []).append(line.row.label)
    arms = {label: arm for label, own in rows.items() if (arm := _arm(grid, choice, own)) is not _MASKED}
    selected = select_among(arms)
    return FigureChoice(grid, values[selected.label], selected) if selected else FigureChoice(grid)


_MASKED: Arm = np.empty((0, 0))


def _arm(grid: TableGrid, choice: Choice, rows: Sequence[str]) -> Arm | None:
    """S×N shares, the mean over `rows`; None where one is not measured, `_MASKED` where one may be masked."""
    cells = [cell for row in rows if (cell := grid.cell(row, choice.column))]
    if any(cell.is_masked for cell in cells):
        return _MASKED
    known = [cell.by_seed for cell in cells if cell.by_seed is not None]
    is_whole = len(known) == len(rows) and len({each.shape for each in known}) == 1
    return np.mean(known, axis=0) if is_whole else None


def figure_choices(paper: Paper, grids: Mapping[str, Sequence[TableGrid]]) -> list[FigureChoice]:
    """What each measured panel of the figures that choose something chooses."""
    return [choose(paper, grid) for found in grids.values() for grid in found if grid.table.choice and grid.measured]


def choosing(paper: Paper, readings: Mapping[str, str]) -> list[Reading]:
    """Those of the caller's `readings` that take what a figure chooses."""
    asked = [paper.variants[what][reading] for what, reading in readings.items()]
    return [reading for reading in asked if reading.chosen_by]


def with_choices(
    paper: Paper, setting: PaperSetting, readings: Iterable[Reading], index: LedgerIndex
) -> tuple[PaperSetting, list[str]]:
    """`setting` with the values that figures choose in it, and what can't be chosen yet, a sentence each.

    A figure of several panels chooses by its first. Runs whose value is not chosen yet wait for it: they are not made
    with another one.
    """
    told = []
    for reading in readings:
        key = str(reading.chosen_by)
        choice = paper.exhibits[key].choice
        grids = make_grids(paper, key, setting, index, Published({}))
        assert choice is not None
        found = choose(paper, grids[0]) if grids else None
        value = found.value if found else None
        if value is None:
            why = str(found) if found else f"{title_of(key)} is not measured on {setting.dataset}."
            told.append(f"{why} {choice.symbol} is not known for {', '.join(reading.takes)}")
        else:
            changed = f"{choice.symbol} is {value}, which {title_of(key)} chooses here"
            setting = replace(setting, changed=(*setting.changed, changed))
        own = tuple(ChosenValue(run, choice.setting, choice.symbol, value, title_of(key)) for run in reading.takes)
        setting = replace(setting, chosen=(*setting.chosen, *own))
    return setting, told


def to_csv(paper: Paper, grids: Sequence[TableGrid]) -> str:
    """A row per panel: the value that it chooses, what it is worth, and that once the luck is taken off."""
    return as_csv([_csv_row(paper, grid) for grid in grids], digits=6)


def _csv_row(paper: Paper, grid: TableGrid) -> dict[str, Any]:
    found, choice = choose(paper, grid), grid.table.choice
    assert choice is not None
    best = found.selected.found if found.selected else None
    second = found.selected.runner_up.removeprefix(f"{choice.symbol} ") if found.selected else None
    return {
        "dataset": grid.panel.dataset,
        "architecture": grid.panel.architecture,
        "setting": choice.setting,
        "value": found.value,
        "percent": best and 100 * best.value,
        "corrected_percent": best and 100 * best.corrected,
        "low": best and 100 * best.low,
        "high": best and 100 * best.high,
        "runner_up": second,
        "difference": best and 100 * best.difference,
        "p": best and best.p,
    }
