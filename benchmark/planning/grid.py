"""Measured numbers as rows × columns: what a figure draws, and what tables of papers and of sweeps have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmark.statistics.wilson import wilson


@dataclass(frozen=True)
class Cell:
    """One number.

    Attributes:
        value: the measured accuracy, a fraction; None where there is none.
        low, high: its 95% interval, as fractions; None for several seeds.
        spread: standard deviation over the seeds, as a fraction; None for a single one.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    spread: float | None = None

    @classmethod
    def of_seeds(cls, accuracies: Sequence[float], images: int) -> Cell:
        """The mean of accuracies over seeds, each of so many images: with its interval for one, else its spread."""
        found = np.array(accuracies)
        if len(found) > 1:
            return cls(value=float(found.mean()), spread=float(found.std(ddof=1)))
        low, high = wilson(float(found[0] * images), images)
        return cls(value=float(found[0]), low=low, high=high)


@dataclass(frozen=True)
class GridRow:
    """A row with its cells, one per column.

    Attributes:
        label: its name.
        cells: its numbers.
        series, x: the line and the position in a figure.
    """

    label: str
    cells: tuple[Cell, ...]
    series: str = ""
    x: float | None = None


@dataclass(frozen=True)
class Grid:
    """Rows × columns.

    Attributes:
        title: what it shows.
        columns: their headings.
        rows: in their order.
        chart: how a figure of it draws the rows: bars, lines over their `x`, or points at their first two numbers;
            None if there is no figure.
        x_title: of the horizontal axis.
        decimals: of all accuracies, in percent.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[GridRow, ...]
    chart: Literal["bars", "lines", "scatter"] | None = None
    x_title: str = ""
    decimals: int = 1

    @property
    def measured(self) -> int:
        """How many cells have a value."""
        return sum(cell.value is not None for row in self.rows for cell in row.cells)
