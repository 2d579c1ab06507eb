"""Accuracies of one evaluation. All are fractions; None where an attack that they depend on did not run to its end.

rworst ≤ every norm's accuracy ≤ every attack's of that norm ≤ clean accuracy
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from benchmark.evaluation.outcomes import Evaluation, Outcome


def clean_accuracy(evaluation: Evaluation) -> float:
    """Share of the images that are classified correctly without any attack."""
    return _share(~evaluation.clean_errors)


def attack_accuracy(evaluation: Evaluation, label: str) -> float | None:
    """Share of the images that the attack called `label` did not break.

    In worst-case mode an attack sees only what earlier ones of its norm left standing; its accuracy is then
    *conditional*: the share of those that it did not break either. None if nothing was left for it, or if it failed.
    """
    outcome = evaluation.outcome(label)
    if not outcome.complete:
        return None
    if evaluation.mode == "full":
        return _share(~outcome.broken)
    tried = outcome.evaluated & ~evaluation.clean_errors
    return _share(~outcome.broken[tried]) if tried.any() else None


def is_conditional(evaluation: Evaluation, label: str) -> bool:
    """Whether the attack called `label` saw only what others had left standing."""
    return not bool(evaluation.outcome(label).evaluated.all())


def robust(evaluation: Evaluation, norm: str | None = None) -> NDArray[np.bool_] | None:
    """N flags: classified correctly, and broken by no attack of `norm` (None: of any norm).

    None where one of these attacks did not run to its end: what it would have broken is not known.
    """
    outcomes = [outcome for outcome in evaluation.outcomes if norm in (None, outcome.norm)]
    if not outcomes or not all(outcome.complete for outcome in outcomes):
        return None
    return ~(evaluation.clean_errors | union(outcomes))


def norm_accuracy(evaluation: Evaluation, norm: str) -> float | None:
    """Share of the images that are robust to all attacks of `norm` together, example by example."""
    flags = robust(evaluation, norm)
    return None if flags is None else _share(flags)


def r_avg(evaluation: Evaluation) -> float | None:
    """Mean of the norms' accuracies (Ravg of the MAT paper)."""
    accuracies = [norm_accuracy(evaluation, norm) for norm in evaluation.norms]
    known = [accuracy for accuracy in accuracies if accuracy is not None]
    return float(np.mean(known)) if accuracies and len(known) == len(accuracies) else None


def r_worst(evaluation: Evaluation) -> float | None:
    """Share of the images that are robust to all attacks of all norms (Rworst of the MAT paper)."""
    flags = robust(evaluation)
    return None if flags is None else _share(flags)


def union(outcomes: Iterable[Outcome]) -> NDArray[np.bool_]:
    """N flags: broken by at least one of the `outcomes`."""
    return np.logical_or.reduce([outcome.broken for outcome in outcomes])


def _share(flags: NDArray[np.bool_]) -> float:
    return float(np.mean(flags))
