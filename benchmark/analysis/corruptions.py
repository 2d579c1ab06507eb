"""Accuracy under common corruptions, as the field reports it: a mean, where a union over all of them says little.

Hendrycks & Dietterich 2019 (arXiv:1903.12261) for CIFAR-10-C, and RobustBench's leaderboard of corruptions (Croce et
al. 2021): the plain mean over corruptions and severities. One thing differs, and lowers it: an image that the network
misclassifies uncorrupted counts as wrong under every corruption, since no attack is tried on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmark.analysis.aggregate import attack_accuracy

if TYPE_CHECKING:
    from benchmark.ledger.evaluation import Evaluation, Outcome

#: The threat of these attacks; its ε is a severity.
CORRUPTION = "corruption"


@dataclass(frozen=True)
class Corruption:
    """One corruption at its severities.

    Attributes:
        name: e.g. "fog".
        accuracies: severity and accuracy, a fraction, of each attack; None where it is not known.
    """

    name: str
    accuracies: tuple[tuple[float, float | None], ...]

    @property
    def mean(self) -> float | None:
        """Over the severities; None unless all are known."""
        return _mean([accuracy for _, accuracy in self.accuracies])

    def at(self, severity: float) -> float | None:
        """The accuracy at this severity; None if it is not known or was not tried."""
        return _mean([accuracy for own, accuracy in self.accuracies if own == severity])


def corruptions(evaluation: Evaluation) -> list[Corruption]:
    """Each corruption of the suite, in its order; none if the suite has no attack of this threat.

    In worst-case mode an attack sees only what those before it left standing, so that no accuracy is known.
    """
    found: dict[str, list[tuple[float, float | None]]] = {}
    for outcome in evaluation.outcomes:
        if outcome.norm == CORRUPTION:
            accuracy = attack_accuracy(evaluation, outcome.label) if evaluation.mode == "complete" else None
            found.setdefault(_name(outcome), []).append((outcome.epsilon, accuracy))
    return [Corruption(name, tuple(accuracies)) for name, accuracies in found.items()]


def corruption_mean(evaluation: Evaluation) -> float | None:
    """Mean over the corruptions of each one's mean accuracy over its severities, a fraction.

    None where there is no corruption, where one of them did not run to its end, and in worst-case mode.
    """
    return _mean([corruption.mean for corruption in corruptions(evaluation)])


def corruption_scores(evaluation: Evaluation) -> NDArray[np.float64] | None:
    """What each image adds to `corruption_mean`: N shares whose mean it is; None where that is not known."""
    if corruption_mean(evaluation) is None:
        return None
    found: dict[str, list[NDArray[np.bool_]]] = {}
    for outcome in evaluation.outcomes:
        if outcome.norm == CORRUPTION:
            found.setdefault(_name(outcome), []).append(~outcome.broken)
    return np.mean([np.mean(flags, axis=0) for flags in found.values()], axis=0)


def _name(outcome: Outcome) -> str:
    return str(outcome.definition["attack"].get("corruption", outcome.label))


def _mean(accuracies: Sequence[float | None]) -> float | None:
    known = [accuracy for accuracy in accuracies if accuracy is not None]
    return float(np.mean(known)) if known and len(known) == len(accuracies) else None
