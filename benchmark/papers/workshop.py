"""Where the jobs of a paper are done: with which folders, on which device."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.evaluation import evaluate, transfer
from benchmark.papers.agenda import Job, checkpoint
from benchmark.papers.archive import Question
from benchmark.papers.networks import Network, Training
from benchmark.papers.stage import Stage


@dataclass(frozen=True)
class Workshop:
    """Arguments that all jobs of a stage have in common, as `benchmark.train` and `benchmark.evaluate` take them."""

    stage: Stage
    zoo: Path
    results: str | Path = "results"
    device: str = "auto"
    precision: str = "auto"
    workers: int = 1
    root: str | Path | None = None
    download: bool = False
    progress: bool = True

    def do(self, job: Job) -> None:
        """Do `job`; what was done before is not done again.

        Raises:
            BadInput: it can't be done.
        """
        if job.question and job.targets:
            self._transfer(job.network, job.targets, job.question)
        elif job.question:
            self._evaluate(job.network, job.question)
        elif job.network.training:
            self._train(job.network.training)

    def _train(self, training: Training) -> None:
        from benchmark.training import train

        train(
            training.method,
            dataset=training.dataset,
            arch=training.architecture,
            recipe=training.recipe,
            set=training.settings,
            teacher=[checkpoint(teacher, self.zoo) for teacher in training.teachers],
            inner=training.inner,
            outer=training.outer,
            seed=training.seed,
            out=self.zoo,
            name=training.name,
            device=self.device,
            precision=self.precision,
            resume=True,
            root=self.root,
            download=self.download,
            progress=None if self.progress else False,
        )

    def _evaluate(self, network: Network, question: Question) -> None:
        evaluate(
            checkpoint(network, self.zoo),
            suite=question.suite,
            mode=question.mode,
            preset=self.stage.preset,
            n=self.stage.images,
            dataset=self.stage.dataset,
            results=self.results,
            device=self.device,
            precision=self.precision,
            workers=self.workers,
            root=self.root,
            download=self.download,
            progress=self.progress,
        )

    def _transfer(self, source: Network, targets: tuple[Network, ...], question: Question) -> None:
        transfer(
            checkpoint(source, self.zoo),
            [checkpoint(target, self.zoo) for target in targets],
            suite=question.suite,
            preset=self.stage.preset,
            n=self.stage.images,
            dataset=self.stage.dataset,
            results=self.results,
            device=self.device,
            precision=self.precision,
            root=self.root,
            download=self.download,
            progress=self.progress,
        )
