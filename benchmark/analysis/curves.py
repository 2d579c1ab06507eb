"""Security curves: robust accuracy against ε, read from stored distances without any new attack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from benchmark.evaluation.outcomes import Evaluation


@dataclass(frozen=True)
class Curve:
    """Robust accuracy in one norm as a function of ε: a staircase that falls at each example's distance.

    Attributes:
        norm: the norm.
        distances: N values, sorted: how far each example's closest known adversarial is; 0 for clean errors,
            inf where none is known.
        epsilon: the radius that the suite attacked at. Beyond it only minimal attacks were searching, so
            the curve may be too high there; so it may in worst-case mode.
    """

    norm: str
    distances: NDArray[np.float64]
    epsilon: float

    def accuracy(self, epsilons: ArrayLike) -> NDArray[np.float64]:
        """Share of the examples without a known adversarial within each of the `epsilons`."""
        return 1 - np.searchsorted(self.distances, epsilons, side="right") / len(self.distances)

    def area(self, limit: float | None = None) -> float:
        """Mean accuracy over ε from 0 to `limit`, the suite's radius if left out."""
        limit = self.epsilon if limit is None else limit
        return float(np.minimum(self.distances, limit).mean() / limit)

    def steps(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The staircase's corners: each ε at which the accuracy falls, and the accuracy from there on."""
        falls = np.unique(self.distances[np.isfinite(self.distances)])
        return falls, self.accuracy(falls)


def security_curve(evaluation: Evaluation, norm: str) -> Curve | None:
    """The curve of one norm; None if there is no attack of it or one did not run to its end.

    At the suite's radius it agrees with `aggregate.norm_accuracy`.
    """
    outcomes = [outcome for outcome in evaluation.outcomes if outcome.norm == norm]
    if not outcomes or not all(outcome.complete for outcome in outcomes):
        return None
    # A float32 distance may exceed the radius by its rounding although the verdict, made in float64, was "within".
    reached = [
        np.minimum(outcome.distance.astype(float), np.where(outcome.broken, outcome.epsilon, np.inf))
        for outcome in outcomes
    ]
    closest = np.where(evaluation.clean_errors, 0.0, np.minimum.reduce(reached))
    return Curve(norm, np.sort(closest), max(outcome.epsilon for outcome in outcomes))
