"""Whether a sentence holds: its comparisons tested one by one, and what they say together.

A sentence is true if *all* its comparisons are. That all are is shown at a level by showing each at that level, with
no correction (the intersection-union test: Berger 1982, Technometrics 24:295); so its p is the largest. That one is
*not* contradicts it; there the smallest p counts, times the number of comparisons (Bonferroni). "Rises, then falls"
is two slopes of which both have to be shown (Sasabuchi 1980, Biometrika 67:429; Lind and Mehlum 2010, Oxford Bulletin
of Economics and Statistics 72:109), "close" two one-sided tests (Schuirmann 1987).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmark.papers.cells import Scores
from benchmark.papers.claim_parts import Part, Side
from benchmark.papers.claim_tests import estimate

#: "undetermined" where so many images, or seeds, can't tell; "not measured" where a number is missing.
Answer = Literal["supported", "contradicted", "undetermined", "not measured"]


@dataclass(frozen=True)
class PartResult:
    """One comparison, tested.

    Attributes:
        text: which.
        difference: of its sides in percentage points.
        low, high: its 95% interval.
        p_for, p_against: two-sided p of what was seen, on the side that the sentence says, or on the other; 1 there
            where it was not seen.
        slack: by how many points it is as the sentence says; negative where it is not.
        seeds: of how many trainings each side is, at least.
        advice: with several, whether more seeds or more images would narrow the interval more.
    """

    text: str
    difference: float
    low: float
    high: float
    p_for: float
    p_against: float
    slack: float
    seeds: int = 1
    advice: str = ""


def try_part(part: Part) -> PartResult | None:
    """What the images say of one comparison; None where a side is not measured, or on other images than the other."""
    left, right = _apart(part) if part.kind == "apart" else (_scores(part.left), _scores(part.right))
    if left is None or right is None or left.shape[-1] != right.shape[-1]:
        return None
    trainings = [frozenset().union(*(cell.trainings for _, cell in side)) for side in (part.left, part.right)]
    return compare(part, left, right, part.kind == "apart" or bool(trainings[0] & trainings[1]))


def compare(part: Part, left: Scores, right: Scores, is_paired: bool = False) -> PartResult:
    """The same of given sides; arguments as those of `estimate`."""
    if part.kind == "only":
        seeds = min(len(left), len(right))
        left = left[:seeds] * (1 - right[:seeds])
        right, is_paired = np.zeros_like(left), True
    found = estimate(left, right, is_paired)
    if part.kind == "within":
        slack = part.amount - abs(found.value)
        ends = [-part.amount, part.amount] if slack > 0 else [part.amount if found.value > 0 else -part.amount]
    else:
        slack, ends = found.value - part.amount, [part.amount]
    p = max(found.p_at(end) for end in ends)
    sides = (p, 1.0) if slack > 0 else (1.0, p) if slack < 0 else (1.0, 1.0)
    seeds = min(len(left), len(right))
    return PartResult(part.text, found.value, found.low, found.high, *sides, slack, seeds, found.advice)


@dataclass(frozen=True)
class Joint:
    """What all comparisons of a sentence say together.

    Attributes:
        p: of what was seen, were it not so; None where nothing was measured.
        leaning: the answer if p is below the level.
        decisive: the comparison that p is of.
    """

    p: float | None
    leaning: Answer
    decisive: PartResult | None


def together(results: Sequence[PartResult | None]) -> Joint:
    """The joint test of a sentence's comparisons, None for those that are not measured: they can only contradict."""
    known = [each for each in results if each is not None]
    if not known:
        return Joint(None, "not measured", None)
    weakest = max(known, key=lambda each: (each.p_for, -each.slack))
    worst = min(known, key=lambda each: (each.p_against, each.slack))
    p_for = weakest.p_for if len(known) == len(results) else 1.0
    p_against = min(1.0, len(known) * worst.p_against)
    if p_against < p_for:
        return Joint(p_against, "contradicted", worst)
    return Joint(p_for, "supported" if p_for < 1 else "undetermined", weakest)


def _apart(part: Part) -> tuple[Scores | None, Scores | None]:
    """S×N: 1 where the two sides, a cell each, predict different classes, beside as many zeros; None if not known."""
    ((_, one),), ((_, other),) = part.left, part.right
    if one.predicted is None or other.predicted is None or one.predicted.shape[-1] != other.predicted.shape[-1]:
        return None, None
    seeds = min(len(one.predicted), len(other.predicted))
    found = (one.predicted[:seeds] != other.predicted[:seeds]).astype(float)
    return found, np.zeros_like(found)


def _scores(side: Side) -> Scores | None:
    """S×N: one cell as it is by seed, of several the weighted mean; over the seeds where they differ in number."""
    cells = [(weight, cell.by_seed) for weight, cell in side]
    known = [(weight, seeds) for weight, seeds in cells if seeds is not None]
    if len(known) < len(cells) or len({seeds.shape[-1] for _, seeds in known}) > 1:
        return None
    if len({len(seeds) for _, seeds in known}) > 1:
        known = [(weight, seeds.mean(0, keepdims=True)) for weight, seeds in known]
    return np.sum([weight * seeds for weight, seeds in known], axis=0)
