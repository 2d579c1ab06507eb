"""A table as it is shown: measured values beside printed ones, what is best, what is missing and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmark.papers.archive import Archive, Question, Scores, scores
from benchmark.papers.marks import Candidate, marks
from benchmark.papers.networks import find_network
from benchmark.papers.published import Printed, Published, place_of
from benchmark.papers.schema import Column, Exhibit, Panel, Paper, Row
from benchmark.papers.stage import Stage
from benchmark.statistics.ravg_interval import mean_interval


@dataclass(frozen=True)
class Cell:
    """One number of a table.

    Attributes:
        scores: per image, whether it is classified correctly (mean over seeds); None where it was not measured.
        by_seed: the same by seed, S×N.
        trainings: names of the networks, teachers included, that it is of, as those of the first seed are called.
        low, high: the 95% interval of the value, as fractions; None for several seeds.
        spread: standard deviation over the seeds, as a fraction; None for a single one.
        printed: what the paper prints here.
        difference: measured − printed in percentage points; None where the settings differ.
        gain, printed_gain: over the row that the table compares with, in percentage points.
        mark: "best", "second" or "".
        is_masked: whether a network that the value is of shows strong signs of gradient masking; it is never the
            best.
        reason: why there is no value.
        evaluations: ids of the evaluations it was computed from.
    """

    scores: Scores | None = None
    by_seed: Scores | None = None
    trainings: frozenset[str] = frozenset()
    low: float | None = None
    high: float | None = None
    spread: float | None = None
    printed: Printed | None = None
    difference: float | None = None
    gain: float | None = None
    printed_gain: Printed | None = None
    mark: str = ""
    is_masked: bool = False
    reason: str = ""
    evaluations: tuple[str, ...] = ()

    @property
    def value(self) -> float | None:
        """The measured accuracy, a fraction."""
        return None if self.scores is None else float(self.scores.mean())


@dataclass(frozen=True)
class Line:
    """A row with its cells, one per column."""

    row: Row
    note: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Grid:
    """One panel of an exhibit.

    Attributes:
        key, exhibit, panel: what it shows.
        images: how many test images the values are of; None if nothing was measured.
        deviations: why the values can't be compared with the printed ones; empty if they can.
        lines: the rows.
    """

    key: str
    exhibit: Exhibit
    panel: Panel
    images: int | None
    deviations: tuple[str, ...]
    lines: tuple[Line, ...]

    def cell(self, row: str, column: str) -> Cell | None:
        """The cell there; None if this panel does not have that row."""
        position = [each.label for each in self.exhibit.columns].index(column)
        return next((line.cells[position] for line in self.lines if line.row.label == row), None)

    @property
    def measured(self) -> int:
        """How many cells have a value."""
        return sum(cell.scores is not None for line in self.lines for cell in line.cells)

    @property
    def size(self) -> int:
        """How many cells there are."""
        return sum(len(line.cells) for line in self.lines)


def make_grids(paper: Paper, key: str, stage: Stage, archive: Archive, published: Published) -> list[Grid]:
    """The measured panels of the exhibit `key` at `stage`."""
    exhibit = paper.exhibits[key]
    return [_grid(paper, key, exhibit, panel, stage, archive, published) for panel in stage.panels(exhibit)]


def printed_grids(paper: Paper, key: str, published: Published) -> list[Grid]:
    """The panels of the exhibit `key` as the paper prints them, without anything measured."""
    exhibit = paper.exhibits[key]
    grids = []
    for panel in exhibit.panels:
        lines = tuple(
            Line(row, row.note, tuple(_printed(key, panel, row, column, published) for column in exhibit.columns))
            for row in _rows(exhibit, panel)
        )
        if any(cell.printed for line in lines for cell in line.cells):
            grids.append(Grid(key, exhibit, panel, None, (), lines))
    return grids


def _rows(exhibit: Exhibit, panel: Panel) -> list[Row]:
    return [row for row in exhibit.rows if panel.rows is None or row.label in panel.rows]


def _printed(key: str, panel: Panel, row: Row, column: Column, published: Published) -> Cell:
    place = place_of(key, panel, row, column)
    return Cell(printed=published.find(place), printed_gain=published.find(place, is_gain=True))


def _grid(
    paper: Paper, key: str, exhibit: Exhibit, panel: Panel, stage: Stage, archive: Archive, published: Published
) -> Grid:
    rows = _rows(exhibit, panel)
    table = {
        row.label: [_measure(paper, exhibit, panel, row, column, stage, archive) for column in exhibit.columns]
        for row in rows
    }
    images = max(
        (len(cell.scores) for cells in table.values() for cell in cells if cell.scores is not None), default=None
    )
    table = {label: [_of_size(cell, images) for cell in cells] for label, cells in table.items()}
    for row in rows:
        if row.mean_of:
            members = [table[label] for label in row.mean_of if label in table]
            table[row.label] = [_mean(group) for group in zip(*members, strict=True)]
    deviations = tuple(stage.deviations(panel, images))
    for row in rows:
        for position, column in enumerate(exhibit.columns):
            cell = _with_interval(table[row.label][position])
            found = _printed(key, panel, row, column, published)
            cell = replace(cell, printed=found.printed, printed_gain=found.printed_gain)
            if cell.value is not None and found.printed and not deviations:
                cell = replace(cell, difference=100 * cell.value - found.printed.percent)
            if row.gains_over and cell.value is not None:
                over = table[row.gains_over][position].value
                cell = replace(cell, gain=None if over is None else 100 * (cell.value - over))
            table[row.label][position] = cell
    if exhibit.marks:
        _mark(exhibit, list(table.values()), len(stage.seeds))
    lines = tuple(Line(row, _note(paper, panel, row, stage), tuple(table[row.label])) for row in rows)
    return Grid(key, exhibit, panel, images, deviations, lines)


def _measure(
    paper: Paper, exhibit: Exhibit, panel: Panel, row: Row, column: Column, stage: Stage, archive: Archive
) -> Cell:
    """The cell's scores, or the reason why there are none."""
    if row.run is None:
        return Cell(reason="" if row.mean_of else "not trained here")
    found, ids, masked, trainings = [], [], False, set()
    for seed in stage.seeds:
        network = find_network(paper, row.run, stage, panel.architecture, seed, row.network)
        if network is None:
            return Cell(reason=f"not trained here: {row.label} is a published network elsewhere")
        source = column.source and find_network(paper, column.source, stage, panel.architecture, seed)
        question = Question(column.suite or exhibit.suite, exhibit.mode, source or None)
        evaluation = archive.find(network, question, stage)
        if evaluation is None:
            obstacle = network.obstacle() or (source.obstacle() if source else None)
            return Cell(reason=f"not run: {obstacle}" if obstacle else "not run")
        known = scores(evaluation, column)
        if known is None:
            return Cell(reason=f"not run: {column.label} is missing in the evaluation, or failed there")
        if evaluation.id in ids:  # a published network is the same one, whatever the seed
            continue
        found.append(known)
        ids.append(evaluation.id)
        if seed == stage.seeds[0]:
            trainings = {run.training.name if run.training else run.name for run in network.lineage()}
        masked |= column.metric != "clean" and archive.is_masked(evaluation)
    if len({len(each) for each in found}) > 1:
        return Cell(reason="not run: its seeds were evaluated on different numbers of images")
    by_seed = np.stack(found)
    return Cell(
        scores=by_seed.mean(0),
        by_seed=by_seed,
        trainings=frozenset(trainings),
        spread=_spread(by_seed),
        evaluations=tuple(ids),
        is_masked=masked,
    )


def _of_size(cell: Cell, images: int | None) -> Cell:
    if cell.scores is None or len(cell.scores) == images:
        return cell
    return Cell(reason=f"not run: evaluated on {len(cell.scores)} images, the others on {images}")


def _mean(cells: Sequence[Cell]) -> Cell:
    known = [cell.scores for cell in cells if cell.scores is not None]
    if not known or len(known) < len(cells):
        return Cell(reason="not run: a row that it averages is missing")
    scores, seeds = np.mean(known, axis=0), [cell.by_seed for cell in cells if cell.by_seed is not None]
    by_seed = np.mean(seeds, axis=0) if len({len(each) for each in seeds}) == 1 else scores[None]
    return Cell(
        scores=scores,
        by_seed=by_seed,
        spread=_spread(by_seed),
        trainings=frozenset().union(*(cell.trainings for cell in cells)),
        evaluations=tuple(id for cell in cells for id in cell.evaluations),
        is_masked=any(cell.is_masked for cell in cells),
    )


def _spread(by_seed: Scores) -> float | None:
    """Standard deviation over the seeds; None for a single one."""
    return float(by_seed.mean(1).std(ddof=1)) if len(by_seed) > 1 else None


def _with_interval(cell: Cell) -> Cell:
    if cell.scores is None or cell.spread is not None:
        return cell
    low, high = mean_interval(cell.scores)
    return replace(cell, low=low, high=high)


def _mark(exhibit: Exhibit, lines: list[list[Cell]], seeds: int) -> None:
    """Mark the best and the second best of every column, where that stands; what may be masked takes no part."""
    for position in range(len(exhibit.columns)):
        found = marks([_candidate(line[position], exhibit.decimals) for line in lines], seeds)
        for line, mark in zip(lines, found, strict=True):
            line[position] = replace(line[position], mark=mark)


def _candidate(cell: Cell, decimals: int) -> Candidate | None:
    if cell.scores is None or cell.value is None or cell.is_masked:
        return None
    return Candidate(round(100 * cell.value, decimals), cell.scores, cell.spread)


def _note(paper: Paper, panel: Panel, row: Row, stage: Stage) -> str:
    """What the label leaves unsaid."""
    network = row.run and find_network(paper, row.run, stage, panel.architecture, stage.seeds[0], row.network)
    parts = [network.describe(panel.architecture) if network else "", row.note]
    return "; ".join(part for part in parts if part)
