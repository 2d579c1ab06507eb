"""One task after the other, in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmark.engines.task import Ended, Event, Fatal, Ready, Steps, Task, Told, Unfit
from benchmark.errors import BadInput, UnfitNetwork


def events(task: Task, given_up: Mapping[Any, str], is_timed: bool = True) -> Iterator[Event]:
    """Do a task, and say what an engine says of it; what it needs is loaded before where its steps are timed."""
    try:
        if is_timed:
            task.prepare()
        yield Ready()
        steps: Steps = task.run(given_up)
        while True:
            try:
                message = next(steps)
            except StopIteration as end:
                yield Ended(tuple(end.value or ()))
                return
            yield Told(message)
    except UnfitNetwork as error:
        yield Unfit(str(error))
    except BadInput as error:
        yield Fatal(str(error))


class Here:
    """This process. What a step does to it, it does to the program: no step can be stopped, or die alone."""

    def __init__(self) -> None:
        self._position, self._events = 0, iter(())  # type: tuple[int, Iterator[Event]]
        self._is_busy = False

    def room(self) -> int:
        return 0 if self._is_busy else 1

    def begin(self, position: int, task: Task, given_up: Mapping[Any, str]) -> None:
        self._position, self._events, self._is_busy = position, events(task, given_up, is_timed=False), True

    def listen(self, patience: float | None) -> Iterator[tuple[int, Event]]:
        for event in self._events:
            self._is_busy = isinstance(event, Ready | Told)
            yield self._position, event

    def stop(self, position: int) -> None:
        self._events, self._is_busy = iter(()), False

    def close(self) -> None:
        self.stop(self._position)
