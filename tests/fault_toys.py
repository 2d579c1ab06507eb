"""Attacks that die, hang or swallow memory, for workers to survive."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from benchmark.attacks import Attack


@dataclass(frozen=True)
class Deadly(Attack):
    """Does the words of `way` in turn the first `times` times it is begun, as the file `log` counts; then nothing."""

    way: str = "die"
    log: str = ""
    times: int = 10**6

    name: ClassVar[str] = "deadly"
    kind: ClassVar[str] = "fixed-budget"
    norms: ClassVar[tuple[str, ...]] = ("linf", "l2", "l1")

    def __call__(self, classifier, x: Tensor, y: Tensor, threat, noise) -> Tensor:
        with Path(self.log).open("a") as file:
            file.write("x")
        tried = Path(self.log).stat().st_size
        ways = self.way.split()
        way = ways[(tried - 1) % len(ways)] if tried <= self.times else ""
        if way == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if way == "exit":
            sys.exit(7)
        if way == "hang":
            time.sleep(600)
        return x.clone()
