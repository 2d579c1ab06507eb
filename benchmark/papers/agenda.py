"""What is still to be done for the tables of a paper, in an order in which it can be done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput
from benchmark.models import load_checkpoint
from benchmark.papers.archive import Archive, Question, scores
from benchmark.papers.networks import Network, find_network
from benchmark.papers.schema import Column, Paper
from benchmark.papers.stage import Stage


@dataclass(frozen=True)
class Job:
    """One training, or the evaluation of one network under one suite.

    Attributes:
        network: what is evaluated, or one of the networks that are trained.
        question: what it is evaluated for; None for a training.
        rows: "table/row" of the first cell that waits for it.
        obstacle: why it can't be done; None if it can.
    """

    network: Network
    question: Question | None
    rows: str
    obstacle: str | None = None

    @property
    def trains(self) -> str | None:
        """The name of the run that is trained; None for an evaluation."""
        return self.network.training.name if self.network.training and not self.question else None

    @property
    def what(self) -> str:
        """In words, e.g. "train at" or "evaluate mat-h1 under kd-defences"."""
        return (
            f"evaluate {self.network.name} under {self.question.suite}" if self.question else f"train {self.trains}"
        )


@dataclass
class Agenda:
    """The jobs that are missing, trainings before the evaluations that wait for them."""

    jobs: list[Job] = field(default_factory=list)

    @property
    def possible(self) -> list[Job]:
        """The jobs that this version can do."""
        return [job for job in self.jobs if not job.obstacle]


def make_agenda(
    paper: Paper,
    keys: Collection[str],
    stage: Stage,
    archive: Archive,
    zoo: Path,
    only: Collection[str] = (),
    note: Callable[[str], None] = lambda message: None,
) -> Agenda:
    """What is missing for the exhibits `keys`.

    Args:
        paper, keys, stage: what is asked for.
        archive: what the ledger has already.
        zoo: where checkpoints are.
        only: labels of the rows to work for; empty for all.
        note: told about checkpoints that are there and are none of these networks.
    """
    agenda = Agenda()
    wanted: dict[tuple[Network, str], tuple[Question, list[Column], str]] = {}
    for key, network, column, label in _cells(paper, keys, stage, only):
        exhibit = paper.exhibits[key]
        suite = column.suite or exhibit.suite
        question, columns, first = wanted.get((network, suite), (Question(suite, exhibit.mode), [], f"{key}/{label}"))
        mode = "full" if "full" in (question.mode, exhibit.mode) else exhibit.mode
        wanted[network, suite] = (Question(suite, mode), [*columns, column], first)
    evaluations = [
        Job(network, question, first, network.obstacle())
        for (network, _), (question, columns, first) in wanted.items()
        if not _is_known(archive, network, question, columns, stage)
    ]
    there: dict[str, bool] = {}
    for job in evaluations:
        for needed in job.network.lineage():
            training = needed.training
            if training is None or needed.name in there:
                continue
            there[needed.name] = job.obstacle is None and _is_there(needed, zoo, note)
            if not there[needed.name] and training.name not in {each.trains for each in agenda.jobs}:
                agenda.jobs.append(Job(needed, None, job.rows, training.obstacle()))
    agenda.jobs += evaluations
    return agenda


def checkpoint(network: Network, zoo: Path) -> str:
    """What `evaluate` and `train` are given for `network`: a file of the zoo, or the name of a published network."""
    return str(zoo / f"{network.name}.pt") if network.training else network.name


def _cells(
    paper: Paper, keys: Collection[str], stage: Stage, only: Collection[str]
) -> Iterator[tuple[str, Network, Column, str]]:
    for key in keys:
        exhibit = paper.exhibits[key]
        for panel in stage.panels(exhibit):
            for row in exhibit.rows:
                asked = (panel.rows is None or row.label in panel.rows) and (not only or row.label in only)
                for seed in stage.seeds if row.run and asked else ():
                    network = find_network(paper, str(row.run), stage, panel.architecture, seed, row.network)
                    for column in exhibit.columns if network else ():
                        source = column.source and find_network(paper, column.source, stage, panel.architecture, seed)
                        if network and source in (None, network):
                            yield key, network, column, row.label


def _is_known(archive: Archive, network: Network, question: Question, columns: list[Column], stage: Stage) -> bool:
    found = archive.find(network, question, stage)
    return found is not None and all(scores(found, column) is not None for column in columns)


def _is_there(network: Network, zoo: Path, note: Callable[[str], None]) -> bool:
    path = Path(checkpoint(network, zoo))
    if not path.exists():
        return False
    try:
        found: Any = load_checkpoint(path)
    except BadInput as error:
        note(f"{error}")
        return False
    if network.made(vars(found)):
        return True
    note(f"{path} was trained otherwise than the paper's table asks for; it is trained again")
    return False
