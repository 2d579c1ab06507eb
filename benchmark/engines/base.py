"""What the policy asks of an engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from benchmark.engines.task import Event, Task


class Engine(Protocol):
    """Slots in which tasks run. A task is known by its position in the list of all."""

    def room(self) -> int:
        """How many more tasks may be begun now; where machines come and go, that changes."""

    def begin(self, position: int, task: Task, given_up: Mapping[Any, str]) -> None:
        """Begin a task, as soon as a slot is ready for it."""

    def listen(self, patience: float | None) -> Iterable[tuple[int, Event]]:
        """What tasks have said, once something was said or `patience` seconds are over (None: however long).

        Raises:
            BadInput: no slot can work.
        """

    def stop(self, position: int) -> None:
        """End a task at once, whatever it does; nothing more is heard of it."""

    def close(self) -> None:
        """End everything; no process is left behind."""
