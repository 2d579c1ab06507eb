"""trackio: a database on this machine (`TRACKIO_DIR`); a resumed run goes on under its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.trackers.tracker import Run


def open_run(run: Run) -> Trackio:
    """Begin a run, or go on with it. Its name ends with digits of its identity, since trackio knows runs by names."""
    import os

    import trackio

    begun = trackio.init(
        project=os.environ.get("TRACKIO_PROJECT", "bench"),
        name=f"{run.name}-{run.identity[:8]}",
        config={key: value for key, value in run.settings.items() if not key.startswith("_")},
        resume="allow",
        embed=False,
    )
    return Trackio(begun)


class Trackio:
    """A run."""

    def __init__(self, run: Any) -> None:
        self._run = run
        self._last = 0

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._last = step
        self._run.log(dict(values), step=step)

    def summary(self, values: Mapping[str, Any]) -> None:
        plain = {f"final/{name}": value for name, value in values.items() if isinstance(value, int | float)}
        self._run.log(plain, step=self._last)

    def close(self) -> None:
        self._run.finish()
