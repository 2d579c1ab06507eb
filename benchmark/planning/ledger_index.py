"""What the ledger knows about the networks of a plan: the only source of every measured number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from benchmark.analysis.masking import is_masked, masking_flags
from benchmark.errors import BadInput
from benchmark.evaluation import load_suite
from benchmark.ledger import Evaluation, Ledger
from benchmark.moved import look_up
from benchmark.planning.jobs import EvaluationQuery
from benchmark.planning.networks import PlannedNetwork
from benchmark.planning.runs import Runs
from benchmark.planning.setting import Setting
from benchmark.scales import Radii, own_scale
from benchmark.suites.files import fitting


class LedgerIndex:
    """The evaluations of a ledger, by network.

    Args:
        evaluations: all that there are, with those of images that were crafted on another network.
    """

    def __init__(self, evaluations: Iterable[Evaluation]) -> None:
        self._evaluations = [*evaluations]
        self._runs: dict[Setting, Runs] = {}
        self._masked: dict[str, bool] = {}

    @classmethod
    def open(cls, results: str | Path) -> LedgerIndex:
        """What is in the ledger of the folder `results`; what is damaged is left out, which is said.

        Raises:
            BadInput: the folder was written by another version.
        """
        ledger = Ledger.open(results)
        found = [*ledger.evaluations(), *ledger.transfers()]
        ledger.tell()
        return cls(found)

    def find(self, network: PlannedNetwork, query: EvaluationQuery, setting: Setting) -> Evaluation | None:
        """The latest evaluation of `network` that answers `query`; None if there is none.

        It has to be of the suite as it stands today, of this setting's data, preset and number of images, and of a
        network that was trained as asked, whatever it is called.
        """
        runs = self.runs(setting)
        fitting = [
            evaluation
            for evaluation in self._evaluations
            if _answers(evaluation, query, setting)
            and runs.made(network, evaluation.model)
            and (query.source is None or runs.made(query.source, evaluation.crafted_on or {}))
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

    def runs(self, setting: Setting) -> Runs:
        """The runs of `setting`, with the networks that the ledger knows."""
        if setting not in self._runs:
            cards = [card for each in self._evaluations for card in (each.model, each.crafted_on) if card]
            self._runs[setting] = Runs(setting, cards)
        return self._runs[setting]


def _answers(evaluation: Evaluation, query: EvaluationQuery, setting: Setting) -> bool:
    images = len(evaluation.clean_errors)
    return (
        (evaluation.crafted_on is None) == (query.source is None)
        and evaluation.suite["name"] == query.suite
        and evaluation.suite["preset"] == setting.preset
        and evaluation.mode in ("complete", query.mode)
        and not evaluation.judging
        and evaluation.dataset["name"] == setting.dataset
        and (setting.images is None or images == setting.images)
        and evaluation.suite["digest"] == _digest(query.suite, setting.preset, _radii(evaluation, setting), images)
    )


def _radii(evaluation: Evaluation, setting: Setting) -> Radii:
    """The radii asked for: the caller's, and those of the scale that the evaluation's data has of its own."""
    own = own_scale(evaluation.suite["scale"], evaluation.suite.get("radii"))
    return replace(setting.radii, scale=setting.radii.scale or own)


@lru_cache(maxsize=256)
def _digest(suite: str, preset: str, radii: Radii, images: int) -> str | None:
    try:
        return load_suite(suite, preset, fitting(radii, suite)).first(images).digest
    except BadInput:
        return None


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
