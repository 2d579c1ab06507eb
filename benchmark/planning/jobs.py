"""What is still to be done for the networks of a plan, in an order in which it can be done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from benchmark.ledger import Evaluation
from benchmark.parts import Part, deal
from benchmark.planning.networks import PlannedNetwork
from benchmark.planning.runs import Zoo


@dataclass(frozen=True)
class EvaluationQuery:
    """What is asked about a network.

    Attributes:
        suite: under which suite.
        mode: "complete" if single attacks have to have seen all images.
        source: the network that the images are crafted on, where the suite is one of transfer.
    """

    suite: str
    mode: str = "complete"
    source: PlannedNetwork | None = None


@dataclass(frozen=True)
class Job:
    """One training, one network's evaluation under one suite, or a trial of what is crafted on it on other networks.

    Attributes:
        network: what is evaluated or crafted on, or one of the networks that are trained.
        query: what it is evaluated for; None for a training.
        rows: what waits for it, e.g. "table/row".
        targets: the networks that are tried with what is crafted on `network`.
        obstacle: why it can't be done; None if it can.
    """

    network: PlannedNetwork
    query: EvaluationQuery | None
    rows: str = ""
    targets: tuple[PlannedNetwork, ...] = ()
    obstacle: str | None = None

    @property
    def trains(self) -> str | None:
        """The name of the run that is trained; None for an evaluation."""
        return self.network.training.name if self.network.training and not self.query else None

    @property
    def family(self) -> str:
        """What it is part of: the run that its network comes out of, or the network itself."""
        return self.network.family

    @property
    def what(self) -> str:
        """In words, e.g. "train at" or "evaluate mat-h1 under kd-defences"."""
        if self.targets:
            return f"craft on {self.network.name}, try on {', '.join(target.name for target in self.targets)}"
        return f"evaluate {self.network.name} under {self.query.suite}" if self.query else f"train {self.trains}"

    def lineage(self) -> Iterator[PlannedNetwork]:
        """All networks that it needs, teachers first."""
        for network in (self.network, *self.targets):
            yield from network.lineage()


@dataclass(frozen=True)
class JobResult:
    """What became of a job.

    Attributes:
        job: which.
        error: why it could not be done; "" if it was.
        evaluation: what an evaluation found.
    """

    job: Job
    error: str = ""
    evaluation: Evaluation | None = None

    def __str__(self) -> str:
        return f"{self.job.what}: {self.error}" if self.error else self.job.what


@dataclass
class JobList:
    """The jobs that are missing, trainings before the evaluations that wait for them."""

    jobs: list[Job] = field(default_factory=list)

    @property
    def possible(self) -> list[Job]:
        """The jobs that this version can do."""
        return [job for job in self.jobs if not job.obstacle]


def mine(jobs: Sequence[Job], part: Part, costs: Mapping[str, float]) -> list[Job]:
    """Those of `jobs` that are in `part`: a training and what is asked about its networks are in the same one.

    Args:
        jobs: what is missing.
        part: of all.
        costs: of all families of jobs, missing or not, so that all who do a part divide alike; see `Job.family`.
    """
    dealt = deal(costs, part.of)
    return [job for job in jobs if dealt[job.family] == part.number]


def waiting(jobs: Sequence[Job], zoo: Zoo) -> dict[Job, str]:
    """Of jobs in a part those that need a network which another part trains and that is not there, with why."""
    own = {job.trains for job in jobs if job.trains}
    found = {}
    for job in jobs:
        for network in job.lineage():
            run = network.training
            if run is not None and run.name not in own and zoo.find(network) is None:
                found[job] = f"{job.what} waits for {network.name}, which is trained in another part; call again then"
    return found


def missing_trainings(needed: Iterable[tuple[PlannedNetwork, str]], zoo: Zoo) -> list[Job]:
    """The trainings of networks that are not in the `zoo` yet, each once.

    Args:
        needed: networks, teachers first, each with what waits for it.
        zoo: where checkpoints are.
    """
    trainings: dict[str, Job] = {}
    seen: set[str] = set()
    for network, rows in needed:
        training = network.training
        if training is None or network.name in seen:
            continue
        seen.add(network.name)
        obstacle = training.obstacle()
        if obstacle is not None or zoo.find(network) is None:
            trainings.setdefault(training.name, Job(network, None, rows, obstacle=obstacle))
    return list(trainings.values())
