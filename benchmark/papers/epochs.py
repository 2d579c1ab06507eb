"""How the accuracy on held-out training images went, epoch by epoch: where a defence begins to overfit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from benchmark.charts import Axis, Line, line_chart
from benchmark.papers.grid import TableGrid
from benchmark.plots.plot import Plot, Series
from benchmark.reporting.as_csv import as_csv

#: One epoch: its number from 1 on, clean and robust accuracy in [0, 1].
Epoch = tuple[int, float, float]


@dataclass(frozen=True)
class Course:
    """How one training went on its validation images.

    Attributes:
        label: of its row.
        epochs: those that were validated.
    """

    label: str
    epochs: tuple[Epoch, ...]

    @property
    def best(self) -> Epoch:
        """The epoch of highest robust accuracy; the latest of equal ones."""
        return max(self.epochs, key=lambda epoch: (epoch[2], epoch[0]))

    @property
    def last(self) -> Epoch:
        return self.epochs[-1]

    @property
    def lost(self) -> float:
        """Robust accuracy that was lost between the best epoch and the last one, a fraction."""
        return self.best[2] - self.last[2]


def courses(grid: TableGrid) -> list[Course]:
    """Those of the rows of `grid`, of the first seed, where they are known."""
    found = []
    for line in grid.lines:
        epochs = next((cell.epochs for cell in line.cells if cell.epochs), ())
        if epochs:
            found.append(Course(line.row.label, epochs))
    return found


def draw_courses(grid: TableGrid) -> Markup | None:
    """Robust accuracy over the epochs, a line for each row; None if no row's are known."""
    found = courses(grid)
    longest = max((course.last[0] for course in found), default=0)
    if longest < 2:
        return None
    lines = [Line(course.label, _robust(course)) for course in found]
    note = Markup('<span class="quiet">robust accuracy on held-out training images, in percent</span>')
    y = Axis("robust accuracy %", 0, 100)
    return line_chart(grid.table.title, lines, Axis("epoch", 1, longest), y, note=note, width=640, height=300)


def plot_courses(grid: TableGrid, key: str, caption: str) -> Plot | None:
    """The same for a paper; `key` and `caption` are those of `planning.plot.plot_of`."""
    found = courses(grid)
    longest = max((course.last[0] for course in found), default=0)
    if longest < 2:
        return None
    series = [
        Series(name=course.label, x=tuple(x for x, _ in points), y=tuple(y for _, y in points))
        for course in found
        for points in [_robust(course)]
    ]
    y = "robust accuracy on held-out images (%)"
    return Plot(key=key, kind="lines", caption=caption, x="epoch", y=y, y_range=(0.0, 100.0), series=tuple(series))


def _robust(course: Course) -> list[tuple[float, float]]:
    """Robust accuracy in percent over the epochs."""
    return [(float(epoch), 100 * robust) for epoch, _, robust in course.epochs]


def to_csv(grids: Sequence[TableGrid]) -> str:
    """A row per panel, row and epoch."""
    rows = [
        {
            "dataset": grid.panel.dataset,
            "architecture": grid.panel.architecture,
            "row": course.label,
            "epoch": epoch,
            "clean_percent": 100 * clean,
            "robust_percent": 100 * robust,
        }
        for grid in grids
        for course in courses(grid)
        for epoch, clean, robust in course.epochs
    ]
    return as_csv(rows, digits=6)
