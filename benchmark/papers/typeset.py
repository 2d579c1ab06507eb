"""How a paper's table looks: names as the paper sets them, and what is bold and underlined in either copy."""

from __future__ import annotations

import re
from collections.abc import Callable

from markupsafe import Markup, escape

from benchmark.latex import Mark
from benchmark.papers.cells import TableCell
from benchmark.papers.grid import TableGrid
from benchmark.papers.schema import TableRow
from benchmark.reporting.best import best_two

_TERMS = {
    **{name: f"ℓ<sub>{index}</sub>" for name, index in {"linf": "∞", "l2": "2", "l1": "1", "l0": "0"}.items()},
    "Ravg": "R<sub>avg</sub>",
    "Rworst": "R<sub>worst</sub>",
}
#: Not in names of ours, see `latex.prose`.
_TERM = re.compile(rf"(?<![a-z0-9]-)\b({'|'.join(_TERMS)})\b(?!-)")


def typeset(text: str) -> Markup:
    """ "AT-linf" -> AT-ℓ with ∞ as its index; everything else is escaped."""
    parts = _TERM.split(str(text))
    return Markup("").join(Markup(_TERMS[part]) if number % 2 else escape(part) for number, part in enumerate(parts))


def row_title(row: TableRow, printed: bool = False) -> str:
    """What stands at the beginning of a row: its label, as printed the one of the paper, and whose method it is."""
    label = (row.published.method or row.label) if printed else row.label
    return f"{label} (Ours)" if row.ours else label


def measured_marks(grid: TableGrid) -> list[list[Mark]]:
    """For each row, the marks of its cells by their measured numbers; what may be masked takes no part."""
    return _marks(grid, lambda cell: None if cell.value is None or cell.is_masked else 100 * cell.value)


def printed_marks(grid: TableGrid) -> list[list[Mark]]:
    """The same by the numbers that the paper prints."""
    return _marks(grid, lambda cell: cell.printed.percent if cell.printed else None)


def _marks(grid: TableGrid, number: Callable[[TableCell], float | None]) -> list[list[Mark]]:
    if not grid.table.marks or not grid.lines:
        return [[""] * len(line.cells) for line in grid.lines]
    shown = [
        [None if (found := number(cell)) is None else round(found, grid.table.decimals) for cell in line.cells]
        for line in grid.lines
    ]
    by_column = [best_two(column) for column in zip(*shown, strict=True)]
    return [list(marks) for marks in zip(*by_column, strict=True)]
