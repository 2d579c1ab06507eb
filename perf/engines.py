"""What an engine costs per task: the same tasks, which do nothing, in this process, in processes and on Ray.

    python perf/engines.py --tasks 200 --json >> perf/results/engines.jsonl

Each engine is started, runs one task that is not timed, and then all of them; the time that it took to start is told
apart. Ray is one node on this machine. The median of the turns.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from benchmark import engines
from benchmark.engines.base import Engine
from benchmark.engines.here import Here
from benchmark.engines.on_ray import OnRay
from benchmark.engines.processes import Processes
from benchmark.engines.task import Slot, Steps
from benchmark.hardware import describe


@dataclass(frozen=True)
class Nothing:
    """A task of one step that does nothing, with as many bytes to send as a job has."""

    name: str = "nothing"
    steps: tuple[str, ...] = ("nothing",)
    family: str = "nothing"
    load: bytes = bytes(2000)

    def prepare(self) -> None:
        pass

    def run(self, given_up: Mapping[str, str]) -> Steps:
        yield self.name
        return []


class Kept:
    """An engine that stays open."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.room, self.begin, self.listen, self.stop = engine.room, engine.begin, engine.listen, engine.stop

    def close(self) -> None:
        pass


def measured(make: Callable[[], Engine], tasks: int, turns: int) -> tuple[float, float]:
    """Seconds to the end of a first task, and seconds per task after that."""
    began = time.perf_counter()
    engine = Kept(make())
    engines.run([Nothing()], engine, lambda *_: None)
    first = time.perf_counter() - began
    each = []
    for _ in range(turns):
        began = time.perf_counter()
        engines.run([Nothing()] * tasks, engine, lambda *_: None)
        each.append((time.perf_counter() - began) / tasks)
    engine.engine.close()
    return first, statistics.median(each)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    kinds: dict[str, Callable[[], Engine]] = {
        "here": Here,
        "processes": lambda: Processes([Slot(threads=1)] * options.workers),
        "ray": lambda: OnRay(None, options.workers),
    }
    for name, make in kinds.items():
        first, each = measured(make, options.tasks, options.turns)
        line = {"engine": name, "workers": 1 if name == "here" else options.workers, "tasks": options.tasks}
        line |= {"first_task_s": round(first, 3), "ms_per_task": round(1e3 * each, 3)}
        line |= {"hardware": describe(torch.device("cpu"))}
        print(json.dumps(line) if options.json else f"{name}: start {first:.2f} s, {1e3 * each:.2f} ms per task")


if __name__ == "__main__":
    main()
