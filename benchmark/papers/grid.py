"""A table as it is shown: measured values beside printed ones, what is best, what is missing and why."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmark.moved import look_up
from benchmark.papers.cells import TableCell, mean_of, measured, of_size, with_interval
from benchmark.papers.marks import Candidate, marks
from benchmark.papers.networks import find_network
from benchmark.papers.published import Published, place_of
from benchmark.papers.schema import Panel, Paper, TableColumn, TableOrFigure, TableRow, split_run
from benchmark.papers.setting import PaperSetting
from benchmark.planning.grid import Grid, GridRow
from benchmark.planning.ledger_index import LedgerIndex


@dataclass(frozen=True)
class TableLine:
    """A row with its cells, one per column."""

    row: TableRow
    note: str
    cells: tuple[TableCell, ...]


@dataclass(frozen=True)
class TableGrid:
    """One panel of a table or figure.

    Attributes:
        key, table, panel: what it shows.
        images: how many test images the values are of; None if nothing was measured.
        deviations: why the values can't be compared with the printed ones; empty if they can.
        lines: the rows.
    """

    key: str
    table: TableOrFigure
    panel: Panel
    images: int | None
    deviations: tuple[str, ...]
    lines: tuple[TableLine, ...]

    def cell(self, row: str, column: str) -> TableCell | None:
        """The cell there; None if this panel does not have that row."""
        position = [each.label for each in self.table.columns].index(column)
        return next((line.cells[position] for line in self.lines if line.row.label == row), None)

    @property
    def measured(self) -> int:
        """How many cells have a value."""
        return sum(cell.scores is not None for line in self.lines for cell in line.cells)

    @property
    def size(self) -> int:
        """How many cells there are."""
        return sum(len(line.cells) for line in self.lines)

    @property
    def plain(self) -> Grid:
        """The measured numbers alone, as a figure draws them."""
        rows = (GridRow(line.row.label, line.cells, line.row.series, line.row.x) for line in self.lines)
        chart = self.table.chart
        return Grid(
            title=self.table.title,
            columns=tuple(column.label for column in self.table.columns),
            rows=tuple(rows),
            chart=chart.kind if chart else None,
            x_title=chart.x if chart else "",
            decimals=self.table.decimals,
        )


def make_grids(
    paper: Paper, key: str, setting: PaperSetting, index: LedgerIndex, published: Published
) -> list[TableGrid]:
    """The measured panels of the table or figure `key` in `setting`."""
    table = paper.exhibits[key]
    own = setting.of(table)
    return [_grid(paper, key, table, panel, own, index, published) for panel in own.panels(table)]


def printed_grids(paper: Paper, key: str, published: Published) -> list[TableGrid]:
    """The panels of the table or figure `key` as the paper prints them, without anything measured."""
    table = paper.exhibits[key]
    grids = []
    for panel in table.panels:
        lines = tuple(
            TableLine(row, row.note, tuple(_printed(key, panel, row, column, published) for column in table.columns))
            for row in _rows(table, panel)
        )
        if any(cell.printed for line in lines for cell in line.cells):
            grids.append(TableGrid(key, table, panel, None, (), lines))
    return grids


def _rows(table: TableOrFigure, panel: Panel) -> list[TableRow]:
    return [row for row in table.rows if panel.rows is None or row.label in panel.rows]


def _printed(key: str, panel: Panel, row: TableRow, column: TableColumn, published: Published) -> TableCell:
    place = place_of(key, panel, row, column)
    return TableCell(printed=published.find(place), printed_gain=published.find(place, is_gain=True))


def _grid(
    paper: Paper,
    key: str,
    table: TableOrFigure,
    panel: Panel,
    setting: PaperSetting,
    index: LedgerIndex,
    published: Published,
) -> TableGrid:
    rows = _rows(table, panel)
    cells = {
        row.label: [measured(paper, table, panel, row, column, setting, index) for column in table.columns]
        for row in rows
    }
    images = max(
        (len(cell.scores) for own in cells.values() for cell in own if cell.scores is not None), default=None
    )
    cells = {label: [of_size(cell, images) for cell in own] for label, own in cells.items()}
    for row in rows:
        if row.mean_of:
            members = [cells[label] for label in row.mean_of if label in cells]
            cells[row.label] = [mean_of(group) for group in zip(*members, strict=True)]
    deviations = tuple(setting.deviations(panel, images))
    for row in rows:
        for position, column in enumerate(table.columns):
            cell = with_interval(cells[row.label][position])
            found = _printed(key, panel, row, column, published)
            cell = replace(cell, printed=found.printed, printed_gain=found.printed_gain)
            if cell.value is not None and found.printed and not deviations:
                cell = replace(cell, difference=100 * cell.value - found.printed.percent)
            if row.gains_over and cell.value is not None:
                over = cells[row.gains_over][position].value
                cell = replace(cell, gain=None if over is None else 100 * (cell.value - over))
            cells[row.label][position] = cell
    if table.marks:
        _mark(table, list(cells.values()))
    lines = tuple(TableLine(row, _note(paper, panel, row, setting), tuple(cells[row.label])) for row in rows)
    return TableGrid(key, table, panel, images, deviations, lines)


def _mark(table: TableOrFigure, lines: list[list[TableCell]]) -> None:
    """Star the best and the second best of every column, where that stands; what may be masked takes no part."""
    for position in range(len(table.columns)):
        found = marks([_candidate(line[position], table.decimals) for line in lines])
        for line, mark in zip(lines, found, strict=True):
            line[position] = replace(line[position], mark=mark)


def _candidate(cell: TableCell, decimals: int) -> Candidate | None:
    if cell.by_seed is None or cell.value is None or cell.is_masked:
        return None
    return Candidate(round(100 * cell.value, decimals), cell.by_seed)


def _note(paper: Paper, panel: Panel, row: TableRow, setting: PaperSetting) -> str:
    """What the label leaves unsaid."""
    network = row.run and find_network(paper, row.run, setting, panel.architecture, setting.seeds[0], row.network)
    takes = network and (network.training or network.waits)  # not one of the caller's, or a published one
    chosen = setting.chosen_for(split_run(row.run)[0]) if row.run and takes else []
    parts = [
        network.describe(panel.architecture) if network and not network.waits else "",
        *map(str, chosen),
        row.note,
    ]
    return "; ".join(part for part in parts if part)


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
