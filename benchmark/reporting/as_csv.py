"""Rows as CSV: written here because loading pandas costs more than making a whole report."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

import numpy as np


class CsvWriter:
    """As `csv.writer`, but for the character 0, which a name may hold: Python 3.10 can't write it, few can read it.

    Args:
        file: what rows are written to.
        end: of each row.
    """

    def __init__(self, file: TextIO, end: str = "\n") -> None:
        self._writer = csv.writer(file, lineterminator=end)

    def writerow(self, row: Iterable[Any]) -> None:
        """One row."""
        self._writer.writerow([cell.replace("\0", "\ufffd") if isinstance(cell, str) else cell for cell in row])

    def writerows(self, rows: Iterable[Iterable[Any]]) -> None:
        """One after the other."""
        for row in rows:
            self.writerow(row)


def as_csv(rows: Iterable[Mapping[str, Any]], digits: int | None = None) -> str:
    """A column for each name in any row, in the order of appearance; what a row lacks, None and NaN are empty.

    Args:
        rows: what to write; nothing is written if there are none, not even a heading.
        digits: to how many significant ones floats are rounded; all if not said.
    """
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        return ""
    file = io.StringIO()
    writer = CsvWriter(file)
    writer.writerow(names)
    writer.writerows([_cell(row.get(name), digits) for name in names] for row in rows)
    return file.getvalue()


def csv_line(words: Iterable[str]) -> str:
    """Some words as they stand in a line of CSV, quoted where they have to be."""
    file = io.StringIO()
    CsvWriter(file, end="").writerow(words)
    return file.getvalue()


def _cell(value: Any, digits: int | None) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float | np.floating):
        return repr(float(value)) if digits is None else f"{value:.{digits}g}"
    return str(value)
