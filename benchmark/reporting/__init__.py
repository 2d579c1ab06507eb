"""From the ledger to what people read: a page, CSV files, a table in the terminal."""

from __future__ import annotations

from benchmark.reporting.compare import PairedTests, compare
from benchmark.reporting.frames import attacks_frame, leaderboard_frame, leaderboard_rows
from benchmark.reporting.leaderboards import Leaderboard, leaderboards
from benchmark.reporting.report import ledger_leaderboards, report
from benchmark.reporting.terminal import (
    print_card,
    print_leaderboards,
    print_matrices,
    print_paired_tests,
    print_rows,
)

__all__ = [
    "Leaderboard",
    "PairedTests",
    "attacks_frame",
    "compare",
    "leaderboard_frame",
    "leaderboard_rows",
    "leaderboards",
    "ledger_leaderboards",
    "print_card",
    "print_leaderboards",
    "print_matrices",
    "print_paired_tests",
    "print_rows",
    "report",
]
