"""From the ledger to what people read: a page, CSV files, a table in the terminal."""

from __future__ import annotations

from benchmark.reporting.compare import Contest, compare
from benchmark.reporting.report import ledger_boards, report
from benchmark.reporting.tables import Board, attacks_frame, boards, leaderboard_frame
from benchmark.reporting.terminal import print_boards, print_card, print_contests, print_matrices, print_rows

__all__ = [
    "Board",
    "Contest",
    "attacks_frame",
    "boards",
    "compare",
    "leaderboard_frame",
    "ledger_boards",
    "print_boards",
    "print_card",
    "print_contests",
    "print_matrices",
    "print_rows",
    "report",
]
