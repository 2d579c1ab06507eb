"""What is tried again, given up, stopped or left out: the same wherever tasks run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmark import deadline
from benchmark.engines.base import Engine
from benchmark.engines.task import TRIES, Ended, Event, Fatal, Lost, Ready, Task, Told, Unfit
from benchmark.errors import BadInput, UnfitNetwork

#: Called with the position of a task and what it says of a step that is done.
Report = Callable[[int, Any], None]

#: Called with the position of a task whose family is unfit, and the reason.
GiveUp = Callable[[int, str], None]

#: How often a task may lose its machine through no fault of its own.
MOVES = 20

#: Seconds between two looks at the clock where there is something to look for.
_TICK = 5.0


@dataclass(frozen=True)
class Limits:
    """How much is enough.

    Attributes:
        seconds: that one step may take; None for no limit.
        tries: how often a step is begun before it is given up.
    """

    seconds: float | None = None
    tries: int = TRIES


@dataclass
class _Running:
    """A task at work.

    Attributes:
        steps: how many it is past.
        begun: when it began with the one it is at, on the monotonic clock; None while it starts up, or loads.
        since: when it was begun.
    """

    steps: int = 0
    begun: float | None = None
    since: float = field(default_factory=time.monotonic)


def run(
    tasks: Sequence[Task],
    engine: Engine,
    report: Report,
    limits: Limits | None = None,
    give_up: GiveUp | None = None,
    after: Sequence[Collection[int]] = (),
) -> list[str]:
    """Run `tasks` in `engine`, which is closed at the end.

    Args:
        tasks: in the order in which they should be begun.
        engine: where.
        report: told about every step that is done, once, in this process.
        limits: of their time and their tries.
        give_up: told about tasks whose family is unfit; the other tasks of that family are then left out, and those
            of others go on. None to stop there.
        after: for each task the positions of those that have to be over before it begins; empty for none.

    Returns:
        The tasks' remarks, each once.

    Raises:
        BadInput: no task can do anything.
        UnfitNetwork: a family is unfit, and nobody is told by `give_up`.
        OutOfTime: the time is nearly over, see `benchmark.deadline`, and none of the others would be finished.
        KeyboardInterrupt: as it came; everything is stopped.
    """
    return _Policy(tasks, engine, report, limits or Limits(), give_up, after).run()


class _Policy:
    def __init__(
        self,
        tasks: Sequence[Task],
        engine: Engine,
        report: Report,
        limits: Limits,
        give_up: GiveUp | None,
        after: Sequence[Collection[int]] = (),
    ) -> None:
        self.tasks, self.engine, self.report, self.limits, self.give_up = tasks, engine, report, limits, give_up
        self.waits_for = [set(each) for each in after] or [set[int]() for _ in tasks]
        self.todo = list(range(len(tasks)))
        self.running: dict[int, _Running] = {}
        self.told: Counter[int] = Counter()
        self.failures: Counter[tuple[int, Hashable]] = Counter()
        self.moves: Counter[int] = Counter()
        self.given_up: dict[int, dict[Hashable, str]] = {position: {} for position in self.todo}
        self.longest = 0.0
        self.remarks: list[str] = []

    def run(self) -> list[str]:
        try:
            while self.todo or self.running:
                self.fill()
                if not self.running and self.is_short_of_time():
                    raise deadline.OutOfTime
                for position, event in self.engine.listen(self.patience()):
                    if position in self.running:
                        self.hear(position, event)
                for position in [each for each in self.running if self.left(each) <= 0]:
                    self.engine.stop(position)
                    self.lost(position, f"took longer than the time limit of {self.limits.seconds:g} s")
        finally:
            self.engine.close()
        return list(dict.fromkeys(self.remarks))

    def fill(self) -> None:
        """Begin as many tasks as there is room for, of those that need not wait and are likely to end in time."""
        while not self.is_short_of_time() and self.engine.room() > 0:
            free = next((each for each in self.todo if not self.waits_for[each]), None)
            if free is None:
                return
            self.todo.remove(free)
            self.running[free] = _Running()
            self.engine.begin(free, self.tasks[free], self.given_up[free])

    def is_short_of_time(self) -> bool:
        return deadline.left() <= self.longest

    def left(self, position: int) -> float:
        """Seconds that a task has left for the step it is at."""
        at = self.running[position]
        if self.limits.seconds is None or at.begun is None:
            return float("inf")
        if self.step(position) in self.given_up[position]:  # it is but recorded as failed
            return float("inf")
        return at.begun + self.limits.seconds - time.monotonic()

    def patience(self) -> float | None:
        least = min(map(self.left, self.running), default=float("inf"))
        if deadline.end() is not None:
            least = min(least, max(deadline.left() - self.longest, 0.05), _TICK)
        return None if least == float("inf") else max(0.0, least)

    def step(self, position: int) -> Hashable:
        """What a task is at; past the last step it is about to say so."""
        steps, at = self.tasks[position].steps, self.running[position].steps
        return steps[at] if at < len(steps) else None

    def hear(self, position: int, event: Event) -> None:
        at = self.running[position]
        at.begun = time.monotonic()
        if isinstance(event, Told):
            at.steps += 1
            if at.steps > self.told[position]:  # else it was reported by a process that was lost later
                self.told[position] += 1
                self.report(position, event.message)
        elif isinstance(event, Ended):
            self.remarks += event.remarks
            self.longest = max(self.longest, time.monotonic() - at.since)
            self.over(position)
        elif isinstance(event, Unfit):
            if self.give_up is None:
                raise UnfitNetwork(event.reason)
            self.give_up(position, event.reason)
            family = self.tasks[position].family
            self.over(position)
            for other in [each for each in self.todo if self.tasks[each].family == family]:
                self.todo.remove(other)
                self.over(other)
        elif isinstance(event, Fatal):
            raise BadInput(event.reason)
        elif isinstance(event, Lost):
            self.lost(position, f"its process was {event.ending}", event.innocent)
        else:
            assert isinstance(event, Ready), event

    def over(self, position: int) -> None:
        self.running.pop(position, None)
        for waiting in self.waits_for:
            waiting.discard(position)

    def lost(self, position: int, reason: str, innocent: bool = False) -> None:
        """Put a task first in the queue again; too often lost at one step, that step is given up."""
        step = self.step(position)
        del self.running[position]
        self.todo.insert(0, position)
        if innocent and self.moves[position] < MOVES:
            self.moves[position] += 1
            return
        self.failures[position, step] += 1
        tries = self.failures[position, step]
        if tries == self.limits.tries:
            self.given_up[position][step] = f"given up after {tries} tries: {reason}"
        elif tries > self.limits.tries:
            raise BadInput(
                f"{self.tasks[position].name}: {getattr(step, 'label', step)} could not even be recorded as failed "
                f"({reason}); finished work is kept"
            )
