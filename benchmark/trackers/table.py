"""The trackers by their names; other packages add theirs as entry points `benchmark.trackers`."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

from benchmark.errors import BadInput
from benchmark.registry import Registry
from benchmark.trackers.tracker import Open, Run, Tracker

#: Tracker -> the package that it takes, and what installs it.
_PACKAGES = {
    "tensorboard": ("tensorboard", "tensorboard"),
    "mlflow": ("mlflow", "mlflow"),
    "wandb": ("wandb", "wandb"),
    "trackio": ("trackio", "trackio"),
}

TRACKERS: Registry[Open] = Registry(
    "tracker", fault=lambda thing: "" if callable(thing) else "is no function that begins a run"
)


def _shipped(name: str) -> Open:
    """Begins runs in the tracker of that name, whose module is imported only then."""

    def begin(run: Run) -> Tracker:
        open_run: Callable[[Run], Tracker] = importlib.import_module(f"benchmark.trackers.{name}_").open_run
        return open_run(run)

    return begin


for _name in _PACKAGES:
    TRACKERS.add(_name, _shipped(_name))


def check_trackers(log: Sequence[str] | str) -> tuple[str, ...]:
    """The names, each once, if there are such trackers and what they need is installed.

    Raises:
        BadInput: there is no such tracker, or a package is missing: the message says what installs it.
    """
    names = tuple(dict.fromkeys([log] if isinstance(log, str) else log))
    for name in names:
        TRACKERS.get(name)
        package, install = _PACKAGES.get(name, ("", ""))
        if package and not _is_there(package):
            raise BadInput(f"--log {name} needs the package {package}, which is not installed: pip install {install}")
    return names


def _is_there(package: str) -> bool:
    try:
        found: Any = importlib.util.find_spec(package)
    except (ImportError, ValueError):  # half-installed, or put aside by a test
        return False
    return found is not None
