"""What the ledger knows about the networks of a paper: the only source of every measured number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmark.analysis import aggregate, paired
from benchmark.errors import BadInput
from benchmark.evaluation import Evaluation, load_suite
from benchmark.papers.networks import Network
from benchmark.papers.schema import Column
from benchmark.papers.stage import Stage

#: Per image, in [0, 1]: whether it is classified correctly, or the mean of that over norms or seeds.
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Question:
    """What is asked of the ledger: a suite, and whether single attacks have to have seen all images."""

    suite: str
    mode: str = "full"


class Archive:
    """The evaluations of a ledger, by network.

    Args:
        evaluations: all that there are.
    """

    def __init__(self, evaluations: Iterable[Evaluation]) -> None:
        self._by_name: dict[str, list[Evaluation]] = {}
        for evaluation in evaluations:
            self._by_name.setdefault(evaluation.name, []).append(evaluation)

    def find(self, network: Network, question: Question, stage: Stage) -> Evaluation | None:
        """The latest evaluation of `network` that answers `question`; None if there is none.

        It has to be of the suite as it stands today, of this stage's data, preset and number of images, and of a
        network that was trained as asked.
        """
        fitting = [
            evaluation
            for evaluation in self._by_name.get(network.name, ())
            if _is_network(evaluation, network) and _answers(evaluation, question, stage)
        ]
        return max(
            fitting, key=lambda found: (len(found.clean_errors), found.mode == "full", found.date), default=None
        )

    def all(self) -> list[Evaluation]:
        """Every evaluation."""
        return [evaluation for group in self._by_name.values() for evaluation in group]


def scores(evaluation: Evaluation, column: Column) -> Scores | None:
    """N shares in [0, 1], the mean of which is what `column` shows; None where it is not known."""
    if column.attack is None:
        return paired.scores(evaluation, str(column.metric).replace("_", ""))
    outcome = next((outcome for outcome in evaluation.outcomes if outcome.label == column.attack), None)
    if outcome is None or not outcome.complete or aggregate.is_conditional(evaluation, column.attack):
        return None
    return (~outcome.broken).astype(float)


def _is_network(evaluation: Evaluation, network: Network) -> bool:
    return network.training is None or network.made(evaluation.model)


def _answers(evaluation: Evaluation, question: Question, stage: Stage) -> bool:
    images = len(evaluation.clean_errors)
    return (
        evaluation.suite["name"] == question.suite
        and evaluation.suite["preset"] == stage.preset
        and evaluation.mode in ("full", question.mode)
        and evaluation.dataset["name"] == stage.dataset
        and (stage.images is None or images == stage.images)
        and evaluation.suite["digest"] == _digest(question.suite, stage.preset, evaluation.suite["scale"], images)
    )


@lru_cache(maxsize=256)
def _digest(suite: str, preset: str, scale: str, images: int) -> str | None:
    try:
        return load_suite(suite, preset, scale).first(images).digest
    except BadInput:
        return None
