"""Security curves: robust accuracy against ε, read from stored distances without any new attack.

A curve is *measured* where it says what attacks of its norm would say at any ε: where attacks that minimise the
distance looked at every image that is classified correctly and found something, however far away, and where at the
radii that other attacks were run at they break what those break, but for a hundredth of the images. Elsewhere it is
an *upper bound*: an adversarial that an attack with a fixed budget found lies anywhere within that budget, usually at
its end, and of what it did not break nothing is known beyond it. The share of images without a known adversarial
within ε may then be much too high.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.analysis.distances import reached, searched
from benchmark.radii import NORMS

if TYPE_CHECKING:
    from benchmark.ledger.evaluation import Evaluation, Outcome

#: The share of the images that attacks that minimise the distance may miss at a radius where others break them.
MISSED = 0.01


@dataclass(frozen=True)
class Curve:
    """Robust accuracy in one norm as a function of ε: a staircase that falls at each example's distance.

    Attributes:
        norm: the norm.
        distances: N values, sorted: how far each example's closest known adversarial is; 0 for clean errors,
            inf where none is known.
        radii: the radii that the suite attacked at, by size.
        accuracies: the suite's accuracies at these radii, fractions. The curve lies on them, or below where distances
            were borrowed and these attacks broke more.
        searched_by: the attacks that minimise the distance and looked at every image, as far as all were covered.
        missed: how many images the suite breaks at one of its radii that those attacks do not reach there, or for
            which they know of nothing at any distance: that says how far they went, not how far one has to go.
        borrowed: the other evaluations whose distances went into it.
    """

    norm: str
    distances: NDArray[np.float64]
    radii: tuple[float, ...]
    accuracies: tuple[float, ...]
    searched_by: tuple[str, ...] = ()
    missed: int = 0
    borrowed: tuple[Evaluation, ...] = ()

    @property
    def epsilon(self) -> float:
        """The largest radius that the suite attacked at."""
        return self.radii[-1]

    @property
    def is_measured(self) -> bool:
        """Whether the curve is more than an upper bound; see the module's text."""
        return bool(self.searched_by) and self.missed <= MISSED * len(self.distances)

    def accuracy(self, epsilons: ArrayLike) -> NDArray[np.float64]:
        """Share of the examples without a known adversarial within each of the `epsilons`."""
        return 1 - np.searchsorted(self.distances, epsilons, side="right") / len(self.distances)

    def area(self, limit: float | None = None) -> float | None:
        """Mean accuracy over ε from 0 to `limit`, the largest radius if left out; None for an upper bound."""
        limit = self.epsilon if limit is None else limit
        return float(np.minimum(self.distances, limit).mean() / limit) if self.is_measured else None

    def steps(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The staircase's corners: each ε at which the accuracy falls, and the accuracy from there on."""
        falls = np.unique(self.distances[np.isfinite(self.distances)])
        return falls, self.accuracy(falls)


def security_curve(evaluation: Evaluation, norm: str, others: Iterable[Evaluation] = ()) -> Curve | None:
    """The curve of one norm; None if there is no attack of it or one did not run to its end, and for a threat without
    a ball, whose ε is no distance.

    Without `others` it agrees at each of the suite's radii with `aggregate.norm_accuracy`.

    Args:
        evaluation: whose suite's radii the curve is about.
        norm: the norm.
        others: evaluations of the same network on the same images by attacks that minimise the distance, see
            `minimises`; what they found is known of the network, too.
    """
    own = [outcome for outcome in evaluation.outcomes if outcome.norm == norm]
    if norm not in NORMS or not own or not all(outcome.complete for outcome in own):
        return None
    correct = ~evaluation.clean_errors
    found = [(other, outcome) for other in others for outcome in other.outcomes]
    borrowed = [(other, outcome) for other, outcome in found if outcome.norm == norm and outcome.complete]
    attacks = [*((evaluation, outcome) for outcome in own), *borrowed]
    looked = [(outcome, flags) for where, outcome in attacks if (flags := searched(where, outcome)).any()]
    is_covered = np.logical_or.reduce([~correct, *(flags for _, flags in looked)]).all()
    known = _closest(evaluation, [outcome for _, outcome in attacks])
    minimised = _closest(evaluation, [outcome for outcome, _ in looked])
    alone, lost = _closest(evaluation, own), np.isinf(minimised)
    radii = tuple(sorted({outcome.epsilon for outcome in own}))
    return Curve(
        norm=norm,
        distances=np.sort(known),
        radii=radii,
        accuracies=tuple(float((alone > radius).mean()) for radius in radii),
        searched_by=tuple(dict.fromkeys(outcome.label for outcome, _ in looked)) if is_covered else (),
        missed=max(int((((alone <= radius) & (minimised > radius)) | lost).sum()) for radius in radii),
        borrowed=tuple({other.id: other for other, _ in borrowed}.values()),
    )


def minimises(evaluation: Evaluation) -> bool:
    """Whether all attacks of the evaluation minimise the distance, as those of the suite `security-curves` do."""
    return all(outcome.kind == "minimum-norm" for outcome in evaluation.outcomes)


def _closest(evaluation: Evaluation, outcomes: Sequence[Outcome]) -> NDArray[np.float64]:
    """N distances of the closest adversarial that any of the `outcomes` knows; 0 for clean errors."""
    nowhere = np.full(len(evaluation.clean_errors), np.inf)
    return np.where(evaluation.clean_errors, 0.0, np.minimum.reduce([nowhere, *map(reached, outcomes)]))
