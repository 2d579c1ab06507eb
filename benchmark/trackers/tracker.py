"""What a tracker is: three methods, and what it is told at the start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Run:
    """One training or one evaluation.

    Attributes:
        name: for people.
        identity: of what is done: a run that is resumed has the same, and goes on in the same place where it can.
        folder: for files of trackers that keep some.
        settings: plain values, such as hyper-parameters.
        job: "train" or "evaluate".
    """

    name: str
    identity: str
    folder: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    job: str = "train"


class Tracker(Protocol):
    """A run in a tracker."""

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Figures by names such as "h1/robust", at an epoch or after so many jobs."""

    def summary(self, values: Mapping[str, Any]) -> None:
        """Plain values that hold for the whole run, by such names."""

    def close(self) -> None:
        """Nothing more will come."""


#: Begins a run, or goes on with it. Raises BadInput, or whatever the library raises.
Open = Callable[[Run], Tracker]
