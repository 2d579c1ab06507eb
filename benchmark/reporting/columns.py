"""The columns of a leaderboard, and which of them a reader sees first."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.analysis.corruptions import CORRUPTION
from benchmark.reporting.tables import Board


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        label: its heading.
        group: what it is listed under where a reader chooses columns; "" for one that is always there.
        norm: the norm that it is about, "" for none.
        is_overall: whether attacks of all norms count in it.
        is_number: whether it holds numbers.
        is_best_low: whether its best value is the lowest.
        is_shown: at first.
    """

    label: str
    group: str
    norm: str = ""
    is_overall: bool = False
    is_number: bool = True
    is_best_low: bool = False
    is_shown: bool = True


def columns(board: Board) -> list[Column]:
    """Those that are in the page; `attack_columns` follow when a reader asks for them."""
    return [
        Column("Rank", "Accuracy", is_overall=True, is_best_low=True),
        Column("Network", "", is_number=False),
        Column("Rworst", "Accuracy", is_overall=True),
        Column("Ravg", "Accuracy", is_overall=True),
        *(Column(label, "Accuracy", board.columns.get(label, (CORRUPTION,))[0]) for label in board.norm_columns),
        Column("Clean", "Accuracy"),
        *(
            Column(label, "Accuracy", is_overall=name.startswith("r_"), is_shown=label in board.shown_balanced)
            for label, name in board.balanced_columns.items()
        ),
        Column("Method", "Network", is_number=False),
        Column("Architecture", "Network", is_number=False),
        Column("Forward", "Cost", is_overall=True, is_best_low=True, is_shown=False),
        Column("Backward", "Cost", is_overall=True, is_best_low=True, is_shown=False),
        Column("Time", "Cost", is_overall=True, is_best_low=True),
        Column("Date", "Cost", is_number=False, is_shown=False),
    ]


def attack_columns(board: Board) -> list[Column]:
    """A column for each attack, in the suite's order."""
    return [
        Column(outcome.label, f"{outcome.norm} attacks", outcome.norm, is_shown=False)
        for outcome in board.evaluations[0].outcomes
    ]


def choices(board: Board) -> list[tuple[str, list[tuple[int, Column]]]]:
    """What a reader may choose, by group: each column with its place in the table, counted from 1; attacks go on."""
    everything = enumerate([*columns(board), *attack_columns(board)], start=1)
    found: dict[str, list[tuple[int, Column]]] = {}
    for place, column in everything:
        if column.group:
            found.setdefault(column.group, []).append((place, column))
    return list(found.items())
