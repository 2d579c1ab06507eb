"""The black-box matrix: robust accuracy of every target against images crafted on every source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmark.analysis.aggregate import attack_accuracy
from benchmark.analysis.paired import check_comparable

if TYPE_CHECKING:
    from benchmark.evaluation.outcomes import Evaluation


@dataclass(frozen=True)
class Matrix:
    """One attack from S sources to T targets.

    Attributes:
        label: the attack.
        sources, targets: names of the networks.
        accuracy: S×T fractions; NaN where a pair was not tried or failed. Where source and target are the same
            network it is the accuracy against the white-box attack.
    """

    label: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    accuracy: NDArray[np.float64]


def transfer_matrices(evaluations: Sequence[Evaluation]) -> list[Matrix]:
    """One matrix per attack from the evaluations that `benchmark.evaluation.transfer` gave.

    Raises:
        BadInput: they are not of the same images and suite.
    """
    found = [evaluation for evaluation in evaluations if evaluation.crafted_on is not None]
    if not found:
        return []
    check_comparable(found)
    sources = tuple(dict.fromkeys(str(_source(evaluation)["name"]) for evaluation in found))
    targets = tuple(dict.fromkeys(evaluation.name for evaluation in found))
    matrices = []
    for label in (outcome.label for outcome in found[0].outcomes):
        accuracy = np.full((len(sources), len(targets)), np.nan)
        for evaluation in found:
            value = attack_accuracy(evaluation, label)
            place = sources.index(str(_source(evaluation)["name"])), targets.index(evaluation.name)
            accuracy[place] = np.nan if value is None else value
        matrices.append(Matrix(label, sources, targets, accuracy))
    return matrices


def _source(evaluation: Evaluation) -> dict[str, object]:
    return evaluation.crafted_on or {}
