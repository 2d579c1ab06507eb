"""What only all networks of a leaderboard together can tell about a pair, for a reader who compares networks."""

from __future__ import annotations

import json

import numpy as np

from benchmark.analysis.paired import stated_margin
from benchmark.reporting.leaderboards import Leaderboard


def pair_tests_file(board: Leaderboard) -> str:
    """The place of a leaderboard's file within the site."""
    return f"per-image/{board.anchor}.js"


def pair_tests_script(board: Leaderboard) -> str:
    """One assignment: the networks' keys, the margin, and of each metric the critical score and corrected p.

    p are those of all pairs, row by row of the upper triangle; `null` is a network without a value. The rest of a
    pair's test the page computes from the two networks' own files: written down for all pairs it would be megabytes.
    """
    families = board.families
    found = {
        "networks": [entry.id[:16] for entry in board.entries],
        "margin": stated_margin(board.evaluations),
        "critical": {metric: found and round(found.pairs.critical, 6) for metric, found in families.items()},
        "corrected": {metric: _triangle(board, metric) for metric in families},
    }
    return f"pairTests[{json.dumps(board.anchor)}] = {json.dumps(found, separators=(',', ':'))};\n"


def _triangle(board: Leaderboard, metric: str) -> list[float | None]:
    count, found = len(board.entries), board.families[metric]
    whole = np.full((count, count), np.nan)
    if found is not None:
        whole[np.ix_(found.places, found.places)] = found.pairs.corrected
    values = whole[np.triu_indices(count, k=1)]
    return [None if value != value else 1 if value == 1 else round(float(value), 6) for value in values]
