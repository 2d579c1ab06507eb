"""Where the jobs of a paper are done: with which folders, on which device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput
from benchmark.evaluation import evaluate, transfer
from benchmark.papers.agenda import Job
from benchmark.papers.archive import Question
from benchmark.papers.networks import Network, Training
from benchmark.papers.runs import Runs, Zoo
from benchmark.papers.stage import Stage
from benchmark.suites.files import fitting


@dataclass(frozen=True)
class Workshop:
    """Arguments that all jobs of a stage have in common, as `benchmark.train` and `benchmark.evaluate` take them."""

    stage: Stage
    zoo: Path
    results: str | Path = "results"
    device: str = "auto"
    precision: str = "auto"
    workers: int = 1
    data_dir: str | Path | None = None
    download: bool = False
    trust_remote_code: bool = False
    progress: bool = True

    def do_all(self, jobs: Sequence[Job]) -> Iterator[str]:
        """Do `jobs` and give what could not be done, with the reason.

        Evaluations under one suite are done in one go, so that all processes have work until the last of them ends;
        where one of them can't be done, each is done on its own.
        """
        for group in _groups(jobs):
            try:
                self.do(*group)
            except BadInput as error:
                if len(group) == 1:
                    yield f"{group[0].what}: {error}"
                else:
                    for job in group:
                        yield from self.do_all([job])

    def do(self, *jobs: Job) -> None:
        """Do a job, or several evaluations under one suite; what was done before is not done again.

        Raises:
            BadInput: it can't be done.
        """
        job = jobs[0]
        if job.question and job.targets:
            self._transfer(job.network, job.targets, job.question)
        elif job.question:
            self._evaluate([job.network for job in jobs], job.question)
        elif job.network.training:
            self._train(job.network.training)

    def _train(self, training: Training) -> None:
        from benchmark.training import train_beside

        train_beside(
            training.method,
            dataset=training.dataset,
            arch=training.architecture,
            recipe=training.recipe,
            set=training.settings,
            teacher=[self._source(teacher) for teacher in training.teachers],
            inner=training.inner,
            outer=training.outer,
            seed=training.seed,
            out=self.zoo,
            name=training.name,
            epsilon=dict(self.stage.radii.own),
            resume=None,
            progress=None if self.progress else False,
            **self._means,
        )

    def _evaluate(self, networks: Sequence[Network], question: Question) -> None:
        sources = [self._source(network) for network in networks]
        evaluate(sources, mode=question.mode, workers=self.workers, **self._about(question))

    def _transfer(self, source: Network, targets: Sequence[Network], question: Question) -> None:
        transfer(self._source(source), [self._source(target) for target in targets], **self._about(question))

    def _source(self, network: Network) -> str:
        return Zoo(self.zoo, self._runs).source(network)

    @cached_property
    def _runs(self) -> Runs:
        return Runs(self.stage)

    def _about(self, question: Question) -> dict[str, Any]:
        """What all attacks are told: which images, and where results go."""
        return {
            "suite": question.suite,
            "preset": self.stage.preset,
            "n": self.stage.images,
            "dataset": self.stage.dataset,
            "epsilon": dict(fitting(self.stage.radii, question.suite).own),
            "results": self.results,
            "progress": self.progress,
            **self._means,
        }

    @property
    def _means(self) -> dict[str, Any]:
        """What everything that computes is told."""
        means = {
            name: getattr(self, name) for name in ("device", "precision", "data_dir", "download", "trust_remote_code")
        }
        return means | {"scale": self.stage.radii.scale or None}


def _groups(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Neighbouring evaluations under one suite together, everything else alone."""
    keys = [job.question if job.question and not job.targets else place for place, job in enumerate(jobs)]
    for _, group in groupby(zip(keys, jobs, strict=True), key=lambda pair: pair[0]):
        yield [job for _, job in group]
