"""Signs that gradients are masked, so that an accuracy looks better than the network is (Athalye et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import bdtr

from benchmark.analysis.aggregate import union

if TYPE_CHECKING:
    from benchmark.evaluation.outcomes import Evaluation, Outcome

ONE_STEP = frozenset({"fgsm"})
#: Its loss is flat by design where it has succeeded, so zero gradients say nothing.
FLAT_BY_DESIGN = frozenset({"cw"})

LEVEL = 0.01
DEAD_GRADIENTS = 0.2
UNREACHED = 0.01


@dataclass(frozen=True)
class Flag:
    """One sign of masking.

    Attributes:
        name: what was found, in few words.
        evidence: the numbers that show it.
    """

    name: str
    evidence: str


def masking_flags(evaluation: Evaluation) -> list[Flag]:
    """All signs found in the evaluation; for an honest network there are none.

    Differences between attacks count only if they are significant on the same images, so that one lucky
    image raises no alarm.
    """
    outcomes = [outcome for outcome in evaluation.outcomes if outcome.complete]
    checks: tuple[Callable[[Evaluation, Sequence[Outcome]], Iterator[Flag]], ...] = (
        _one_step_beats_iterative,
        _blind_beats_gradients,
        _unbounded_does_not_reach_all,
        _dead_gradients,
        _more_steps_break_less,
        _random_output,
        _said_by_the_attacks,
    )
    return [flag for check in checks for flag in check(evaluation, outcomes)]


def _one_step_beats_iterative(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> Iterator[Flag]:
    for one in outcomes:
        rivals = [other for other in _peers(one, outcomes) if _is_iterative(other)]
        if _name(one) in ONE_STEP and rivals and _breaks_more([one], rivals):
            yield Flag("one step beats many", _numbers(one, rivals))


def _blind_beats_gradients(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> Iterator[Flag]:
    for one in outcomes:
        rivals = [other for other in _peers(one, outcomes) if not _is_blind(other)]
        if _is_blind(one) and rivals and _breaks_more([one], rivals):
            yield Flag("an attack without gradients beats those with", _numbers(one, rivals))


def _unbounded_does_not_reach_all(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> Iterator[Flag]:
    for norm in evaluation.norms:
        minimal = [
            outcome
            for outcome in outcomes
            if outcome.norm == norm and outcome.kind == "minimal" and not _is_blind(outcome)
        ]
        if not minimal:
            continue
        tried = np.logical_and.reduce([outcome.evaluated for outcome in minimal]) & ~evaluation.clean_errors
        unreached = tried & np.isinf(np.minimum.reduce([outcome.distance for outcome in minimal]))
        if tried.any() and unreached.sum() > UNREACHED * tried.sum():
            labels = ", ".join(outcome.label for outcome in minimal)
            evidence = f"{labels} found nothing at any distance for {unreached.sum()} of {tried.sum()} images"
            yield Flag("unbounded attacks do not reach 0%", evidence)


def _dead_gradients(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> Iterator[Flag]:
    for outcome in outcomes:
        if _is_blind(outcome) or _name(outcome) in FLAT_BY_DESIGN or not outcome.costs.get("attacked"):
            continue
        backwards, dead = outcome.costs["backwards"], outcome.costs["dead_gradients"]
        if not backwards:
            yield Flag("no gradients", f"{outcome.label} follows gradients, but none reached the images")
        elif dead > DEAD_GRADIENTS * backwards:
            evidence = f"{outcome.label}: {dead / backwards:.0%} of {backwards} gradients were zero or not finite"
            yield Flag("dead gradients", evidence)


def _more_steps_break_less(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> Iterator[Flag]:
    for few in outcomes:
        for many in _peers(few, outcomes):
            if _same_but_for_steps(few, many) and _breaks_more([few], [many]):
                yield Flag("more steps break less", _numbers(few, [many]))


def _random_output(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> Iterator[Flag]:
    if evaluation.unstable:
        evidence = f"{evaluation.unstable} images were classified differently when the network was asked again"
        yield Flag("random output", evidence)


def _said_by_the_attacks(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> Iterator[Flag]:
    for outcome in outcomes:
        for warning in outcome.warnings:
            yield Flag("warning of an attack", f"{outcome.label}: {warning}")


def _name(outcome: Outcome) -> str:
    return str(outcome.definition.get("attack", {}).get("name", ""))


def _steps(outcome: Outcome) -> int:
    return int(outcome.definition.get("attack", {}).get("steps", 0))


def _is_blind(outcome: Outcome) -> bool:
    """Whether the attack never asks for gradients: as its suite says, or in older ledgers, which don't, as it did."""
    return bool(outcome.definition.get("gradient_free", not outcome.costs.get("backwards")))


def _is_iterative(outcome: Outcome) -> bool:
    return not _is_blind(outcome) and _steps(outcome) > 1


def _peers(one: Outcome, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The other outcomes under the same threat."""
    return [
        other for other in outcomes if other is not one and (other.norm, other.epsilon) == (one.norm, one.epsilon)
    ]


def _same_but_for_steps(few: Outcome, many: Outcome) -> bool:
    one, other = (dict(outcome.definition.get("attack", {})) for outcome in (few, many))
    fewer, more = one.pop("steps", 0), other.pop("steps", 0)
    return bool(one) and one == other and fewer < more


def _breaks_more(ones: Sequence[Outcome], others: Sequence[Outcome]) -> bool:
    """Whether `ones` together break significantly more than `others` together, of what both were tried on.

    One-sided exact McNemar test.
    """
    tried = np.logical_and.reduce([outcome.evaluated for outcome in (*ones, *others)])
    mine, theirs = union(ones) & tried, union(others) & tried
    gained, lost = int((mine & ~theirs).sum()), int((theirs & ~mine).sum())
    return gained > lost and float(bdtr(lost, gained + lost, 0.5)) < LEVEL


def _numbers(one: Outcome, rivals: Sequence[Outcome]) -> str:
    tried = np.logical_and.reduce([outcome.evaluated for outcome in (one, *rivals)])
    labels = ", ".join(outcome.label for outcome in rivals)
    broken = int((union(rivals) & tried).sum())
    return f"{one.label} broke {(one.broken & tried).sum()} of {tried.sum()} images, {labels} together {broken}"
