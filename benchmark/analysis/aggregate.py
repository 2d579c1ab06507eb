"""Accuracies of one evaluation. All are fractions; None where an attack that they depend on did not run to its end.

A threat is a norm with its radius: "linf", or of a norm with several "linf 4/255", see `Evaluation.threats`. Ravg and
Rworst are over the threats that the suite names, `Evaluation.union`.

rworst ≤ the accuracy under each of these threats ≤ that of every attack under it ≤ clean accuracy
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmark.analysis.distances import is_reached
from benchmark.radii import NORMS

if TYPE_CHECKING:
    from benchmark.ledger.evaluation import Evaluation, Outcome


def clean_accuracy(evaluation: Evaluation) -> float:
    """Share of the images that are classified correctly without any attack."""
    return _share(~evaluation.clean_errors)


def attack_accuracy(evaluation: Evaluation, label: str) -> float | None:
    """Share of the images that the attack called `label` did not break.

    In worst-case mode it is *conditional*: the share of what earlier attacks under its threat left standing that it
    did not break either. None if nothing was left for it, or if it failed.
    """
    outcome = evaluation.outcome(label)
    if not outcome.complete:
        return None
    if evaluation.mode == "complete":
        return _share(~outcome.broken)
    tried = left_standing(evaluation, label)
    return _share(~outcome.broken[tried]) if tried.any() else None


def left_standing(evaluation: Evaluation, label: str) -> NDArray[np.bool_]:
    """N flags: what the attack called `label` was there to break.

    In complete mode all that is classified correctly; in worst-case mode what no earlier attack under its threat
    broke. What it does to a `common` image that was broken already says nothing here.
    """
    outcome = evaluation.outcome(label)
    tried = outcome.evaluated & ~evaluation.clean_errors
    if evaluation.mode == "complete":
        return tried
    place = [other.label for other in evaluation.outcomes].index(label)
    threat = (outcome.norm, outcome.epsilon)
    earlier = [other for other in evaluation.outcomes[:place] if (other.norm, other.epsilon) == threat]
    return tried & ~union(earlier) if earlier else tried


def is_conditional(evaluation: Evaluation, label: str) -> bool:
    """Whether the attack called `label` saw only what others had left standing."""
    return not bool(evaluation.outcome(label).evaluated.all())


def robust(evaluation: Evaluation, threat: str | None = None) -> NDArray[np.bool_] | None:
    """N flags: classified correctly, and without a known adversarial under `threat` (None: under any that counts).

    Under a threat in a norm every adversarial within its radius counts, also one found by an attack that was allowed
    another radius; so a larger radius never has the higher accuracy.

    None where there is no such threat, or an attack under it did not run to its end: what that would have broken is
    not known.
    """
    if threat is not None and threat not in evaluation.threats:
        return None
    names = evaluation.union if threat is None else (threat,)
    flags = [_robust_to(evaluation, *evaluation.threats[name]) for name in names]
    known = [each for each in flags if each is not None]
    return np.logical_and.reduce(known) if flags and len(known) == len(flags) else None


def norm_accuracy(evaluation: Evaluation, threat: str) -> float | None:
    """Share of the images that are robust to all attacks under `threat` together, example by example."""
    flags = robust(evaluation, threat)
    return None if flags is None else _share(flags)


def r_avg(evaluation: Evaluation) -> float | None:
    """Mean of the accuracies under the threats that count (Ravg of the MAT paper)."""
    accuracies = [norm_accuracy(evaluation, threat) for threat in evaluation.union]
    known = [accuracy for accuracy in accuracies if accuracy is not None]
    return float(np.mean(known)) if accuracies and len(known) == len(accuracies) else None


def r_worst(evaluation: Evaluation) -> float | None:
    """Share of the images that are robust under all threats that count (Rworst of the MAT paper)."""
    flags = robust(evaluation)
    return None if flags is None else _share(flags)


def union(outcomes: Iterable[Outcome]) -> NDArray[np.bool_]:
    """N flags: broken by at least one of the `outcomes`."""
    return np.logical_or.reduce([outcome.broken for outcome in outcomes])


def broken_within(outcome: Outcome, norm: str, epsilon: float) -> NDArray[np.bool_] | None:
    """N flags: the attack found an adversarial of `norm` within the radius `epsilon`, its own or another.

    None for a threat that says nothing of what it did: in another norm, or another strength of a change without a
    ball, whose ε is no distance: a milder one does not lie within a stronger one.
    """
    if outcome.norm != norm or (outcome.epsilon != epsilon and norm not in NORMS):
        return None
    own = outcome.broken if outcome.epsilon == epsilon else np.zeros_like(outcome.broken)
    return own | is_reached(outcome, epsilon) if norm in NORMS else own


def _robust_to(evaluation: Evaluation, norm: str, epsilon: float) -> NDArray[np.bool_] | None:
    if not all(each.complete for each in evaluation.outcomes if (each.norm, each.epsilon) == (norm, epsilon)):
        return None
    broken = [evaluation.clean_errors]
    broken += [flags for each in evaluation.outcomes if (flags := broken_within(each, norm, epsilon)) is not None]
    return ~np.logical_or.reduce(broken)


def _share(flags: NDArray[np.bool_]) -> float:
    return float(np.mean(flags))
