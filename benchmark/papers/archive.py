"""What the ledger knows about the networks of a paper: the only source of every measured number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.analysis import aggregate, paired
from benchmark.analysis.masking import is_masked, masking_flags
from benchmark.errors import BadInput
from benchmark.evaluation import load_suite
from benchmark.ledger import Evaluation, Ledger
from benchmark.papers.networks import Network
from benchmark.papers.runs import Runs
from benchmark.papers.schema import Column
from benchmark.papers.stage import Stage
from benchmark.scales import Radii, own_scale
from benchmark.suites.files import fitting

#: Per image, in [0, 1]: whether it is classified correctly, or the mean of that over norms or seeds.
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Question:
    """What is asked about a network.

    Attributes:
        suite: under which suite.
        mode: "complete" if single attacks have to have seen all images.
        source: the network that the images are crafted on, where the suite is one of transfer.
    """

    suite: str
    mode: str = "complete"
    source: Network | None = None


class Archive:
    """The evaluations of a ledger, by network.

    Args:
        evaluations: all that there are, with those of images that were crafted on another network.
    """

    def __init__(self, evaluations: Iterable[Evaluation]) -> None:
        self._evaluations = [*evaluations]
        self._runs: dict[Stage, Runs] = {}
        self._masked: dict[str, bool] = {}

    @classmethod
    def open(cls, results: str | Path) -> Archive:
        """What is in the ledger of the folder `results`; what is damaged is left out, which is said.

        Raises:
            BadInput: the folder was written by another version.
        """
        ledger = Ledger.open(results)
        found = [*ledger.evaluations(), *ledger.transfers()]
        ledger.tell()
        return cls(found)

    def find(self, network: Network, question: Question, stage: Stage) -> Evaluation | None:
        """The latest evaluation of `network` that answers `question`; None if there is none.

        It has to be of the suite as it stands today, of this stage's data, preset and number of images, and of a
        network that was trained as asked, whatever it is called.
        """
        runs = self.runs(stage)
        fitting = [
            evaluation
            for evaluation in self._evaluations
            if _answers(evaluation, question, stage)
            and runs.made(network, evaluation.model)
            and (question.source is None or runs.made(question.source, evaluation.crafted_on or {}))
        ]
        return max(
            fitting, key=lambda found: (len(found.clean_errors), found.mode == "complete", found.date), default=None
        )

    def is_masked(self, evaluation: Evaluation) -> bool:
        """Whether `evaluation` shows strong signs of gradient masking."""
        if evaluation.id not in self._masked:
            self._masked[evaluation.id] = is_masked(masking_flags(evaluation))
        return self._masked[evaluation.id]

    def all(self) -> list[Evaluation]:
        """Every evaluation."""
        return self._evaluations

    def runs(self, stage: Stage) -> Runs:
        """The runs of `stage`, with the networks that the ledger knows."""
        if stage not in self._runs:
            cards = [card for each in self._evaluations for card in (each.model, each.crafted_on) if card]
            self._runs[stage] = Runs(stage, cards)
        return self._runs[stage]


def scores(evaluation: Evaluation, column: Column) -> Scores | None:
    """N shares in [0, 1], the mean of which is what `column` shows; None where it is not known."""
    if column.attack is None:
        return paired.scores(evaluation, str(column.metric).replace("_", ""))
    outcome = next((outcome for outcome in evaluation.outcomes if outcome.label == column.attack), None)
    if outcome is None or not outcome.complete or aggregate.is_conditional(evaluation, column.attack):
        return None
    return (~outcome.broken).astype(float)


def _answers(evaluation: Evaluation, question: Question, stage: Stage) -> bool:
    images = len(evaluation.clean_errors)
    return (
        (evaluation.crafted_on is None) == (question.source is None)
        and evaluation.suite["name"] == question.suite
        and evaluation.suite["preset"] == stage.preset
        and evaluation.mode in ("complete", question.mode)
        and evaluation.dataset["name"] == stage.dataset
        and (stage.images is None or images == stage.images)
        and evaluation.suite["digest"] == _digest(question.suite, stage.preset, _radii(evaluation, stage), images)
    )


def _radii(evaluation: Evaluation, stage: Stage) -> Radii:
    """The radii asked for: the caller's, and those of the scale that the evaluation's data has of its own."""
    own = own_scale(evaluation.suite["scale"], evaluation.suite.get("radii"))
    return replace(stage.radii, scale=stage.radii.scale or own)


@lru_cache(maxsize=256)
def _digest(suite: str, preset: str, radii: Radii, images: int) -> str | None:
    try:
        return load_suite(suite, preset, fitting(radii, suite)).first(images).digest
    except BadInput:
        return None
