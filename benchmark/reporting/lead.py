"""In a sentence: which network of a leaderboard has the highest Rworst, and whether it is known to be better."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.analysis.paired import Family, family, once_each
from benchmark.reporting.entries import Entry
from benchmark.reporting.leaderboards import Leaderboard

#: So many networks are named; more are counted.
NAMED = 3


def lead(board: Leaderboard) -> str:
    """The first of the ranked networks against the others, all pairs tested together as for the ranks.

    "" where fewer than two networks have a rank; one under several names is one network.
    """
    ranked = [entry for entry in board.entries if entry.rank.ranks is not None]
    same = once_each([entry.evaluation for entry in ranked], "rworst")
    ranked = [ranked[place] for place in sorted(set(same))]
    if len(ranked) < 2:
        return ""
    tests = _family(board, ranked)
    first = ranked[0]
    beaten = {other.name for place, other in enumerate(ranked) if place and tests.pairs.better[0, place]}
    level = [
        f"{other.name} (corrected p {tests.pairs.corrected[0, place]:.2g})"
        for place, other in enumerate(ranked)
        if place and other.name not in beaten
    ]
    told, count = f"Highest Rworst: {first.name}. It is", len(beaten)
    if not level:
        return f"{told} significantly better than {'all others' if count > 1 else ranked[1].name}."
    named = " or ".join(level) if len(level) <= NAMED else f"{len(level)} others, such as {level[0]}"
    if not beaten:
        return f"{told} not significantly better than {named}."
    return f"{told} significantly better than {count} network{'s' * (count > 1)}, but not than {named}."


def _family(board: Leaderboard, ranked: Sequence[Entry]) -> Family:
    """The tests that the ranks rest on: those of the leaderboard, unless some of its networks are not ranked."""
    known = board.families["rworst"]
    if known is None or len(known.places) != len(ranked):
        known = family([entry.evaluation for entry in ranked], "rworst")
    assert known is not None
    return known
