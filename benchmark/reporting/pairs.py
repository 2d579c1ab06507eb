"""Paired tests of networks on one leaderboard, and what they come to in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmark.analysis.methods import MethodComparison
from benchmark.analysis.paired import Comparison
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.statistics.seeds import MethodDifference
from benchmark.statistics.verdicts import Verdict


@dataclass(frozen=True)
class PairedTests:
    """All pairs of some networks on one leaderboard.

    Attributes:
        board: the networks compared, in the setting that all of them were evaluated in.
        pairs: the comparisons, each with the labels of its pair.
        methods: the comparisons of methods, where several seeds of some were named; pairs of their networks are then
            left out.
        more_seeds: by method, how many more of its seeds were evaluated in this setting than were named.
        tested: how many networks' pairs were tested together by each metric, so that all intervals hold at once:
            those compared, or all that were evaluated in this setting.
    """

    board: Leaderboard
    pairs: tuple[Pair, ...]
    tested: int
    methods: tuple[MethodPair, ...] = ()
    more_seeds: Mapping[str, int] = field(default_factory=dict)

    @property
    def about(self) -> list[str]:
        """What the comparisons are about, checkpoints or methods, in sentences."""
        told = []
        if self.methods:
            told.append("The comparisons of methods are over training seeds and images.")
        if self.pairs:
            one = "these two checkpoints" if len(self.board.entries) == 2 else "these checkpoints"
            told.append(f"The paired tests are about {one}, not about the methods: another training seed may differ.")
        for method, more in self.more_seeds.items():
            told.append(
                f"{more} more training seed{'s' if more > 1 else ''} of {method} {'were' if more > 1 else 'was'} "
                "evaluated here: name several of each method to compare the methods."
            )
        return told

    @property
    def family(self) -> str:
        """For which pairs intervals and p are corrected, in words."""
        if self.tested == len(self.board.entries):
            return "the pair" if self.tested == 2 else f"all pairs of the {self.tested} networks compared"
        return f"all pairs of the {self.tested} networks evaluated in this setting"


@dataclass(frozen=True)
class MethodPair:
    """One comparison of two methods, what they are called, and which may be masked with any of its seeds."""

    first: str
    second: str
    comparison: MethodComparison
    masked: tuple[bool, bool] = (False, False)

    @property
    def verdict(self) -> str:
        """What is known, in words, as of `Pair`."""
        found = self.comparison
        return _verdict(found.verdict, found.found, found.margin, (self.first, self.second), self.masked)


@dataclass(frozen=True)
class Pair:
    """One comparison of two networks, and who may be masked."""

    first: str
    second: str
    comparison: Comparison
    masked: tuple[bool, bool] = (False, False)

    @property
    def verdict(self) -> str:
        """What is known, in words, and whether there is strong evidence of gradient masking in the better one."""
        found = self.comparison
        return _verdict(found.verdict, found, found.margin, (self.first, self.second), self.masked)


def _verdict(
    known: Verdict,
    found: Comparison | MethodDifference,
    margin: float | None,
    names: tuple[str, str],
    masked: tuple[bool, bool],
) -> str:
    points = f"{100 * (margin or 0.0):g} point{'' if margin == 0.01 else 's'}"
    if known == "undetermined":
        return "undetermined"
    if known == "equivalent":
        return f"equivalent: less than {points} apart"
    best = 0 if known == "better" else 1
    told = f"{names[best]} is significantly better"
    if margin is not None and max(-found.low, found.high) < margin:
        told += f", by less than {points}"
    return f"{told}, but possible gradient masking" if masked[best] else told
