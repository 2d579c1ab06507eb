"""What a paper says its numbers show, checked against ours by paired tests on the same images.

What it says and what should hold whatever it says are two families: in each the p values are corrected for how many
sentences there are (Holm 1979), so that the paper's claims are not made harder by our own checks, nor look better by
them. `claim_judging` has the test of one sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from benchmark.moved import look_up
from benchmark.papers.cells import TableCell
from benchmark.papers.claim import Claim, Family
from benchmark.papers.claim_judging import Answer, PartResult, together, try_part
from benchmark.papers.claim_parts import Part, is_about, parts_of
from benchmark.papers.claim_tests import LEVEL
from benchmark.papers.grid import TableGrid
from benchmark.papers.schema import Paper
from benchmark.reporting.text import signed
from benchmark.statistics.holm import holm

#: How the families are called.
FAMILIES: dict[Family, str] = {"paper": "claims of the paper", "sanity": "our own checks"}


@dataclass(frozen=True)
class ClaimVerdict:
    """A claim and what became of it in one panel.

    Attributes:
        claim, grid: what was said, and where it was looked up; no grid where that is nowhere measured.
        answer: whether it holds.
        parts: its comparisons; None for those that are not measured.
        decisive: the comparison that p is of: the weakest of a sentence that holds, the clearest against one that
            does not.
        leaning: the answer if p is significant.
        p: probability of what was seen if the claim, or its opposite, did not hold.
        p_corrected: p, corrected for the number of sentences in the claim's family; it decides.
        is_masked: whether strong signs of gradient masking speak against one of its numbers.
    """

    claim: Claim
    grid: TableGrid | None
    answer: Answer = "not measured"
    parts: tuple[PartResult | None, ...] = ()
    decisive: PartResult | None = None
    leaning: Answer = "not measured"
    p: float | None = None
    p_corrected: float | None = None
    is_masked: bool = False

    def __str__(self) -> str:
        if self.decisive is None or self.p_corrected is None:
            return self.answer
        doubt = ", possible gradient masking" if self.is_masked else ""
        of_all = f"{self.tally}; {self.decisive.text}: " if len(self.parts) > 1 else ""
        return f"{self.answer}, {of_all}{signed(self.decisive.difference)} ({self.interval}), p {self.p_words}{doubt}"

    @property
    def where(self) -> str:
        """On which data, with which architecture; "" where it is nowhere measured."""
        return f"{self.grid.panel.dataset}, {self.grid.panel.architecture}" if self.grid else ""

    @property
    def difference(self) -> float | None:
        """Of the decisive comparison, in percentage points."""
        return self.decisive.difference if self.decisive else None

    @property
    def low(self) -> float | None:
        """The lower end of its 95% interval."""
        return self.decisive.low if self.decisive else None

    @property
    def high(self) -> float | None:
        """The upper end of its 95% interval."""
        return self.decisive.high if self.decisive else None

    @property
    def seeds(self) -> int:
        """Of how many trainings each side is, at least. With one it is about checkpoints, not about the methods."""
        return min((part.seeds for part in self.parts if part), default=1)

    @property
    def advice(self) -> str:
        """With several seeds, whether more of them or more images would narrow the interval more."""
        return self.decisive.advice if self.decisive else ""

    @property
    def tally(self) -> str:
        """ "35 of 36 comparisons as claimed", whether significant or not; of none nothing but that."""
        known = [part for part in self.parts if part]
        missing = len(self.parts) - len(known)
        if not known:
            return "none of its comparisons is measured"
        so = sum(part.slack > 0 for part in known)
        return f"{so} of {len(known)} comparisons as claimed{f', {missing} not measured' if missing else ''}"

    @property
    def interval(self) -> str:
        """The 95% interval of the difference by its ends, as everywhere; "" where nothing was tested."""
        return "" if self.low is None or self.high is None else f"{signed(self.low)} to {signed(self.high)}"

    @property
    def p_words(self) -> str:
        """The corrected p as people write it; "" where nothing was tested."""
        return "" if self.p_corrected is None else p_in_words(self.p_corrected)


def p_in_words(p: float) -> str:
    """ "0.034"; small ones as "< 0.0001": how small says nothing of how large a difference is, and none is 0."""
    return f"{p:.2g}" if p >= 0.0001 else "< 0.0001"


def tally_words(tally: Mapping[Family, Mapping[Answer, int]]) -> list[str]:
    """A line per family: "claims of the paper: 3 supported, 1 undetermined"."""
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


def check_claims(claims: Iterable[Claim], grids: Mapping[str, Sequence[TableGrid]]) -> list[ClaimVerdict]:
    """A verdict for every claim in every panel where it can be looked up, corrected within each family.

    Args:
        claims: of a paper.
        grids: by table or figure, its measured panels.
    """
    return corrected([verdict for claim in claims for verdict in _check(claim, grids)])


def is_asked(claim: Claim, paper: Paper, keys: Collection[str], only: Collection[str] = ()) -> bool:
    """Whether `claim` is about one of the tables `keys`, and about one of the rows `only` there, if any are named."""
    about = [exhibit for exhibit in (claim.exhibit, claim.right_exhibit) if exhibit in keys]
    if not about or not only:
        return bool(about)
    rows = {label for kind, label, exhibit in claim.named() if kind == "row" and exhibit in about}
    if claim.series:
        rows |= {row.label for row in paper.exhibits[claim.exhibit].rows if row.series == claim.series}
    return bool(rows & {*only})


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


def _check(claim: Claim, grids: Mapping[str, Sequence[TableGrid]]) -> Iterator[ClaimVerdict]:
    found = False
    for grid in grids.get(claim.exhibit, ()):
        parts = parts_of(claim, grid, grids) if is_about(claim, grid) else None
        if parts:
            found = True
            yield _verdict(claim, grid, _measurable(claim, parts))
    if not found:
        yield ClaimVerdict(claim, None)


def _measurable(claim: Claim, parts: list[Part]) -> list[Part]:
    """Without those against networks that the paper only prints, where a sentence is about all others."""
    if claim.relation != "best":
        return parts
    return [part for part in parts if not any(cell.is_elsewhere for cell in _cells(part))]


def _verdict(claim: Claim, grid: TableGrid, parts: Sequence[Part]) -> ClaimVerdict:
    results = [try_part(part) for part in parts]
    is_masked = any(
        cell.is_masked for part, result in zip(parts, results, strict=True) if result for cell in _cells(part)
    )
    return replace(judged(claim, grid, results), is_masked=is_masked)


def judged(claim: Claim, grid: TableGrid | None, results: Sequence[PartResult | None]) -> ClaimVerdict:
    """The verdict that tested comparisons lead to, were `claim` the only one."""
    joint = together(results)
    verdict = ClaimVerdict(
        claim,
        grid,
        parts=tuple(results),
        decisive=joint.decisive,
        leaning=joint.leaning,
        p=joint.p,
        p_corrected=joint.p,
    )
    return verdict if joint.p is None else replace(verdict, answer=_answer(verdict, joint.p))


def _cells(part: Part) -> Iterator[TableCell]:
    for side in (part.left, part.right):
        yield from (cell for _, cell in side)


def _answer(verdict: ClaimVerdict, p: float) -> Answer:
    if p < LEVEL:
        return verdict.leaning
    return "not measured" if None in verdict.parts else "undetermined"


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
