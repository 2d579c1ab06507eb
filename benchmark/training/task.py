"""A training as an engine runs it: on this machine, or on one that may share no disk with it."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from benchmark import deadline, engines
from benchmark.deadline import OutOfTime
from benchmark.engines import Means
from benchmark.engines.task import Steps
from benchmark.errors import BadInput, short
from benchmark.hardware import resolve_device
from benchmark.run_names import file_stem
from benchmark.storage import write_atomic


class Training(Protocol):
    """What is to be trained; it is pure and can be pickled.

    Attributes:
        name: of the run.
        zoo: folder for its checkpoints.
    """

    @property
    def name(self) -> str: ...

    @property
    def zoo(self) -> Path: ...

    def needs(self) -> Collection[Path]:
        """The files in the zoo that it reads: its teachers, and what stands where it writes."""

    def placed(self, zoo: Path) -> Training:
        """The same, with another folder."""

    def __call__(self) -> Sequence[Path]:
        """Train, unless it is done already.

        Returns:
            The checkpoints.

        Raises:
            BadInput: it can't be done.
            OutOfTime: there is no time left.
        """


@dataclass(frozen=True)
class Trained:
    """What became of a training.

    Attributes:
        error: why it could not be done; "" if it was.
        is_late: whether the time was over before.
        paths: the checkpoints, by their places in the zoo.
        finished: how many units of it were finished, see `benchmark.deadline`.
        files: all that it has written, by places in the zoo, where that could not be reached.
    """

    error: str = ""
    is_late: bool = False
    paths: tuple[str, ...] = ()
    finished: int = 0
    files: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True)
class TrainingTask:
    """One training, in a single step that says `Trained`.

    Attributes:
        training: what is trained.
        mark: a file in the zoo that no other folder has; None where the zoo is surely at hand.
        sent: what the training reads, and its state if it is unfinished, by places in the zoo; looked up when sent.
    """

    training: Training
    mark: Path | None = None
    sent: tuple[tuple[str, bytes], ...] = ()

    @property
    def name(self) -> str:
        return self.training.name

    @property
    def steps(self) -> Sequence[str]:
        return (f"train {self.name}",)

    @property
    def family(self) -> str:
        return self.name

    def __getstate__(self) -> dict[str, object]:
        state: dict[str, object] = dict(self.__dict__)
        if self.mark is not None:
            zoo = self.training.zoo
            own = [path for path in (state_of(self.training), *self.training.needs()) if path.is_file()]
            state["sent"] = tuple((path.relative_to(zoo).as_posix(), path.read_bytes()) for path in own)
        return state

    def prepare(self) -> None:
        """Nothing: a training has no time limit."""

    def run(self, given_up: Mapping[str, str]) -> Steps:
        if self.steps[0] in given_up:
            yield Trained(given_up[self.steps[0]])
        elif self.mark is None or self.mark.exists():
            yield _done(self.training)
        else:
            with tempfile.TemporaryDirectory(prefix="bench-") as name:
                zoo = Path(name)
                for place, content in self.sent:
                    write_atomic(zoo / place, content)
                done = _done(self.training.placed(zoo))
                before = dict(self.sent)
                paths = [path for path in zoo.rglob("*") if path.is_file() and not path.name.endswith(".part")]
                files = ((path.relative_to(zoo).as_posix(), path.read_bytes()) for path in sorted(paths))
                sent = tuple(pair for pair in files if before.get(pair[0]) != pair[1])
                said = done.error.replace(str(zoo), str(self.training.zoo))
                yield replace(done, error=said, files=sent)
        return []


def _done(training: Training) -> Trained:
    before = deadline.finished()
    try:
        paths = training()
    except BadInput as error:
        return Trained(str(error))
    except OutOfTime:
        return Trained(is_late=True, finished=deadline.finished() - before)
    return Trained(paths=tuple(path.relative_to(training.zoo).as_posix() for path in paths), finished=1)


def state_of(training: Training) -> Path:
    """Where the state of the run lies while it is unfinished."""
    return training.zoo / ".state" / f"{file_stem(training.name)}.pt"


def train_all(
    trainings: Sequence[Training],
    means: Means,
    device: str,
    report: Callable[[int, Trained], None],
    after: Sequence[Collection[int]] = (),
) -> None:
    """Do trainings, each as soon as there is room for it and those that it comes after are done.

    Args:
        trainings: all of one zoo.
        means: what they are given to run on.
        device: see `benchmark.hardware`.
        report: told of each, by its position, what became of it, once its files are in the zoo.
        after: for each, the positions of those that it waits for; none if left out.

    Raises:
        BadInput: there is nothing to run on, or the zoo can't be written.
        OutOfTime: one of them was late; the others are finished.
    """
    late = False

    def receive(position: int, trained: Trained) -> None:
        nonlocal late
        late |= trained.is_late
        _receive(trained, trainings[position])
        deadline.advance(trained.finished)
        report(position, trained)

    with _mark(trainings[0].zoo if means.engine != "local" else None) as mark:
        tasks = [TrainingTask(training, mark) for training in trainings]
        engine = means.open(len(tasks), str(resolve_device(device)))
        engines.run(tasks, engine, receive, after=after or [()] * len(tasks))
    if late:
        raise OutOfTime


@contextmanager
def _mark(zoo: Path | None) -> Iterator[Path | None]:
    """A file in `zoo` by which a machine sees that it has this very folder."""
    if zoo is None:
        yield None
        return
    mark = write_atomic(zoo / f".seen-{uuid.uuid4().hex}.part", "")
    try:
        yield mark
    finally:
        mark.unlink(missing_ok=True)


def _receive(trained: Trained, training: Training) -> None:
    """Put what a training has written into the zoo; of one that is finished, its state is no longer needed."""
    zoo = training.zoo
    for place, content in trained.files:
        parts = Path(place).parts
        if Path(place).is_absolute() or ".." in parts or len(parts) > 4:
            raise BadInput(f"a worker sent the file {short(place)}, which has no place in {zoo}")
        write_atomic(zoo / place, content)
    if trained.files and not (trained.error or trained.is_late):
        state_of(training).unlink(missing_ok=True)
