"""What a column of a leaderboard is: once, for every output that shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Flag, auto
from typing import Any, Literal

from benchmark.reporting.entries import Entry, Row
from benchmark.reporting.kinds import TEXT, Kind
from benchmark.reporting.references import Reference

#: Under what a reader of the page chooses columns; "" for those that can't be hidden.
Group = Literal["", "Accuracy", "Network", "Cost"]


class Output(Flag):
    """What shows columns: the page of leaderboards, the summary on a network's own page, the terminal, tables of text
    (LaTeX and Markdown), and data files (CSV and parquet).
    """

    PAGE = auto()
    NETWORK = auto()
    TERMINAL = auto()
    TEXT = auto()
    DATA = auto()

    PAGES = PAGE | NETWORK
    TABLES = TERMINAL | TEXT
    ALL = PAGES | TABLES | DATA


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a leaderboard.

    Attributes:
        name: in data files.
        label: the heading; what follows a comma may stand below.
        about: what it says, shown where somebody points at the heading.
        value: of one network; None for what was not measured.
        kind: how values look.
        group: where a reader chooses columns.
        outputs: what shows it.
        is_shown: on the page, before a reader chooses.
        prominence: the highest comes first, in every output; columns of one prominence are in the order of the list.
        norm: the norm that it is about, "" for none.
        is_overall: whether attacks of all norms count in it, so that it has no place in a table of one norm.
        is_main: whether it stands out.
        published: what others publish of a network, in this column; None for nothing.
        term: what explains it in the glossary, "" for nothing.
        metric: of `analysis.paired.scores`, by which methods of several seeds have a mean here; "" for none.
        filtered: whether a reader of the page can filter by it: words by choosing one, numbers from and to.
    """

    name: str
    label: str
    about: str
    value: Callable[[Entry], Any]
    kind: Kind = TEXT
    group: Group = "Network"
    outputs: Output = Output.ALL
    is_shown: bool = True
    prominence: int = 0
    norm: str = ""
    is_overall: bool = False
    is_main: bool = False
    published: Callable[[Reference], Any] = lambda reference: None
    term: str = ""
    metric: str = ""
    filtered: bool = False

    def text(self, entry: Entry) -> str:
        """The network's value as text."""
        return self.kind.text(self.value(entry))

    def values(self, entry: Entry) -> Row:
        """The network's value, and the ends of its interval if it has one, by the names of columns of data files."""
        return self.kind.values(self.name, self.value(entry))
