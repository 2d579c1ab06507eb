"""Figures of grids: bars, lines or points of accuracies in percent, with their intervals."""

from __future__ import annotations

from markupsafe import Markup

from benchmark.charts import Axis, Bars, Line, Mark, Point, bar_chart, line_chart, scatter
from benchmark.planning.grid import Grid

WIDTH, HEIGHT = 640, 300


def draw(grid: Grid) -> Markup | None:
    """The chart of `grid`; None if it has none, or nothing was measured."""
    if grid.chart is None or not grid.measured:
        return None
    if grid.chart == "scatter":
        return _points(grid)
    is_spread = any(cell.spread is not None for row in grid.rows for cell in row.cells)
    whiskers = "± standard deviation over seeds" if is_spread else "with 95% intervals"
    note = Markup('<span class="quiet">accuracy in percent, {}</span>').format(whiskers)
    return _bars(grid, note) if grid.chart == "bars" else _lines(grid, note)


def _bars(grid: Grid, note: Markup) -> Markup:
    """A group of bars for each row, a bar for each column."""
    every = range(len(grid.rows))
    bars = [
        Bars(column, [mark for number in every if (mark := _mark(grid, number, place, number))])
        for place, column in enumerate(grid.columns)
    ]
    return bar_chart(grid.title, [row.label for row in grid.rows], bars, _y([bar.name for bar in bars]), note)


def _lines(grid: Grid, note: Markup) -> Markup:
    """A line for each column and series of rows, over the rows' x."""
    places = sorted({row.x for row in grid.rows if row.x is not None})
    beside = (places[-1] - places[0]) / 30 or 0.5
    x = Axis(grid.x_title, places[0] - beside, places[-1] + beside, at=tuple(places))
    lines = []
    for place, column in enumerate(grid.columns):
        for series in dict.fromkeys(row.series for row in grid.rows):
            marks = [
                mark
                for number, row in enumerate(grid.rows)
                if row.series == series and row.x is not None and (mark := _mark(grid, number, place, row.x))
            ]
            name = f"{series}, {column}" if series else column
            lines.append(Line(name, [(mark.x, mark.y) for mark in marks], marks=marks))
    y = _y([line.name for line in lines])
    return line_chart(grid.title, lines, x, y, note=note, width=WIDTH, height=HEIGHT, is_titled=False)


def _points(grid: Grid) -> Markup | None:
    """A point for each row, at its first number across and its second one up; rows that lack one are left out."""
    known = [
        Point(100 * row.cells[0].value, 100 * row.cells[1].value, row.label, "", row.label)
        for row in grid.rows
        if row.cells[0].value is not None and row.cells[1].value is not None
    ]
    if not known:
        return None
    x, y = (
        _around(f"{title} %", [getattr(point, place) for point in known])
        for title, place in zip(grid.columns, "xy", strict=False)
    )
    return scatter(grid.title, known, x, y, WIDTH, HEIGHT)


def _around(title: str, values: list[float]) -> Axis:
    """An axis on which all of these percentages lie, with room for their names."""
    room = max(5.0, 0.25 * (max(values) - min(values)))
    return Axis(title, max(0.0, min(values) - room), min(100.0, max(values) + room))


def _y(names: list[str]) -> Axis:
    """In percent; a single series, which has no legend, is named here."""
    return Axis(f"{names[0]} %" if len(names) == 1 else "accuracy %", 0, 100)


def _mark(grid: Grid, number: int, place: int, x: float) -> Mark | None:
    """What was measured in a row and a column, in percent."""
    row, cell = grid.rows[number], grid.rows[number].cells[place]
    if cell.value is None:
        return None
    spread = cell.spread or 0.0
    low = cell.value - spread if cell.low is None else cell.low
    high = cell.value + spread if cell.high is None else cell.high
    words = f"{row.label}, {grid.columns[place]}: {100 * cell.value:.{grid.decimals}f}%"
    return Mark(x, 100 * cell.value, 100 * low, 100 * high, words)
