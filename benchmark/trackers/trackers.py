"""Several trackers as one that nothing fails by: whoever trains for hours is told once that a tracker is lost."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmark.errors import BadInput, notice, reason
from benchmark.trackers.table import TRACKERS
from benchmark.trackers.tracker import Run, Tracker

#: What any library may raise: a full disk, a server that is gone; some leave the program where no licence is found.
_FAULTS = (Exception, SystemExit)


class Trackers:
    """All trackers of one run; one that fails is told of, and left alone from then on.

    Args:
        names: of trackers, as `check_trackers` gives them.
        run: what they follow.

    Raises:
        BadInput: one can't begin, so that nothing would be kept; nothing has been computed yet.
    """

    def __init__(self, names: Sequence[str], run: Run) -> None:
        self._open: dict[str, Tracker] = {}
        for name in names:
            try:
                self._open[name] = TRACKERS.get(name)(run)
            except BaseException as error:
                self.close()
                if isinstance(error, BadInput) or not isinstance(error, _FAULTS):
                    raise
                raise BadInput(f"--log {name} can't begin ({reason(error)}); mend that, or leave it out") from error

    def log(self, values: Mapping[str, Any], step: int) -> None:
        """Hand on what are finite numbers."""
        figures = {name: float(value) for name, value in values.items() if _is_figure(value)}
        if figures:
            self._each(lambda tracker: tracker.log(figures, step))

    def summary(self, values: Mapping[str, Any]) -> None:
        """Hand on plain values that hold for the whole run."""
        self._each(lambda tracker: tracker.summary(values))

    def close(self) -> None:
        """End all of them."""
        self._each(lambda tracker: tracker.close())
        self._open.clear()

    def _each(self, call: Callable[[Tracker], None]) -> None:
        for name, tracker in [*self._open.items()]:
            try:
                call(tracker)
            except _FAULTS as error:
                del self._open[name]
                notice(f"--log {name} failed ({reason(error)}); this run goes on without it")


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
