"""Leaderboards as rows for programs: one per network, or one per network and attack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from benchmark.reporting.column import Output
from benchmark.reporting.columns import columns
from benchmark.reporting.entries import Row
from benchmark.reporting.leaderboards import Leaderboard

if TYPE_CHECKING:
    import pandas as pd


def leaderboard_rows(boards: Iterable[Leaderboard]) -> Iterator[Row]:
    """A row per network: the setting, accuracies as fractions with the ends of their 95% intervals, and all else.

    `rank` says which ranks a network may have, "1–3" or "masked?", and `rank_low` and `rank_high` are its ends.
    """
    for board in boards:
        shown = columns(board, Output.DATA)
        for entry in board.entries:
            row = board.setting()
            for column in shown:
                row |= column.values(entry)
            yield row


def attack_rows(boards: Iterable[Leaderboard]) -> Iterator[Row]:
    """A row per network and attack, with the digests of the ledger records behind it."""
    for board in boards:
        for entry in board.entries:
            network = {"model": entry.name, "checkpoint_digest": entry.card["digest"], "evaluation": entry.id}
            for attack in entry.attacks:
                yield board.setting() | network | attack | {"records": " ".join(attack["records"])}


def leaderboard_frame(boards: Iterable[Leaderboard]) -> pd.DataFrame:
    """`leaderboard_rows` with whole numbers for the ends of ranks."""
    import pandas as pd

    frame = pd.DataFrame(list(leaderboard_rows(boards)))
    return frame.astype({"rank_low": "Int64", "rank_high": "Int64"}) if len(frame) else frame


def attacks_frame(boards: Iterable[Leaderboard]) -> pd.DataFrame:
    """`attack_rows`."""
    import pandas as pd

    return pd.DataFrame(list(attack_rows(boards)))
