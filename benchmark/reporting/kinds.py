"""How a column's values look: as text, in data files, and which macro of `templates/cells.html` draws them in a page.

In all of them None is what was not measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmark.reporting.entries import Accuracy, Rank, Row, accuracy_values
from benchmark.reporting.text import MISSING, count, distance, duration, percent


def _text(value: Any) -> str:
    return MISSING if value is None else str(value)


def _unchanged(name: str, value: Any) -> Row:
    return {name: value}


@dataclass(frozen=True)
class Kind:
    """How the values of some columns look.

    Attributes:
        macro: what draws a cell of a page; see `templates/cells.html`.
        text: a value in a terminal, in LaTeX and in Markdown.
        values: the name of the column and a value, as the columns of a data file that they fill.
        is_number: whether it is aligned to the right, and sorted as a number.
        is_best_low: whether the best value is the lowest.
    """

    macro: str
    text: Callable[[Any], str] = _text
    values: Callable[[str, Any], Row] = _unchanged
    is_number: bool = True
    is_best_low: bool = False


def _measured(words: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: MISSING if value is None else words(value)


def _share(accuracy: Accuracy) -> str:
    return percent(accuracy.value)


def _interval(accuracy: Accuracy) -> str:
    return f"{percent(accuracy.low)}–{percent(accuracy.high)}"


def _rank(name: str, rank: Rank) -> Row:
    low, high = rank.ranks or (None, None)
    return {name: None if str(rank) == MISSING else str(rank), f"{name}_low": low, f"{name}_high": high}


#: A `Rank`: in data files in words, and its ends.
RANK = Kind("rank", values=_rank, is_best_low=True)
#: The network's name, which leads to its page.
NAME = Kind("name", is_number=False)
#: Words.
TEXT = Kind("text", is_number=False)
#: The source of a method, with a link to arXiv where it names a number there.
PAPER = Kind("paper", is_number=False)
#: A year.
YEAR = Kind("number")
#: A point of time, ISO 8601; pages show the day.
DATE = Kind("date", is_number=False)
#: An `Accuracy`: in data files with the ends of its interval, in pages with the interval as words and as a bar.
ACCURACY = Kind("accuracy", _measured(_share), accuracy_values)
#: The interval of an `Accuracy`.
INTERVAL = Kind("text", _measured(_interval))
#: A fraction, in percent.
SHARE = Kind("number", percent)
#: How many.
COUNT = Kind("number", _measured(count), is_best_low=True)
#: Seconds.
DURATION = Kind("number", _measured(duration), is_best_low=True)
#: A norm of a perturbation; "∞" where there is none.
DISTANCE = Kind("number", distance)
#: Any other number.
NUMBER = Kind("number", _measured(lambda value: f"{value:.4g}"))
