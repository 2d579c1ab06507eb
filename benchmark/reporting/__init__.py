"""From the ledger to what people read: a page, CSV files, a table in the terminal."""

from __future__ import annotations

from benchmark.moved import look_up
from benchmark.reporting.compare import compare
from benchmark.reporting.leaderboards import Leaderboard, leaderboards
from benchmark.reporting.pairs import PairedTests
from benchmark.reporting.report import report
from benchmark.reporting.rows import attack_rows, attacks_frame, leaderboard_frame, leaderboard_rows
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
    "attack_rows",
    "attacks_frame",
    "compare",
    "leaderboard_frame",
    "leaderboard_rows",
    "leaderboards",
    "print_card",
    "print_leaderboards",
    "print_matrices",
    "print_paired_tests",
    "print_rows",
    "report",
]


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
