"""What a paper says its numbers show, checked against ours by paired tests on the same images.

What it argues and what should hold whatever it argues are two families: in each the p values are corrected for how
many there are (Holm 1979), so that the paper's claims are not made harder by sanity checks, nor look better by them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from benchmark.moved import look_up
from benchmark.papers.cells import Scores, TableCell
from benchmark.papers.claim_tests import LEVEL, estimate
from benchmark.papers.grid import TableGrid
from benchmark.papers.schema import Claim, Family
from benchmark.statistics.holm import holm

#: "unclear" where so many images, or seeds, can't tell.
Answer = Literal["yes", "no", "unclear", "not measured"]

#: How the families are called.
FAMILIES: dict[Family, str] = {"paper": "claims of the paper", "sanity": "sanity checks"}


@dataclass(frozen=True)
class ClaimVerdict:
    """A claim and what became of it in one panel.

    Attributes:
        claim, grid: what was said, and where it was looked up; no grid where the table is not measured at all.
        answer: whether it holds.
        difference: left − right in percentage points.
        low, high: its 95% interval.
        p: probability of what was seen if the claim, or its opposite, did not hold.
        p_corrected: p, corrected for the number of tests in the claim's family; it decides.
        is_masked: whether strong signs of gradient masking speak against one of its two numbers.
        seeds: of how many trainings each side is, at least. With one it is about these checkpoints, not about the
            methods.
        advice: with several, whether more seeds or more images would narrow the interval more.
    """

    claim: Claim
    grid: TableGrid | None
    answer: Answer
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_corrected: float | None = None
    is_masked: bool = False
    seeds: int = 1
    advice: str = ""

    def __str__(self) -> str:
        if self.difference is None or self.p_corrected is None:
            return self.answer
        doubt = ", possible gradient masking" if self.is_masked else ""
        return f"{self.answer}, {self.difference:+.1f} ({self.interval}), p {self.p_words}{doubt}"

    @property
    def interval(self) -> str:
        """The 95% interval of the difference by its ends, as everywhere; "" where nothing was tested."""
        return "" if self.low is None or self.high is None else f"{self.low:+.1f} to {self.high:+.1f}"

    @property
    def p_words(self) -> str:
        """The corrected p as people write it; "" where nothing was tested."""
        return "" if self.p_corrected is None else p_in_words(self.p_corrected)


def p_in_words(p: float) -> str:
    """ "0.034"; small ones as "< 0.0001": how small says nothing of how large a difference is, and none is 0."""
    return f"{p:.2g}" if p >= 0.0001 else "< 0.0001"


def tally_words(tally: Mapping[Family, Mapping[Answer, int]]) -> list[str]:
    """A line per family: "claims of the paper: 3 yes, 1 unclear"."""
    return [
        f"{FAMILIES[family]}: {', '.join(f'{count} {answer}' for answer, count in answers.items())}"
        for family, answers in tally.items()
    ]


def target_words(seeds: int) -> str:
    """What verdicts on so many seeds are about, as sentences."""
    if seeds > 1:
        return f"The results are about the methods: {seeds} training seeds of each, compared over seeds and images."
    return (
        "The results are about these checkpoints, one training seed of each method: another seed may give another "
        "result. Several seeds compare the methods."
    )


def check_claims(claims: Iterable[Claim], grids: dict[str, list[TableGrid]]) -> list[ClaimVerdict]:
    """A verdict for every claim in every panel where it can be looked up, corrected within each family.

    Args:
        claims: of a paper.
        grids: by table or figure, its measured panels.
    """
    return corrected([verdict for claim in claims for verdict in _check(claim, grids.get(claim.exhibit, []))])


def corrected(verdicts: Sequence[ClaimVerdict]) -> list[ClaimVerdict]:
    """The same with p corrected for the number of tests in each family, and the answers that this leaves."""
    found = [*verdicts]
    for family in FAMILIES:
        tested = [(n, each.p) for n, each in enumerate(found) if each.claim.family == family and each.p is not None]
        for (n, _), p in zip(tested, holm([p for _, p in tested]), strict=True):
            found[n] = replace(found[n], p_corrected=float(p), answer=_answer(found[n], float(p)))
    return found


def tallies(verdicts: Iterable[ClaimVerdict]) -> dict[Family, dict[Answer, int]]:
    """How often each answer was given, by family; what was never given is left out."""
    counts = Counter((verdict.claim.family, verdict.answer) for verdict in verdicts)
    found = {
        family: {answer: counts[family, answer] for answer in get_args(Answer) if counts[family, answer]}
        for family in FAMILIES
    }
    return {family: answers for family, answers in found.items() if answers}


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
            verdict = judge(claim, grid, _by_seed(left), _by_seed(right), bool(left.trainings & right.trainings))
            yield replace(verdict, is_masked=left.is_masked or right.is_masked)
    if not found:
        yield ClaimVerdict(claim, None, "not measured")


def judge(claim: Claim, grid: TableGrid | None, left: Scores, right: Scores, is_paired: bool = False) -> ClaimVerdict:
    """Whether `left` stands to `right` as the claim says, were it the only one; arguments as those of `estimate`."""
    found = estimate(left, right, is_paired)
    p = found.margin_p(claim.margin) if claim.relation == "close" else found.p
    seeds = min(len(side) if side.ndim > 1 else 1 for side in (left, right))
    verdict = ClaimVerdict(
        claim, grid, "unclear", found.value, found.low, found.high, p, p, seeds=seeds, advice=found.advice
    )
    return replace(verdict, answer=_answer(verdict, p))


def _by_seed(cell: TableCell) -> Scores:
    assert cell.by_seed is not None
    return cell.by_seed


def _answer(verdict: ClaimVerdict, p: float) -> Answer:
    difference, claim = verdict.difference or 0.0, verdict.claim
    if p >= LEVEL or (claim.relation != "close" and difference == 0):
        return "unclear"
    if claim.relation == "close":
        return "yes" if abs(difference) < claim.margin else "no"
    return "yes" if (difference > 0) == (claim.relation == "above") else "no"


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
