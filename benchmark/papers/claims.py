"""What a paper says its numbers show, checked against ours by paired tests on the same images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from benchmark.analysis.paired import bootstrap, mcnemar
from benchmark.moved import look_up
from benchmark.papers.cells import Scores
from benchmark.papers.grid import TableGrid
from benchmark.papers.schema import Claim

#: Significance level of the tests of claims.
LEVEL = 0.05

#: "unclear" where so many images can't tell.
Answer = Literal["yes", "no", "unclear", "not measured"]


@dataclass(frozen=True)
class ClaimVerdict:
    """A claim and what became of it in one panel.

    Attributes:
        claim, grid: what was said, and where it was looked up; no grid where the table is not measured at all.
        answer: whether it holds.
        difference, half_width: left − right in percentage points, and half of its 95% interval.
        p: probability of such a difference if there is none.
        is_masked: whether strong signs of gradient masking speak against one of its two numbers.
    """

    claim: Claim
    grid: TableGrid | None
    answer: Answer
    difference: float | None = None
    half_width: float | None = None
    p: float | None = None
    is_masked: bool = False

    def __str__(self) -> str:
        if self.difference is None:
            return self.answer
        doubt = ", possible gradient masking" if self.is_masked else ""
        return f"{self.answer}, {self.difference:+.1f} ± {self.half_width:.1f}{doubt}"


def check_claims(claims: Iterable[Claim], grids: dict[str, list[TableGrid]]) -> list[ClaimVerdict]:
    """A verdict for every claim in every panel where it can be looked up.

    Args:
        claims: of a paper.
        grids: by table or figure, its measured panels.
    """
    return [verdict for claim in claims for verdict in _check(claim, grids.get(claim.exhibit, []))]


def _check(claim: Claim, grids: list[TableGrid]) -> Iterator[ClaimVerdict]:
    found = False
    for grid in grids:
        left, right = (grid.cell(*end) for end in claim.ends)
        if left is None or right is None:
            continue
        found = True
        if left.scores is None or right.scores is None:
            yield ClaimVerdict(claim, grid, "not measured")
        else:
            verdict = judge(claim, grid, left.scores, right.scores)
            yield replace(verdict, is_masked=left.is_masked or right.is_masked)
    if not found:
        yield ClaimVerdict(claim, None, "not measured")


def judge(claim: Claim, grid: TableGrid | None, left: Scores, right: Scores) -> ClaimVerdict:
    """Whether `left` stands to `right` as the claim says. Both have N shares in [0, 1] for the same N images.

    The test is McNemar's where the shares are flags, else a paired bootstrap.
    """
    difference = 100 * float(np.mean(left - right))
    resampled = bootstrap(np.stack([left, right]))
    differences = 100 * (resampled[0] - resampled[1])
    low, high = np.quantile(differences, [LEVEL / 2, 1 - LEVEL / 2])
    half_width = float(high - low) / 2
    if np.isin([left, right], (0.0, 1.0)).all():
        p = float(mcnemar((left > right).sum(), (left < right).sum()))
    else:
        p = min(1.0, 2 * float(min((differences <= 0).mean(), (differences >= 0).mean())))
    return ClaimVerdict(claim, grid, _answer(claim, difference, half_width, p), difference, half_width, p)


def _answer(claim: Claim, difference: float, half_width: float, p: float) -> Answer:
    if claim.relation == "close":
        if abs(difference) + half_width <= claim.margin:
            return "yes"
        return "no" if abs(difference) - half_width > claim.margin else "unclear"
    if p >= LEVEL or difference == 0:
        return "unclear"
    return "yes" if (difference > 0) == (claim.relation == "above") else "no"


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
