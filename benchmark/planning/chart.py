"""Figures as SVG: bars or lines of accuracies, with the numbers written out for those who don't see them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

from benchmark.planning.grid import Grid

#: Of `chart.html`, which shows a drawing, and of `page.css`, the looks of a page with tables and figures.
TEMPLATES = Path(__file__).parent / "templates"

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 640, 300, 44, 14, 56
#: Space of a bar's group, in pixels of the drawing.
GROUP_GAP = 18
#: Pixels that a letter of a label takes.
LETTER = 6.5


@dataclass(frozen=True)
class Mark:
    """A point or a bar: its place, and the value with its interval, all in pixels; what it stands for in words."""

    x: float
    y: float
    low: float
    high: float
    width: float
    words: str


@dataclass(frozen=True)
class Series:
    """Marks of one colour (counted from 0), and the heading of their column."""

    name: str
    colour: int
    marks: tuple[Mark, ...]

    @property
    def path(self) -> str:
        """The marks joined by a line."""
        return " ".join(f"{mark.x:.1f},{mark.y:.1f}" for mark in self.marks)


@dataclass(frozen=True)
class Drawing:
    """Everything a figure draws, in pixels; the labels of ticks may have several lines.

    Attributes:
        title: what it shows.
        kind: "bars" or "lines".
        whiskers: what the lines through bars and points stand for.
    """

    title: str
    kind: str
    series: tuple[Series, ...]
    ticks: tuple[tuple[float, list[str]], ...]
    grid_lines: tuple[tuple[float, str], ...]
    x_title: str
    whiskers: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    baseline: float = HEIGHT - BOTTOM


def draw(grid: Grid) -> Drawing | None:
    """The chart of `grid`; None if it has none, or nothing was measured."""
    if grid.chart is None or not grid.measured:
        return None
    series, ticks = _bars(grid) if grid.chart == "bars" else _lines(grid)
    levels = tuple((_y(level / 100), str(level)) for level in range(0, 101, 20))
    is_spread = any(cell.spread is not None for row in grid.rows for cell in row.cells)
    whiskers = "± standard deviation over seeds" if is_spread else "with 95% intervals"
    return Drawing(grid.title, grid.chart, tuple(series), tuple(ticks), levels, grid.x_title, whiskers)


def _bars(grid: Grid) -> tuple[list[Series], list[tuple[float, list[str]]]]:
    """A group of bars for each row, a bar for each column."""
    room = (WIDTH - LEFT) / len(grid.rows)
    width = (room - GROUP_GAP) / len(grid.columns)
    series = []
    for position, column in enumerate(grid.columns):
        marks = [
            _mark(grid, number, position, LEFT + number * room + GROUP_GAP / 2 + (position + 0.5) * width, width)
            for number, row in enumerate(grid.rows)
            if row.cells[position].value is not None
        ]
        series.append(Series(column, position, tuple(marks)))
    letters = max(6, int(room / LETTER))
    return series, [
        (LEFT + (number + 0.5) * room, textwrap.wrap(row.label, letters)) for number, row in enumerate(grid.rows)
    ]


def _lines(grid: Grid) -> tuple[list[Series], list[tuple[float, list[str]]]]:
    """A line for each column and series of rows, over the rows' x."""
    positions = sorted({row.x for row in grid.rows if row.x is not None})
    first, last = positions[0], positions[-1]
    room = WIDTH - LEFT - 2 * GROUP_GAP

    def place(x: float) -> float:
        return LEFT + GROUP_GAP + room * ((x - first) / (last - first) if last > first else 0.5)

    series: list[Series] = []
    names = list(dict.fromkeys(row.series for row in grid.rows))
    for position, column in enumerate(grid.columns):
        for name in names:
            marks = [
                _mark(grid, number, position, place(row.x), 0)
                for number, row in enumerate(grid.rows)
                if row.series == name and row.x is not None and row.cells[position].value is not None
            ]
            label = f"{name}, {column}" if name else column
            series.append(Series(label, len(series), tuple(marks)))
    return series, [(place(x), [f"{x:g}"]) for x in positions]


def _mark(grid: Grid, number: int, position: int, x: float, width: float) -> Mark:
    row, column = grid.rows[number], grid.columns[position]
    cell = row.cells[position]
    value = cell.value or 0.0
    spread = cell.spread or 0.0
    low = cell.low if cell.low is not None else value - spread
    high = cell.high if cell.high is not None else value + spread
    words = f"{row.label}, {column}: {100 * value:.{grid.decimals}f}%"
    return Mark(x, _y(value), _y(low), _y(high), width, words)


def _y(share: float) -> float:
    return TOP + (1 - min(max(share, 0.0), 1.0)) * (HEIGHT - TOP - BOTTOM)
