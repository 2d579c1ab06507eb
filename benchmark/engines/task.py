"""What an engine runs, and what it says of it."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

#: How often a step of a task is begun before it is given up: once, and two times more.
TRIES = 3

#: Every message that a task yields says that a step is done; what it returns are remarks, for whoever asked for it.
Steps = Generator[Any, None, Sequence[str]]


class Task(Protocol):
    """Something to do, in steps. It is pure and can be pickled; what it is done twice is the same.

    Attributes:
        name: of what it is about, for messages.
        steps: its steps in their order; each is told as soon as it is done, and given up where it kills or outlasts
            its process.
        family: tasks of a family share what may turn out to be unfit; all of them are then left out.
    """

    @property
    def name(self) -> str: ...

    @property
    def steps(self) -> Sequence[Hashable]: ...

    @property
    def family(self) -> Hashable: ...

    def prepare(self) -> None:
        """Load what is needed, which is no part of what a step may take.

        Raises:
            UnfitNetwork: what its family shares is unfit.
            BadInput: nothing can be done, by any task.
        """

    def run(self, given_up: Mapping[Any, str]) -> Steps:
        """Do the steps; those that are `given_up` are only recorded as failed, each with the reason.

        Raises:
            UnfitNetwork, BadInput: as `prepare`.
        """


@dataclass(frozen=True)
class Slot:
    """Where a task runs.

    Attributes:
        device: the GPU that the task has, by its number on the machine; None for whatever the task itself names.
        threads: how many it computes with; None for as many as there are.
        share: the part of the GPU's memory that it may take.
    """

    device: int | None = None
    threads: int | None = None
    share: float = 1.0


@dataclass(frozen=True)
class Ready:
    """The task has loaded what it needs: from now on its steps are timed."""


@dataclass(frozen=True)
class Told:
    """A step is done.

    Attributes:
        message: what the task says of it.
    """

    message: Any


@dataclass(frozen=True)
class Ended:
    """The task is done.

    Attributes:
        remarks: what it met on the way.
    """

    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unfit:
    """What the task's family shares is unfit, for this reason."""

    reason: str


@dataclass(frozen=True)
class Fatal:
    """Nothing can be done by any task, for this reason."""

    reason: str


@dataclass(frozen=True)
class Lost:
    """The task did not end: its process or its machine is gone.

    Attributes:
        ending: how, as the end of "its process was ...".
        innocent: whether it was not the task's doing, as where a machine left; it is then not counted as a try.
    """

    ending: str
    innocent: bool = False


Event = Ready | Told | Ended | Unfit | Fatal | Lost
