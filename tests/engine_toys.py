"""Tasks that need no torch, so that processes to run them start at once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark import engines
from benchmark.errors import UnfitNetwork


@dataclass(frozen=True)
class Count:
    """Says its steps; "die" and "hang" do so the first `times` times, as a folder counts; "unfit" says so."""

    name: str
    steps: tuple[str, ...] = ("one", "two")
    family: str = ""
    folder: Path | None = None
    times: int = 10**6

    def prepare(self) -> None:
        pass

    def run(self, given_up: Mapping[str, str]):
        for step in self.steps:
            if step in given_up:
                yield self.name, given_up[step]
                continue
            if step == "unfit":
                raise UnfitNetwork(f"{self.name} is unfit")
            if step in ("die", "hang") and self._tries() < self.times:
                (self.folder / f"{time.time_ns()}").touch()
                os.kill(os.getpid(), signal.SIGKILL) if step == "die" else time.sleep(600)
            yield self.name, step
        return [f"{self.name} remarks"]

    def _tries(self) -> int:
        return len(list(self.folder.iterdir()))


def ran(tasks, engine, limits=None, **options):
    told = []
    remarks = engines.run(
        tasks, engine, lambda position, message: told.append((position, *message)), limits, **options
    )
    return told, remarks
