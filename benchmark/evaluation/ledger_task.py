"""A job as an engine runs it, with the results folder at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.engines.task import Steps
from benchmark.evaluation.jobs import AttackJob, Step
from benchmark.evaluation.run_job import prepare, run_job
from benchmark.evaluation.target import Target
from benchmark.ledger.ledger import Ledger


@dataclass(frozen=True)
class LedgerTask:
    """One job; what it says are its `Done` and `Crafted`, what it returns are the ledger's problems.

    Attributes:
        job: what is to be done.
        folder: of the ledger.
    """

    job: AttackJob
    folder: Path

    @property
    def name(self) -> str:
        return self.job.target.source

    @property
    def steps(self) -> Sequence[Step]:
        return self.job.steps

    @property
    def family(self) -> Target:
        return self.job.target

    def prepare(self) -> None:
        prepare(self.job)

    def run(self, given_up: Mapping[Step, str]) -> Steps:
        ledger = Ledger(self.folder)
        yield from run_job(self.job, ledger, given_up)
        return ledger.problems
