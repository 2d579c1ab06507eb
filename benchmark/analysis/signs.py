"""What should not happen where gradients lead attacks to what breaks a network, check by check (Athalye et al. 2018).

Attacks are compared on images that all of them were shown, whatever came of earlier ones; images that the network
misclassifies unattacked count nowhere. docs/masking.md says what each sign means, and how often honest networks show
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc

from benchmark.analysis.aggregate import union

if TYPE_CHECKING:
    from benchmark.ledger.evaluation import Evaluation, Outcome

#: By what share of the images one attack has to be ahead of others before it counts: less may be luck or tuning.
MARGIN = 0.02
#: The share of images whose gradient may be dead (by so much an accuracy may be too high), whose gradient may not
#: lead uphill, that unbounded attacks may miss, and that may be answered otherwise when asked again, on an honest
#: network: well above what was ever seen on one.
DEAD, FLAT, UNREACHED, UNSTABLE = 0.05, 0.1, 0.01, 0.01
#: So many steps an attack needs before its failure says anything.
SERIOUS = 10
#: An unbounded attack that can't go so many radii far is a bounded one.
FAR = 5.0
#: Norms in which gradient attacks are known to be weaker than others on honest networks, too.
SPARSE = frozenset({"l1", "l0"})
ONE_STEP = frozenset({"fgsm"})


@dataclass(frozen=True)
class Sign:
    """What a check found.

    Attributes:
        name: in few words.
        is_strong: whether it costs the network its rank.
        evidence: the numbers that show it.
        p: how probable numbers at least so bad are on an honest network at the edge of what is allowed; None where
            the check is no test.
    """

    name: str
    is_strong: bool
    evidence: str
    p: float | None = None


def one_step_beats_many(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> Iterator[Sign]:
    """A single step breaks more than many steps that go at least as far."""
    for one in outcomes:
        rivals = [other for other in _peers(one, outcomes) if not is_blind(other) and _steps(other) > 1]
        rivals = [other for other in rivals if _crosses(other)]
        if _name(one) in ONE_STEP and rivals:
            yield from _stronger("one-step attack beats iterative attacks", evaluation, one, rivals)


def blind_beats_gradients(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> Iterator[Sign]:
    """An attack that never asks for a gradient breaks more than all those together that do."""
    for one in outcomes:
        rivals = [other for other in _peers(one, outcomes) if not is_blind(other)]
        if is_blind(one) and any(_is_serious(other) for other in rivals):
            name = "gradient-free attack beats gradient-based attacks"
            yield from _stronger(name, evaluation, one, rivals, is_strong=one.norm not in SPARSE)


def more_steps_break_less(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> Iterator[Sign]:
    """The same attack with more steps breaks fewer images; where only the last step counts it may have moved on."""
    for few in outcomes:
        for many in _peers(few, outcomes):
            if _same_but_for_steps(few, many):
                yield from _stronger("more steps have fewer successes", evaluation, few, [many], is_strong=False)


def unbounded_misses(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> Iterator[Sign]:
    """Attacks with gradients and without a radius find nothing for some images, at any distance."""
    for norm in evaluation.norms:
        minimal = [
            outcome
            for outcome in outcomes
            if outcome.norm == norm
            and outcome.kind == "minimum-norm"
            and not is_blind(outcome)
            and _is_serious(outcome)
        ]
        tried = shown_to_all(evaluation, minimal) if minimal else None
        if tried is None or not tried.any():
            continue
        missed = int((tried & np.isinf(np.minimum.reduce([outcome.distance for outcome in minimal]))).sum())
        evidence = (
            f"{_labels(minimal)} found no adversarial example at any distance for {missed} of {tried.sum()} images"
        )
        yield Sign(
            "unbounded attacks do not reach 0%", True, evidence, _at_least(missed, int(tried.sum()), UNREACHED)
        )


def no_gradients(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> Iterator[Sign]:
    """Attacks that follow gradients got none at all."""
    for outcome in outcomes:
        seen = outcome.probe is not None and outcome.probe.dead < outcome.probe.images
        if outcome.costs.get("attacked") and not is_blind(outcome) and not outcome.costs["backwards"] and not seen:
            evidence = f"{outcome.label} is gradient-based, but received no gradients"
            yield Sign("no gradients", True, evidence)


def dead_gradients(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> Iterator[Sign]:
    """Of too many images the gradient is zero or not finite: at the image, beside it, or in the course of attacks."""
    for outcome in _one_of_each_threat(outcomes):
        probe = outcome.probe
        if probe is not None:
            evidence = (
                f"{outcome.norm}: the gradients of {probe.dead} of {probe.images} images are zero or not finite"
            )
            yield Sign("zero or non-finite gradients", True, evidence, _at_least(probe.dead, probe.images, DEAD))
    for outcome in outcomes:
        most, attacked = _gradients_per_image(outcome), outcome.costs.get("attacked", 0)
        # Where it saw only what others had left, its gradients are no sample of the network's.
        if most and attacked and outcome.costs["backwards"] and outcome.evaluated.all():
            dead, backwards = outcome.costs["dead_gradients"], outcome.costs["backwards"]
            # An image whose gradient is dead stays to the end and gets all gradients that one can get; others leave.
            images = int(dead / max(most, backwards / attacked))
            evidence = f"{outcome.label}: {dead / backwards:.0%} of {backwards} gradients were zero or not finite"
            yield Sign("zero or non-finite gradients", True, evidence, _at_least(images, attacked, DEAD))


def not_uphill(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> Iterator[Sign]:
    """A small step along the gradient raises the loss no more than one in a random direction."""
    for outcome in _one_of_each_threat(outcomes):
        probe = outcome.probe
        alive = 0 if probe is None else probe.images - probe.dead
        if probe is not None and alive:
            evidence = (
                f"{outcome.norm}: a step along the gradient increases the loss more than random steps on "
                f"{probe.uphill} of {alive} images"
            )
            flat = alive - probe.uphill
            yield Sign("gradients do not increase the loss", True, evidence, _at_least(flat, alive, FLAT))


def random_output(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> Iterator[Sign]:
    """Images were classified differently when the network was asked again; one of a hundred may be rounding."""
    if evaluation.unstable:
        whom = f"{evaluation.unstable} images, or their adversarial examples,"
        evidence = f"{whom} were classified differently in a repeated forward pass"
        is_strong = evaluation.unstable > UNSTABLE * len(evaluation.clean_errors)
        yield Sign("non-deterministic predictions", is_strong, evidence)


def said_by_autoattack(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> Iterator[Sign]:
    """AutoAttack's own checks warned: of zero gradients somewhere, of Square that found more, of probabilities."""
    for outcome in outcomes:
        for warning in outcome.warnings:
            if warning.startswith("AutoAttack: "):
                yield Sign("warning of an attack", False, f"{outcome.label}: {warning}")


def shown_to_all(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> NDArray[np.bool_] | None:
    """N flags: correctly classified images that all of `outcomes` were tried on, whatever the others did to them.

    None where there are no such images, as in older ledgers of worst-case mode.
    """
    seen = np.logical_and.reduce([outcome.evaluated for outcome in outcomes])
    if evaluation.mode != "complete":
        if not seen[evaluation.common].all():
            return None
        seen = seen & evaluation.common
    return seen & ~evaluation.clean_errors


def is_blind(outcome: Outcome) -> bool:
    """Whether the attack never asks for gradients: as its suite says, or, of libraries' attacks and in ledgers that
    don't say, as it did.
    """
    says = outcome.definition.get("gradient_free")
    if says is None or (not says and outcome.definition.get("source", "own") != "own"):
        return not outcome.costs.get("backwards")
    return bool(says)


def _stronger(
    name: str, evaluation: Evaluation, one: Outcome, rivals: Sequence[Outcome], is_strong: bool = True
) -> Iterator[Sign]:
    """The sign that `one` breaks more than `rivals` together: by a one-sided exact McNemar test and the margin."""
    tried = shown_to_all(evaluation, [one, *rivals])
    if tried is None or not tried.any():
        return
    mine, theirs = one.broken & tried, union(rivals) & tried
    gained, lost = int((mine & ~theirs).sum()), int((theirs & ~mine).sum())
    is_ahead = gained > lost and gained - lost >= MARGIN * tried.sum()
    evidence = (
        f"{one.label} succeeded on {mine.sum()} of {tried.sum()} images, {_labels(rivals)} together on {theirs.sum()}"
    )
    yield Sign(name, is_strong, evidence, float(bdtr(lost, gained + lost, 0.5)) if is_ahead else 1.0)


def _at_least(count: int, total: int, share: float) -> float:
    """How probable `count` or more of `total` are, if each has the probability `share`."""
    return float(bdtrc(count - 1, total, share)) if count else 1.0


def _name(outcome: Outcome) -> str:
    return str(outcome.definition.get("attack", {}).get("name", ""))


def _number(outcome: Outcome, name: str, default: float) -> float:
    value = outcome.definition.get("attack", {}).get(name)
    return float(value) if isinstance(value, int | float) else default


def _steps(outcome: Outcome) -> int:
    return int(_number(outcome, "steps", 0))


def _crosses(outcome: Outcome) -> bool:
    """Whether its steps together are as long as the ball's radius; steps that adapt their length are."""
    length = _number(outcome, "step_size", np.nan) / outcome.epsilon
    if np.isnan(length):
        length = _number(outcome, "relative_step_size", 1.0)
    return _steps(outcome) * length >= 1


def _is_serious(outcome: Outcome) -> bool:
    """Whether it has steps enough, and goes far enough, for its failure to say something."""
    steps = _number(outcome, "steps", SERIOUS)
    if _name(outcome) in ONE_STEP or steps < SERIOUS:
        return False
    if _name(outcome) == "ddn":
        radius, growth = _number(outcome, "initial_radius", 1.0), 1 + _number(outcome, "gamma", 0.05)
        return bool(radius * growth**steps >= FAR * outcome.epsilon)
    return outcome.kind == "minimum-norm" or _steps(outcome) == 0 or _crosses(outcome)


def _gradients_per_image(outcome: Outcome) -> float:
    """How many gradients one image can get at most; 0 where that is not known, or where zeros are no bad sign."""
    if is_blind(outcome) or outcome.is_flat_by_design or outcome.definition.get("source", "own") != "own":
        return 0.0
    steps = 1.0 if _name(outcome) in ONE_STEP else _number(outcome, "steps", 0)
    return steps * max(1.0, _number(outcome, "candidates", 2) - 1) * float(outcome.definition.get("restarts", 1))


def _peers(one: Outcome, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The other outcomes under the same threat."""
    return [
        other for other in outcomes if other is not one and (other.norm, other.epsilon) == (one.norm, one.epsilon)
    ]


def _one_of_each_threat(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The first outcome under each threat that knows of its gradients."""
    found: dict[tuple[str, float], Outcome] = {}
    for outcome in outcomes:
        if outcome.probe is not None:
            found.setdefault((outcome.norm, outcome.epsilon), outcome)
    return list(found.values())


def _same_but_for_steps(few: Outcome, many: Outcome) -> bool:
    one, other = (dict(outcome.definition.get("attack", {})) for outcome in (few, many))
    fewer, more = one.pop("steps", 0), other.pop("steps", 0)
    return bool(one) and one == other and fewer < more


def _labels(outcomes: Sequence[Outcome]) -> str:
    return ", ".join(outcome.label for outcome in outcomes)
