"""Does an evaluation's memory stay flat? One of 1,000 jobs, measured after each hundred.

    python perf/memory.py                    # 1,000 jobs in this process
    python perf/memory.py --workers 2        # and in its workers
    python perf/memory.py --jobs 300 --json

The network is an untrained small-cnn on digits, since what is kept does not depend on how well it classifies. The
figure is the growth of the resident memory between the first hundred jobs, when everything is warm, and the last.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
from pathlib import Path

import torch

from benchmark import data, evaluation, models
from benchmark.evaluation import plan
from benchmark.evaluation.progress import Display

#: Images per job, so that the digits make many.
SHARD = 3

#: Of the 450 test images of digits: a multiple of a job's.
IMAGES = 297


def resident() -> int:
    """Bytes in memory of this process and of its children."""
    processes = [os.getpid(), *(child.pid for child in multiprocessing.active_children())]
    return sum(_resident(process) for process in processes if process is not None)


def _resident(process: int) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def untrained(folder: Path) -> Path:
    """A checkpoint of a network with random weights."""
    digits = data.load("digits")
    torch.manual_seed(0)
    facts = {"num_classes": 10, "shape": digits.shape, "mean": digits.mean, "std": digits.std}
    state = models.build("small-cnn", **facts).state_dict()
    texts = {"name": "untrained", "dataset": "digits", "scale": "digits", "method": "none", "network": ""}
    checkpoint = models.Checkpoint(state=state, architecture="small-cnn", recipe={}, seed=0, **facts, **texts)
    return models.save_checkpoint(folder / "untrained.pt", checkpoint)


def suite(folder: Path, jobs: int) -> Path:
    """A suite of so many short attacks that it makes about `jobs` jobs."""
    kinds = ("linf", "l2", "l1")
    lines = [
        f"  - {{attack: pgd, norm: {kinds[n % 3]}, label: 'a{n}', restarts: 2, "
        f"parameters: {{steps: 3, relative_step_size: {0.2 + n / 50}}}}}"
        for n in range(-(-jobs // (IMAGES // SHARD)))
    ]
    path = folder / "many.yaml"
    head = f"name: many\nversion: 1\nimages: {IMAGES}\nepsilons: {{digits: {{linf: 0.1, l2: 0.5, l1: 1.5}}}}\n"
    path.write_text(head + "attacks:\n" + "\n".join(lines) + "\n")
    return path


def measure(jobs: int, workers: int) -> list[int]:
    """The resident memory after each hundred jobs, in bytes."""
    found: list[int] = []
    advance = Display.advance

    def watched(display: Display, *told: object) -> None:
        advance(display, *told)  # type: ignore[arg-type]
        if display.done % 100 == 0:
            found.append(resident())

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan.SHARD, Display.advance = SHARD, watched  # type: ignore[method-assign]
        evaluation.evaluate(
            untrained(folder),
            suite=suite(folder, jobs),
            results=folder / "results",
            precision="fp32",
            workers=workers,
            progress=False,
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.jobs, options.workers)
    growth = found[-1] - found[0]
    if options.json:
        print(json.dumps({"jobs": 100 * len(found), "bytes": found, "growth": growth}))
        return
    for position, size in enumerate(found, 1):
        print(f"{100 * position:6,} jobs  {size / 2**20:8.1f} MiB")
    print(f"growth from job 100 to job {100 * len(found):,}: {growth / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
