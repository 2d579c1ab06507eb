"""The black-box matrix: robust accuracy of every target against images crafted on every source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmark.analysis.aggregate import attack_accuracy
from benchmark.analysis.labels import labels_of
from benchmark.analysis.paired import check_comparable
from benchmark.labels import Key, key

if TYPE_CHECKING:
    from benchmark.ledger.evaluation import Evaluation


@dataclass(frozen=True)
class Matrix:
    """One attack from S sources to T targets.

    Attributes:
        label: the attack; with the seed and the precision of its search, where there are several.
        sources, targets: labels of the networks, see `labels`.
        accuracy: S×T fractions; NaN where a pair was not tried or failed. Where source and target are the same
            network it is the accuracy against the white-box attack.
    """

    label: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    accuracy: NDArray[np.float64]


def transfer_matrices(evaluations: Sequence[Evaluation], named: Mapping[Key, str] | None = None) -> list[Matrix]:
    """One matrix per attack from the evaluations that `benchmark.evaluation.transfer` gave.

    Args:
        evaluations: of pairs.
        named: labels of more networks than these; None for those of these alone.

    Raises:
        BadInput: they are not of the same images and suite.
    """
    found = [evaluation for evaluation in evaluations if evaluation.crafted_on is not None]
    if not found:
        return []
    check_comparable(found)
    named = labels_of(found) if named is None else named
    searches = list(dict.fromkeys((evaluation.seed, evaluation.precision) for evaluation in found))
    matrices = []
    for label in (outcome.label for outcome in found[0].outcomes):
        for seed, precision in searches:
            pairs = [each for each in found if (each.seed, each.precision) == (seed, precision)]
            how = f", seed {seed}, {precision}" if len(searches) > 1 else ""
            matrices.append(_matrix(label, f"{label}{how}", pairs, named))
    return matrices


def _matrix(attack: str, label: str, pairs: Sequence[Evaluation], named: Mapping[Key, str]) -> Matrix:
    sources = tuple(dict.fromkeys(_source(pair) for pair in pairs))
    targets = tuple(dict.fromkeys(key(pair.model) for pair in pairs))
    accuracy = np.full((len(sources), len(targets)), np.nan)
    for pair in sorted(pairs, key=lambda pair: pair.date):
        value = attack_accuracy(pair, attack)
        accuracy[sources.index(_source(pair)), targets.index(key(pair.model))] = np.nan if value is None else value
    return Matrix(label, tuple(named[each] for each in sources), tuple(named[each] for each in targets), accuracy)


def _source(pair: Evaluation) -> Key:
    return key(pair.crafted_on or {"name": ""})
