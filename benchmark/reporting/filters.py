"""What a reader of the leaderboards may filter by: settings, and every column that says that it is for that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.reporting.column import Output
from benchmark.reporting.columns import columns
from benchmark.reporting.leaderboards import Leaderboard

#: Of more words than these a list is no help; the search finds them.
MOST_WORDS = 60
#: Columns that are filtered so often that their lists are always in sight.
IN_SIGHT = ("method", "architecture")
#: What controls of ranges are called, before the column's name.
_RANGE = "in."


@dataclass(frozen=True)
class Filter:
    """One list to choose from, or two fields for the ends of a range of numbers.

    Attributes:
        name: of the form's control.
        label: what is beside it.
        column: the name of the column; "" for a setting.
        words: what may be chosen; none for a range.
    """

    name: str
    label: str
    column: str = ""
    words: tuple[str, ...] = ()

    @property
    def is_range(self) -> bool:
        """Whether it is for numbers."""
        return not self.words

    @property
    def is_in_sight(self) -> bool:
        """Whether it is shown at once; the others unfold."""
        return not self.column or self.column in IN_SIGHT


def filters(boards: Sequence[Leaderboard]) -> list[Filter]:
    """Those that tell some networks from others: nobody chooses from lists of one."""
    settings = {
        "dataset": [board.dataset for board in boards],
        "suite": [board.suite for board in boards],
        "norm": [norm for board in boards for norm in board.norms],
    }
    found = [Filter(name, name.capitalize(), "", _words(values)) for name, values in settings.items()]
    for column in {column.name: column for board in boards for column in columns(board, Output.PAGE)}.values():
        if not column.filtered:
            continue
        values = [column.value(entry) for board in boards for entry in board.entries]
        name = column.name if column.name in IN_SIGHT else f"is.{column.name}"
        if column.kind.is_number and len(set(values) - {None}) > 1:
            found.append(Filter(f"{_RANGE}{column.name}", column.label, column.name))
        elif not column.kind.is_number:
            found.append(Filter(name, column.label, column.name, _words(values)))
    return [each for each in found if each.name.startswith(_RANGE) or 1 < len(each.words) <= MOST_WORDS]


def _words(values: Iterable[Any]) -> tuple[str, ...]:
    """Those that are there, sorted; and where some networks lack one, a dash for these."""
    values = list(values)
    found = sorted({str(value) for value in values if value})
    return ("–", *found) if found and not all(values) else tuple(found)
