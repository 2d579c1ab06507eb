"""Where the jobs of a plan are done: with which folders, on which device."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmark.engines import Means
from benchmark.errors import BadInput
from benchmark.evaluation import evaluate, transfer
from benchmark.hardware import resolve_device
from benchmark.ledger import Evaluation
from benchmark.moved import look_up
from benchmark.planning.jobs import EvaluationQuery, Job, JobResult
from benchmark.planning.networks import PlannedNetwork, TrainingRun
from benchmark.planning.runs import Runs, Zoo, beside
from benchmark.planning.setting import Setting
from benchmark.run_names import file_stem
from benchmark.suites.files import fitting
from benchmark.training.task import Trained, train_all


@dataclass(frozen=True)
class JobRunner:
    """What all jobs of a setting have in common, as `benchmark.train` and `benchmark.evaluate` take it.

    Attributes:
        setting: under what conditions.
        zoo, results: folders of the checkpoints and of the ledger.
        device, means, download, progress: of all jobs; several trainings run at once where there are several workers.
        compile, devices: of the trainings.
    """

    setting: Setting
    zoo: Path
    results: str | Path = "results"
    device: str = "auto"
    means: Means = field(default_factory=lambda: Means(1))
    download: bool = False
    progress: bool = True
    compile: bool = False
    devices: int = 1

    def do_all(self, jobs: Sequence[Job]) -> Iterator[JobResult]:
        """Do `jobs` in their order, and say of each what became of it.

        Evaluations under one suite are done in one go, so that all processes have work until the last of them ends;
        where one of them can't be done, each is done on its own.
        """
        for group in _groups(jobs, self.is_spread):
            if group[0].trains and len(group) > 1:
                yield from self._train_all(group)
                continue
            try:
                found = self.do(*group)
            except BadInput as error:
                if len(group) == 1:
                    yield JobResult(group[0], str(error))
                else:
                    for job in group:
                        yield from self.do_all([job])
            else:
                evaluations = found if len(found) == len(group) else [None] * len(group)
                yield from (JobResult(*each) for each in zip(group, [""] * len(group), evaluations, strict=True))

    @property
    def is_spread(self) -> bool:
        """Whether several trainings run at once, or elsewhere."""
        if self.means.engine != "local":
            return True
        gpus = self.means.gpus(str(resolve_device(self.device)))
        return len(gpus) > 1 or (self.means.workers or 1) > 1

    def _train_all(self, jobs: Sequence[Job]) -> Iterator[JobResult]:
        """Do trainings, each as soon as there is room for it and its teachers are there."""
        runs = {job.trains: position for position, job in enumerate(jobs)}
        after = [
            {
                runs[each.training.name]
                for each in job.network.lineage()
                if each.training and each.training.name in runs
            }
            - {position}
            for position, job in enumerate(jobs)
        ]
        runner = replace(self, zoo=self.zoo.resolve())
        found: dict[int, Trained] = {}

        def report(position: int, trained: Trained) -> None:
            found[position] = trained
            if self.progress and not trained.is_late:
                print(f"[{len(found)}/{len(jobs)}] {JobResult(jobs[position], trained.error)}", file=sys.stderr)

        train_all([PlannedTraining(runner, job) for job in jobs], self.means, self.device, report, after)
        return iter([JobResult(job, found[position].error) for position, job in enumerate(jobs)])

    def do(self, *jobs: Job) -> list[Evaluation]:
        """Do a job, or several evaluations under one suite; what was done before is not done again.

        Returns:
            What the evaluations found, one for each job.

        Raises:
            BadInput: it can't be done.
        """
        job = jobs[0]
        if job.query and job.targets:
            self._transfer(job.network, job.targets, job.query)
        elif job.query:
            return self._evaluate([job.network for job in jobs], job.query)
        else:
            self.train(job)
        return []

    def train(self, job: Job) -> list[Path]:
        """Train the run that `job` is about, if it is one; the checkpoints."""
        return self._train(job.network.training) if job.network.training else []

    def _train(self, training: TrainingRun) -> list[Path]:
        from benchmark.training import train_beside

        return train_beside(
            training.method,
            dataset=training.dataset,
            arch=training.architecture,
            recipe=training.recipe,
            set=training.settings,
            teacher=[self._source(teacher) for teacher in training.teachers],
            inner=training.inner,
            outer=training.outer,
            init=[self._source(network) for network in training.inits],
            extra_data=training.extra_data.name if training.extra_data else None,
            seed=training.seed,
            out=self.zoo,
            name=training.name,
            epsilon=dict(self.setting.radii.own),
            resume=None,
            keep_state=False,  # of many runs, which have as many epochs as was asked for
            compile=self.compile,
            devices=self.devices,
            progress=None if self.progress else False,
            **self._means,
        )

    def _evaluate(self, networks: Sequence[PlannedNetwork], query: EvaluationQuery) -> list[Evaluation]:
        return evaluate([self._source(network) for network in networks], mode=query.mode, **self._about(query))

    def _transfer(self, source: PlannedNetwork, targets: Sequence[PlannedNetwork], query: EvaluationQuery) -> None:
        transfer(self._source(source), [self._source(target) for target in targets], **self._about(query))

    def _source(self, network: PlannedNetwork) -> str:
        return self.checkpoints.source(network)

    @cached_property
    def checkpoints(self) -> Zoo:
        """Where the networks are found."""
        return Zoo(self.zoo, Runs(self.setting))

    def _about(self, query: EvaluationQuery) -> dict[str, Any]:
        """What all attacks are told: which images, and where results go."""
        return {
            "suite": query.suite,
            "preset": self.setting.preset,
            "n": self.setting.images,
            "dataset": self.setting.dataset,
            "epsilon": dict(fitting(self.setting.radii, query.suite).own),
            "workers": self.means.workers,
            "engine": self.means.engine,
            "address": self.means.address,
            "gpu_share": self.means.gpu_share,
            "results": self.results,
            "progress": self.progress,
            **self._means,
        }

    @property
    def _means(self) -> dict[str, Any]:
        """What everything that computes is told."""
        return {
            "device": self.device,
            "precision": self.setting.precision,
            "data_dir": self.setting.data_dir,
            "download": self.download,
            "trust_remote_code": self.setting.trust_remote_code,
            "deterministic": self.setting.deterministic,
            "scale": self.setting.radii.scale or None,
        }


@dataclass(frozen=True)
class PlannedTraining:
    """A training of a plan, as an engine runs it: see `benchmark.training.task.Training`."""

    runner: JobRunner
    job: Job

    @property
    def name(self) -> str:
        return str(self.job.trains)

    @property
    def zoo(self) -> Path:
        return self.runner.zoo

    def needs(self) -> list[Path]:
        others = [
            each for each in self.job.network.lineage() if each.training and each.training.name != self.job.trains
        ]
        taught = [path for each in others if (path := self.runner.checkpoints.find(each)) is not None]
        run = self.job.network.training
        return [*taught, *(path for each in (run.networks() if run else ()) for path in self._stands(each))]

    def _stands(self, network: PlannedNetwork) -> list[Path]:
        """Files that are called as those of `network` are, or as they are where another run's have its name."""
        zoo, names = self.zoo, [f"{file_stem(network.name)}.pt", f"{beside(network)}.pt"]
        return [path for folder in (zoo, zoo / "last") for name in names for path in folder.glob(name)]

    def placed(self, zoo: Path) -> PlannedTraining:
        return replace(self, runner=replace(self.runner, zoo=zoo))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "runner": replace(self.runner, progress=False)}  # lines of several would mix

    def __call__(self) -> list[Path]:
        return self.runner.train(self.job)


def _groups(jobs: Sequence[Job], is_spread: bool = False) -> Iterator[list[Job]]:
    """Neighbouring evaluations under one suite together, and trainings that are spread; everything else alone."""
    trained = "trainings" if is_spread else None
    keys = [
        (trained if job.trains else job.query if not job.targets else None) or place for place, job in enumerate(jobs)
    ]
    for _, group in groupby(zip(keys, jobs, strict=True), key=lambda pair: pair[0]):
        yield [job for _, job in group]


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
