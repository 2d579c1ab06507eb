"""Which attack did what: who broke an example first, who alone could, and whom a suite could do without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmark.analysis.aggregate import left_standing

if TYPE_CHECKING:
    from benchmark.ledger.evaluation import Evaluation, Outcome


@dataclass(frozen=True)
class Share:
    """One attack's part in breaking examples that were classified correctly.

    Attributes:
        label: the attack.
        broken: how many it broke.
        first: how many no attack before it in the suite broke.
        alone: how many no other attack broke: what the suite would miss without it.
        shapley: its Shapley value as a share of all broken examples; the shares add up to 1 (0 if none broke).
    """

    label: str
    broken: int
    first: int
    alone: int
    shapley: float


def attribution(evaluation: Evaluation) -> list[Share]:
    """The share of every attack, in the suite's order.

    The union of broken sets is a coverage game: an example broken by k attacks gives 1/k to each of them, and
    the sum over examples is exactly the Shapley value. In worst-case mode only what was left to an attack counts,
    so that here, too, their order decides.
    """
    sets: NDArray[np.bool_] = np.stack(
        [outcome.broken & _own(evaluation, outcome) for outcome in evaluation.outcomes]
    )
    times = sets.sum(0)
    union = int((times > 0).sum())
    earlier: NDArray[np.int64] = np.cumsum(sets, axis=0) - sets
    return [
        Share(
            label=outcome.label,
            broken=int(row.sum()),
            first=int((row & (before == 0)).sum()),
            alone=int((row & (times == 1)).sum()),
            shapley=float((row / np.maximum(times, 1)).sum() / union) if union else 0.0,
        )
        for outcome, row, before in zip(evaluation.outcomes, sets, earlier, strict=True)
    ]


def _own(evaluation: Evaluation, outcome: Outcome) -> NDArray[np.bool_]:
    return ~evaluation.clean_errors if evaluation.mode == "complete" else left_standing(evaluation, outcome.label)
