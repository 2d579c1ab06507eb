"""Whether a paper's own printed numbers say what its sentence says: arithmetic, no test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.papers.claim import Claim
from benchmark.papers.claim_parts import Part, Side, is_about, parts_of
from benchmark.papers.grid import TableGrid
from benchmark.reporting.text import signed

#: What printed numbers may be beside each other for no other reason than binary fractions.
_NOTHING = 1e-9


@dataclass(frozen=True)
class Contradiction:
    """A comparison that the paper's own table shows otherwise than its sentence says."""

    dataset: str
    architecture: str
    comparison: str
    difference: float

    def __str__(self) -> str:
        return f"{self.comparison}: {signed(self.difference, 2)} ({self.dataset}, {self.architecture})"


@dataclass(frozen=True)
class PrintedNumbers:
    """What the printed numbers say of a sentence.

    Attributes:
        comparisons: how many of its comparisons are printed.
        contradictions: those that are not as it says.
    """

    comparisons: int
    contradictions: tuple[Contradiction, ...]

    def __str__(self) -> str:
        if not self.comparisons:
            return ""
        if not self.contradictions:
            return "the printed numbers agree"
        count = f"{len(self.contradictions)} of {self.comparisons} printed comparisons"
        return f"the paper’s own numbers contradict it in {count}: {'; '.join(map(str, self.contradictions))}"


def printed_numbers(claim: Claim, printed: Mapping[str, Sequence[TableGrid]]) -> PrintedNumbers:
    """What a paper prints about `claim`.

    Args:
        claim: what is said.
        printed: by table or figure, its panels with the printed numbers.
    """
    count, contradictions = 0, []
    for grid in printed.get(claim.exhibit, ()):
        for part in (parts_of(claim, grid, printed) or ()) if is_about(claim, grid) else ():
            found = _difference(part)
            if found is None:
                continue
            count += 1
            slack = part.amount - abs(found) if part.kind == "within" else found - part.amount
            # An order is strict; "at least" and "at most" hold at their end.
            is_so = slack > _NOTHING if part.kind == "above" and part.amount == 0 else slack >= -_NOTHING
            if not is_so:
                panel = grid.panel
                contradictions.append(Contradiction(panel.dataset, panel.architecture, part.text, found))
    return PrintedNumbers(count, tuple(contradictions))


def _difference(part: Part) -> float | None:
    """Left − right as printed, in points; None where a number is not, or where it takes single images."""
    if part.kind in ("only", "apart"):
        return None
    left, right = _percent(part.left), _percent(part.right)
    if left is None or right is None:
        return part.printed_gain
    return left - right


def _percent(side: Side) -> float | None:
    known = [(weight, cell.printed.percent) for weight, cell in side if cell.printed]
    return sum(weight * percent for weight, percent in known) if len(known) == len(side) else None
