"""Work in slices of a few minutes: stops between two epochs where it can, within one where it must."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

#: Seconds between two looks at the clock.
TICK = 0.5


class OutOfTime(KeyboardInterrupt):
    """The slice is over. Training and evaluation treat it as Ctrl-C: what was finished is kept."""


class Slice:
    """Some minutes, and who may still begin within them.

    Args:
        seconds: how long it lasts; it begins now.
        clock: tells the time in seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.seconds = clock, seconds
        self.end = clock() + seconds

    @property
    def left(self) -> float:
        """Seconds that remain; negative once it is over."""
        return self.end - self.clock()

    def check(self) -> None:
        """Raises OutOfTime if nothing may begin any more."""
        if self.left <= 0:
            raise OutOfTime

    @contextmanager
    def limit(self, state: Path | None = None, unit: float = 0.0, units: int | None = None) -> Iterator[None]:
        """Within this context OutOfTime is raised at the end of the slice.

        Args:
            state: a file that is replaced whenever a unit of the work is done (an epoch); OutOfTime is then raised
                as soon as another one would not fit.
            unit: how many seconds the longest unit took so far.
            units: how many there are to do; None if that is not known.
        """
        watch = Watch(self, state, unit, units)
        before = signal.signal(signal.SIGALRM, lambda *_: watch.look())
        signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


class Watch:
    """Looks at the clock and at the file that says how far the work is."""

    def __init__(self, slice: Slice, state: Path | None, unit: float, units: int | None = None) -> None:
        self.slice, self.state, self.longest, self.units = slice, state, unit, units
        self.began, self.seen = slice.clock(), self._stamp()

    def look(self) -> None:
        """Raises OutOfTime if the slice is over, or if a unit was finished and the next one would not fit."""
        self.slice.check()
        stamp = self._stamp()
        if stamp != self.seen:
            now = self.slice.clock()
            self.longest = max(self.longest, now - self.began)
            self.began, self.seen = now, stamp
            self.units = None if self.units is None else self.units - 1
            if self.units != 0 and self.longest > self.slice.left:
                raise OutOfTime

    def _stamp(self) -> int | None:
        try:
            return os.stat(self.state).st_mtime_ns if self.state else None
        except FileNotFoundError:
            return None
