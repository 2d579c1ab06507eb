"""Where networks stand: of each the ranks that it may have, all together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from benchmark.analysis.paired import check_comparable, family, once_each
from benchmark.statistics.rank_sets import rank_sets

if TYPE_CHECKING:
    from benchmark.ledger.evaluation import Evaluation


class RankSet(NamedTuple):
    """The lowest and the highest rank that a network may have; 1 is the best."""

    low: int
    high: int

    def __str__(self) -> str:
        """ "1–3", or "4" where only one is possible."""
        return str(self.low) if self.low == self.high else f"{self.low}–{self.high}"


def ranks(evaluations: Sequence[Evaluation], metric: str, left_out: Sequence[bool] = ()) -> list[RankSet | None]:
    """The rank set of each network, None for one without a value. With 95% certainty all of them are right.

    A network's true rank is one more than the number of networks that are truly better, on all the images that those
    shown are a sample of; one that is there under several names counts once, and has the same ranks under each.
    All pairs are tested together: see `statistics.all_pairs` and `statistics.rank_sets`.

    Args:
        evaluations: of the same images under the same suite.
        metric: "clean", "rworst", "ravg" or a threat.
        left_out: which of the networks take no part: they have no rank, and nobody is better or worse than they are.

    Raises:
        BadInput: they can't be compared.
    """
    absent = left_out or [False] * len(evaluations)
    taking_part = [evaluation for evaluation, is_absent in zip(evaluations, absent, strict=True) if not is_absent]
    check_comparable(taking_part)
    same = once_each(taking_part, metric)
    counted = sorted(set(same))
    known = family([taking_part[place] for place in counted], metric) if counted else None
    if known is None:
        return [None] * len(evaluations)
    standing = {
        counted[place]: RankSet(*ends)
        for place, ends in zip(known.places, rank_sets(known.pairs.better), strict=True)
    }
    shown = iter(same)
    return [None if is_absent else standing.get(next(shown)) for is_absent in absent]
