"""Possible gradient masking: signs that an accuracy looks better than the network is (Athalye et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.analysis import signs
from benchmark.analysis.signs import Sign
from benchmark.statistics.holm import holm

if TYPE_CHECKING:
    from benchmark.ledger.evaluation import Evaluation, Outcome

#: The probability that any flag at all is raised by mistake on a network at the edge of what is allowed: p values are
#: corrected for their number by Holm's method first.
LEVEL = 0.01

#: What stands in the place of a rank that strong signs cost.
MASKED = "masked?"

CHECKS: tuple[Callable[[Evaluation, Sequence[Outcome]], Iterator[Sign]], ...] = (
    signs.one_step_beats_many,
    signs.blind_beats_gradients,
    signs.unbounded_misses,
    signs.no_gradients,
    signs.dead_gradients,
    signs.not_uphill,
    signs.more_steps_break_less,
    signs.random_output,
    signs.said_by_autoattack,
)


@dataclass(frozen=True)
class Flag:
    """A sign of masking that is more than chance.

    Attributes:
        name: what was found, in few words.
        evidence: the numbers that show it, of all attacks and norms in which it was found.
        is_strong: whether it costs the network its rank; a weak one is only shown.
    """

    name: str
    evidence: str
    is_strong: bool = True

    @property
    def strength(self) -> str:
        """In a word."""
        return "strong" if self.is_strong else "weak"


def masking_flags(evaluation: Evaluation) -> list[Flag]:
    """All flags of the evaluation, each with its evidence; none where images were crafted on another network."""
    if evaluation.crafted_on is not None:
        return []
    outcomes = [outcome for outcome in evaluation.outcomes if outcome.complete]
    found = [sign for check in CHECKS for sign in check(evaluation, outcomes)]
    corrected = iter(holm([sign.p for sign in found if sign.p is not None]))
    shown = [sign for sign in found if sign.p is None or next(corrected) <= LEVEL]
    kinds: dict[tuple[str, bool], list[str]] = {}
    for sign in shown:
        kinds.setdefault((sign.name, sign.is_strong), []).append(sign.evidence)
    return [Flag(name, "; ".join(evidence), is_strong) for (name, is_strong), evidence in kinds.items()]


def is_masked(flags: Sequence[Flag]) -> bool:
    """Whether one of the flags is strong: the network then has no rank."""
    return any(flag.is_strong for flag in flags)


def unchecked(evaluation: Evaluation) -> str | None:
    """Why attacks can't be compared with each other here; None if they can."""
    if evaluation.mode == "complete" or evaluation.crafted_on is not None:
        return None
    outcomes = [outcome for outcome in evaluation.outcomes if outcome.complete]
    for norm in evaluation.norms:
        own = [outcome for outcome in outcomes if outcome.norm == norm]
        if len(own) > 1 and signs.shown_to_all(evaluation, own) is None:
            return (
                "gradient masking could not be checked: these worst-case results are from an older version, in which "
                "no images were shown to all attacks; evaluate again"
            )
    return None
