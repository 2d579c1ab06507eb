"""What is still to be done for the tables of a paper, in an order in which it can be done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.papers.archive import Archive, Question, scores
from benchmark.papers.networks import Network, find_network
from benchmark.papers.runs import Zoo
from benchmark.papers.schema import Column, Paper
from benchmark.papers.stage import Stage


@dataclass(frozen=True)
class Job:
    """One training, one network's evaluation under one suite, or a trial of what is crafted on it on other networks.

    Attributes:
        network: what is evaluated or crafted on, or one of the networks that are trained.
        question: what it is evaluated for; None for a training.
        rows: "table/row" of the first cell that waits for it.
        targets: the networks that are tried with what is crafted on `network`.
        obstacle: why it can't be done; None if it can.
    """

    network: Network
    question: Question | None
    rows: str
    targets: tuple[Network, ...] = ()
    obstacle: str | None = None

    @property
    def trains(self) -> str | None:
        """The name of the run that is trained; None for an evaluation."""
        return self.network.training.name if self.network.training and not self.question else None

    @property
    def what(self) -> str:
        """In words, e.g. "train at" or "evaluate mat-h1 under kd-defences"."""
        if self.targets:
            return f"craft on {self.network.name}, try on {', '.join(target.name for target in self.targets)}"
        return (
            f"evaluate {self.network.name} under {self.question.suite}" if self.question else f"train {self.trains}"
        )

    def lineage(self) -> Iterator[Network]:
        """All networks that it needs, teachers first."""
        for network in (self.network, *self.targets):
            yield from network.lineage()


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
    agenda, there = Agenda(), dict[str, bool]()
    found = Zoo(zoo, archive.runs(stage), note)
    evaluations = [*_evaluations(paper, keys, stage, archive, only)]
    for job in evaluations:
        for needed in job.lineage():
            training = needed.training
            if training is None or needed.name in there:
                continue
            there[needed.name] = training.obstacle() is None and found.find(needed) is not None
            if not there[needed.name] and training.name not in {each.trains for each in agenda.jobs}:
                agenda.jobs.append(Job(needed, None, job.rows, obstacle=training.obstacle()))
    agenda.jobs += evaluations
    return agenda


@dataclass
class _Wanted:
    """What the cells of all tables together ask about one network."""

    network: Network
    question: Question
    rows: str
    columns: list[Column] = field(default_factory=list)

    def is_known(self, archive: Archive, stage: Stage) -> bool:
        found = archive.find(self.network, self.question, stage)
        return found is not None and all(scores(found, column) is not None for column in self.columns)


def _evaluations(
    paper: Paper, keys: Collection[str], stage: Stage, archive: Archive, only: Collection[str]
) -> Iterator[Job]:
    """The evaluations that are missing; what is crafted on one network is tried on all its targets in one job."""
    wanted: dict[tuple[Network, str, Network | None], _Wanted] = {}
    for key, row, network, column, source in _cells(paper, keys, stage, only):
        exhibit = paper.exhibits[key]
        suite = column.suite or exhibit.suite
        first = _Wanted(network, Question(suite, exhibit.mode, source), f"{key}/{row}")
        each = wanted.setdefault((network, suite, source), first)
        if exhibit.mode == "complete":
            each.question = Question(suite, "complete", source)
        each.columns.append(column)
    crafted: dict[tuple[Network, str, str | None], list[_Wanted]] = {}
    for each in wanted.values():
        if each.is_known(archive, stage):
            continue
        if each.question.source:
            obstacle = each.question.source.obstacle() or each.network.obstacle()
            crafted.setdefault((each.question.source, each.question.suite, obstacle), []).append(each)
        else:
            yield Job(each.network, each.question, each.rows, obstacle=each.network.obstacle())
    for (source, _, obstacle), group in crafted.items():
        yield Job(source, group[0].question, group[0].rows, tuple(each.network for each in group), obstacle)


def _cells(
    paper: Paper, keys: Collection[str], stage: Stage, only: Collection[str]
) -> Iterator[tuple[str, str, Network, Column, Network | None]]:
    """(exhibit, row, network, column, source) of every cell that is asked for and has a network."""
    for key in keys:
        exhibit = paper.exhibits[key]
        for panel in stage.panels(exhibit):
            for row in exhibit.rows:
                asked = (panel.rows is None or row.label in panel.rows) and (not only or row.label in only)
                for seed in stage.seeds if row.run and asked else ():
                    network = find_network(paper, str(row.run), stage, panel.architecture, seed, row.network)
                    for column in exhibit.columns if network else ():
                        source = column.source and find_network(paper, column.source, stage, panel.architecture, seed)
                        if network:
                            yield key, row.label, network, column, source or None
