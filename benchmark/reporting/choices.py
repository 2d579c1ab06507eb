"""What a reader of the page may choose to see: any column, and those of single attacks besides."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.reporting.column import Output
from benchmark.reporting.columns import columns
from benchmark.reporting.leaderboards import Leaderboard


@dataclass(frozen=True)
class Choice:
    """One box to tick.

    Attributes:
        label: what is beside it.
        name: of the column in data files, or of the attack; links to a view of the page name it.
        place: of the column in the table, counted from 1; None for an attack, whose column the page's script makes.
        attack: of the attack in the suite, counted from 0.
        norm: the norm that the column is about, "" for none.
        is_overall: whether attacks of all norms count in it.
        is_shown: at first.
    """

    label: str
    name: str
    place: int | None = None
    attack: int | None = None
    norm: str = ""
    is_overall: bool = False
    is_shown: bool = False


def choices(board: Leaderboard) -> dict[str, list[Choice]]:
    """The boxes by group, in the page's order, the attacks of each norm after all others."""
    found: dict[str, list[Choice]] = {}
    for place, column in enumerate(columns(board, Output.PAGE), start=1):
        if column.group:
            choice = Choice(column.label, column.name, place, None, column.norm, column.is_overall, column.is_shown)
            found.setdefault(column.group, []).append(choice)
    for number, outcome in enumerate(board.evaluations[0].outcomes):
        choice = Choice(outcome.label, outcome.label, attack=number, norm=outcome.norm)
        found.setdefault(f"{outcome.norm} attacks", []).append(choice)
    return found
