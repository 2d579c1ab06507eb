"""The numbers that a paper prints, as its CSV has them: facts, transcribed and never corrected."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path
from types import MappingProxyType

from benchmark.errors import BadInput, first_line
from benchmark.limits import DOCUMENT
from benchmark.papers.files import PAPERS
from benchmark.papers.schema import Panel, TableColumn, TableRow
from benchmark.storage import read_text

COLUMNS = ["exhibit", "dataset", "architecture", "method", "attack", "metric", "percent", "note"]


@dataclass(frozen=True)
class Printed:
    """A printed number, in percent (points for a gain), and what is odd about it."""

    percent: float
    note: str = ""


#: (exhibit, dataset, architecture, method, attack, metric) -> the number printed there.
Place = tuple[str, str, str, str, str, str]


@dataclass(frozen=True)
class Published:
    """All printed numbers of a paper, by their place."""

    numbers: Mapping[Place, Printed]

    def find(self, place: Place, is_gain: bool = False) -> Printed | None:
        """The number printed at `place`, or the gain printed in brackets behind it."""
        *where, metric = place
        return self.numbers.get((*where, f"gain_{metric}" if is_gain else metric))  # type: ignore[arg-type]


def load_published(paper: str) -> Published:
    """The printed numbers of the registered paper `paper`; none if it has no CSV.

    Raises:
        BadInput: the file is not such a table.
    """
    path = PAPERS.get(paper).with_suffix(".csv")
    return read_published(path) if path.exists() else Published({})


def read_published(path: Path) -> Published:
    """The printed numbers in the CSV file `path`.

    Raises:
        BadInput: a column is missing, a value is no number, or a place has two different numbers.
    """
    try:
        lines = list(csv.reader(io.StringIO(read_text(path, DOCUMENT), newline="")))
    except (csv.Error, FileNotFoundError) as error:
        raise BadInput(f"can't read {path}: {first_line(error)}") from error
    if not lines or lines[0] != COLUMNS:
        raise BadInput(f"{path.name}:1: the columns must be {','.join(COLUMNS)}")
    numbers: dict[Place, Printed] = {}
    for line, values in enumerate(lines[1:], start=2):
        if len(values) != len(COLUMNS):
            raise BadInput(f"{path.name}:{line}: {len(values)} columns instead of {len(COLUMNS)}")
        exhibit, dataset, architecture, method, attack, metric, percent, note = values
        printed = Printed(_number(percent, f"{path.name}:{line}"), note)
        place = (exhibit, dataset, architecture, method, attack, metric)
        if numbers.setdefault(place, printed).percent != printed.percent:
            raise BadInput(f"{path.name}:{line}: {', '.join(place)} is there already with another number")
    return Published(MappingProxyType(numbers))


def _number(text: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = nan
    if not isfinite(number):
        raise BadInput(f"{where}: percent is {text!r}, which is no number")
    return number


def place_of(exhibit: str, panel: Panel, row: TableRow, column: TableColumn) -> Place:
    """Where the number of that cell stands in the CSV, if the paper prints it."""
    attack, metric = column.printed_as
    return (
        exhibit,
        row.published.dataset or panel.published.dataset or "",
        row.published.architecture or panel.published.architecture or "",
        row.published.method or panel.published.method or row.label,
        attack,
        f"mean_{metric}" if row.mean_of else metric,
    )
