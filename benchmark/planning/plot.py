"""Figures of grids for a paper: the same numbers on the same axes as `chart` draws for a page."""

from __future__ import annotations

from benchmark.charts import Mark
from benchmark.planning.chart import mark_at, points_of, range_of, x_axis, y_axis
from benchmark.planning.grid import Grid
from benchmark.plots.plot import Plot, Series


def plot_of(grid: Grid, key: str, caption: str) -> Plot | None:
    """The figure of `grid`; None if it has none, or nothing was measured.

    Args:
        grid: the numbers.
        key: the stem of the figure's files.
        caption: what it shows, in sentences.
    """
    if grid.chart is None or not grid.measured:
        return None
    is_spread = any(cell.spread is not None for row in grid.rows for cell in row.cells)
    whiskers = "± the standard deviation over seeds" if is_spread else "95% intervals"
    told = f"{caption} Accuracies are percentages with {whiskers}."
    if grid.chart == "scatter":
        return _points(grid, key, told)
    return _bars(grid, key, told) if grid.chart == "bars" else _lines(grid, key, told)


def _lines(grid: Grid, key: str, caption: str) -> Plot:
    found = [
        (name, marks)
        for place, column in enumerate(grid.columns)
        for series in dict.fromkeys(row.series for row in grid.rows)
        if (marks := _marks(grid, place, series))
        for name in [f"{series}, {column}" if series and len(grid.columns) > 1 else series or column]
    ]
    x, y = x_axis(grid), range_of([mark for _, marks in found for mark in marks])
    return Plot(
        key=key,
        kind="lines",
        caption=caption,
        x=grid.x_title,
        y=f"{grid.columns[0]} accuracy (%)" if len(grid.columns) == 1 else "accuracy (%)",
        x_range=(x.low, x.high),
        y_range=y,
        x_ticks=x.at if len(x.at) <= 12 else (),
        series=tuple(_series(name, marks) for name, marks in found),
    )


def _marks(grid: Grid, place: int, series: str) -> list[Mark]:
    return [
        mark
        for number, row in enumerate(grid.rows)
        if row.series == series and row.x is not None and (mark := mark_at(grid, number, place, row.x))
    ]


def _series(name: str, marks: list[Mark]) -> Series:
    return Series(
        name=name,
        x=tuple(mark.x for mark in marks),
        y=tuple(mark.y for mark in marks),
        low=tuple(mark.low for mark in marks),
        high=tuple(mark.high for mark in marks),
    )


def _bars(grid: Grid, key: str, caption: str) -> Plot:
    every = range(len(grid.rows))
    series = [
        _series(column, [mark for number in every if (mark := mark_at(grid, number, place, number))])
        for place, column in enumerate(grid.columns)
    ]
    return Plot(
        key=key,
        kind="bars",
        caption=caption,
        y=y_axis([each.name for each in series]).title,
        y_range=(0.0, 100.0),
        series=tuple(series),
        columns=tuple(row.label for row in grid.rows),
    )


def _points(grid: Grid, key: str, caption: str) -> Plot | None:
    found = points_of(grid)
    if not found:
        return None
    across, up = [first for first, _ in found], [second for _, second in found]
    return Plot(
        key=key,
        kind="scatter",
        caption=caption,
        x=f"{grid.columns[0]} accuracy (%)",
        y=f"{grid.columns[1]} accuracy (%)",
        x_range=range_of(across),
        y_range=range_of(up),
        series=tuple(
            Series(
                name=second.words,
                x=(first.y,),
                y=(second.y,),
                left=(first.low,),
                right=(first.high,),
                low=(second.low,),
                high=(second.high,),
            )
            for first, second in found
        ),
    )
