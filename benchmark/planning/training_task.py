"""A training of a plan as an engine runs it: on this machine, or on one that may share no disk with it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.deadline import OutOfTime
from benchmark.engines.task import Steps
from benchmark.errors import BadInput, short
from benchmark.planning.jobs import Job
from benchmark.run_names import file_stem
from benchmark.storage import write_atomic


@dataclass(frozen=True)
class Trained:
    """What became of a training.

    Attributes:
        error: why it could not be done; "" if it was.
        is_late: whether the time was over before.
        files: what it has written, by places in the zoo, where that could not be reached.
    """

    error: str = ""
    is_late: bool = False
    files: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True)
class TrainingTask:
    """One training, in a single step that says `Trained`.

    Attributes:
        runner: what it is done with, a `JobRunner`, whose module is above this one.
        job: what is trained.
        mark: a file in the zoo that no other folder has; None where the zoo is surely at hand.
        sent: teachers, and the state of an unfinished run, by places in the zoo; looked up when it is sent.
    """

    runner: Any
    job: Job
    mark: Path | None = None
    sent: tuple[tuple[str, bytes], ...] = ()

    @property
    def name(self) -> str:
        return str(self.job.trains)

    @property
    def steps(self) -> Sequence[str]:
        return (self.job.what,)

    @property
    def family(self) -> str:
        return self.name

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "runner": replace(self.runner, progress=False)}
        if self.mark is not None:
            zoo = self.runner.zoo
            found = [zoo / ".state" / f"{file_stem(self.name)}.pt"]
            for network in self.job.network.lineage():
                if network.training and network.training.name != self.name:
                    found.append(self.runner.checkpoints.find(network) or zoo)
            own = [path for path in found if path.is_file()]
            state["sent"] = tuple((path.relative_to(zoo).as_posix(), path.read_bytes()) for path in own)
        return state

    def prepare(self) -> None:
        """Nothing: a training has no time limit."""

    def run(self, given_up: Mapping[str, str]) -> Steps:
        if self.steps[0] in given_up:
            yield Trained(given_up[self.steps[0]])
        elif self.mark is None or self.mark.exists():
            yield self._done(self.runner)
        else:
            with tempfile.TemporaryDirectory(prefix="bench-") as name:
                zoo = Path(name)
                for place, content in self.sent:
                    write_atomic(zoo / place, content)
                done = self._done(replace(self.runner, zoo=zoo))
                before = dict(self.sent)
                paths = [path for path in zoo.rglob("*") if path.is_file() and not path.name.endswith(".part")]
                files = ((path.relative_to(zoo).as_posix(), path.read_bytes()) for path in sorted(paths))
                yield replace(done, files=tuple(pair for pair in files if before.get(pair[0]) != pair[1]))
        return []

    def _done(self, runner: Any) -> Trained:
        try:
            runner.do(self.job)
        except BadInput as error:
            return Trained(str(error))
        except OutOfTime:
            return Trained(is_late=True)
        return Trained()


def receive(trained: Trained, task: TrainingTask) -> None:
    """Put what a training has written into the zoo; of one that is finished, its state is no longer needed.

    Raises:
        BadInput: the zoo can't be written, or what came has no place in it.
    """
    zoo = task.runner.zoo
    for place, content in trained.files:
        parts = Path(place).parts
        if Path(place).is_absolute() or ".." in parts or len(parts) > 4:
            raise BadInput(f"a worker sent the file {short(place)}, which has no place in {zoo}")
        write_atomic(zoo / place, content)
    if trained.files and not (trained.error or trained.is_late):
        (zoo / ".state" / f"{file_stem(task.name)}.pt").unlink(missing_ok=True)
