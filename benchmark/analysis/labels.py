"""What the rows of a table are called, whose networks may have one name, or be there several times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from benchmark.labels import DIGITS, Key, card_labels, key

if TYPE_CHECKING:
    from benchmark.ledger.evaluation import Evaluation


def labels_of(evaluations: Iterable[Evaluation]) -> dict[Key, str]:
    """`labels` of the networks that were evaluated, and of those that images were crafted on for that."""
    return card_labels(card for found in evaluations for card in (found.model, found.crafted_on))


def row_labels(evaluations: Sequence[Evaluation], named: Mapping[Key, str]) -> list[str]:
    """A label for each of several evaluations that stand in one table, no two of which are alike.

    Where one network is there several times, they say what else differs: the seed of the attacks, the precision they
    searched in, or the evaluation.

    Args:
        evaluations: of the same question.
        named: what their networks are called.
    """
    found = [named[key(evaluation.model)] for evaluation in evaluations]
    for told in (_seed, _precision, _evaluation):
        own: dict[str, set[str]] = {}
        for label, evaluation in zip(found, evaluations, strict=True):
            own.setdefault(label, set()).add(told(evaluation))
        found = [
            f"{label}, {told(evaluation)}" if len(own[label]) > 1 else label
            for label, evaluation in zip(found, evaluations, strict=True)
        ]
        if len(set(found)) == len(found):
            break
    return found


def _seed(evaluation: Evaluation) -> str:
    return f"attack seed {evaluation.seed}"


def _precision(evaluation: Evaluation) -> str:
    return evaluation.precision


def _evaluation(evaluation: Evaluation) -> str:
    return f"evaluation {evaluation.id[:DIGITS]}"
