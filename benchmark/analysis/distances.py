"""How far away an image's closest known adversarial is, and of which images an attack looked for the closest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from benchmark.ledger.evaluation import Evaluation, Outcome


def reached(outcome: Outcome) -> NDArray[np.float64]:
    """N distances of the closest adversarial that this attack found; inf where it found none.

    They agree with the verdicts: within the attack's ε exactly where the image counts as broken. A float32 distance
    may lie on the other side by its rounding, the verdict was made in float64.
    """
    found = outcome.distance.astype(float)
    beyond = np.nextafter(outcome.epsilon, np.inf)
    return np.where(outcome.broken, np.minimum(found, outcome.epsilon), np.maximum(found, beyond))


def is_reached(outcome: Outcome, epsilon: float) -> NDArray[np.bool_]:
    """N flags: whether this attack found an adversarial within `epsilon`: where `reached` is, but quicker."""
    if epsilon == outcome.epsilon:
        return outcome.broken
    # In float64, as said: before its version 2 NumPy rounds ε to float32 to compare it with an array of these.
    within = np.less_equal(outcome.distance, epsilon, signature="dd->?")
    return outcome.broken & within if epsilon < outcome.epsilon else outcome.broken | within


def searched(evaluation: Evaluation, outcome: Outcome) -> NDArray[np.bool_]:
    """N flags: of this image the attack looked for the closest adversarial, as long as it goes on looking.

    Never for an attack with a fixed budget, which may take the farthest that the ball allows, for one that looks for
    what is close in another norm, for one that did not run to its end, and for one that was run on another
    network. In worst-case mode an attack that is given what others left standing is done with an image at the
    first success within ε; the restarts that were left could have come closer.
    """
    looks_elsewhere = outcome.definition.get("measure") not in (None, outcome.norm)
    if outcome.kind != "minimum-norm" or looks_elsewhere or not outcome.complete or evaluation.crafted_on is not None:
        return np.zeros_like(outcome.evaluated)
    threat = outcome.norm, outcome.epsilon
    before = evaluation.outcomes[: [other.label for other in evaluation.outcomes].index(outcome.label)]
    # The common images may be all that others broke: then it was shown everything, and still stopped early.
    had_others = any(
        (other.broken & ~evaluation.clean_errors).any() for other in before if (other.norm, other.epsilon) == threat
    )
    is_given_the_rest = evaluation.mode != "complete" and (had_others or not outcome.evaluated.all())
    is_done_early = is_given_the_rest and outcome.definition.get("restarts", 1) > 1
    return outcome.evaluated & ~outcome.broken if is_done_early else outcome.evaluated


def median_distance(evaluation: Evaluation, outcome: Outcome) -> float | None:
    """How far the closest adversarial is for the median image, of those that are classified correctly without attack.

    Infinite where the attack found none for half of them or more. None for an attack that did not look for the
    closest adversarial of each of these images, see `searched`; and if there are no such images.
    """
    correct = ~evaluation.clean_errors
    if not correct.any() or not searched(evaluation, outcome)[correct].all():
        return None
    return float(np.median(outcome.distance[correct]))
