"""Training, evaluating and reporting in processes that start at once and may be killed at any moment."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

import benchmark
from benchmark.errors import BadInput
from benchmark.evaluation import plan
from benchmark.ledger import Ledger
from benchmark.models import load_checkpoint

#: Three short epochs of one network, or of two.
SETTINGS = ("epochs=3", "batch_size=256", "threats.linf.steps=1", "validation.images=60", "validation.steps=1")


#: What a run would import on first use, each fork anew; most of the seconds of a short one.
PRELOADED = ["fault_runs", "benchmark.training", "benchmark.reporting.html"]
PRELOADED += ["lightning_fabric", "torch.utils.tensorboard", "sympy", "pydantic.dataclasses"]


def train(zoo: Path, method: str = "at") -> None:
    benchmark.train(method, set=SETTINGS, out=zoo, resume=True, progress=False, precision="fp32")


def evaluate(network: Path, suite: Path, results: Path, workers: int = 1) -> None:
    plan.SHARD = 10
    benchmark.evaluate(network, suite=suite, results=results, precision="fp32", workers=workers, progress=False)


def report(results: Path, out: Path) -> None:
    benchmark.report(results=results, out=out)


def _go(run: Callable[..., None], arguments: tuple[Any, ...], limit: int | None) -> None:
    torch.set_num_threads(1)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (as long as the process lives)
    if limit is not None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        run(*arguments)
    except BadInput:
        sys.exit(2)
    finally:
        if limit is not None:  # what counts covered lines writes its own file at the end
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def start(run: Callable[..., None], *arguments: Any, largest_file: int | None = None) -> multiprocessing.Process:
    """`run(*arguments)` in a fork of a process that has imported all; files may grow to `largest_file` bytes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=_go, args=(run, arguments, largest_file))
    process.start()
    return process  # type: ignore[return-value]


def finish(run: Callable[..., None], *arguments: Any) -> float:
    """Seconds that an uninterrupted run takes, the start of the server that forks it left out."""
    start(print).join()
    began = time.monotonic()
    process = start(run, *arguments)
    process.join(120)
    assert process.exitcode == 0
    return time.monotonic() - began


def kill(run: Callable[..., None], *arguments: Any, folder: Path, writes: int, after: float) -> bool:
    """Start a run, kill it `after` so many seconds once it has made `writes` to `folder`; whether it still lived.

    Seconds alone would all land before the first write where the machine has become busier since they were measured.
    """
    process = start(run, *arguments)
    seen, made = _times(folder), 0
    while made < writes and process.is_alive():
        time.sleep(0.002)
        now = _times(folder)
        seen, made = now, made + len(now - seen)
    process.join(after)
    process.kill()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def _times(folder: Path) -> set[tuple[Path, int]]:
    """All files that are written whole, each with its time of change."""
    found = set()
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if not path.name.endswith(".part") and not path.name.startswith("events") and path.is_file():
                found.add((path, path.stat().st_mtime_ns))
    return found


def moments(count: int, duration: float, writes: int, seed: int) -> Iterator[dict[str, Any]]:
    """Random moments of a run of so many `writes` in `duration` seconds, as `kill` takes them."""
    draw = random.Random(seed)
    for _ in range(count):
        made = draw.randrange(writes + 1)
        yield {"writes": made, "after": draw.random() * (2 * duration / writes if made else duration)}


def ledger_content(results: Path) -> dict[str, Any]:
    """All that decides numbers: records' keys and arrays, and evaluations, by file."""
    ledger = Ledger.open(results)
    content: dict[str, Any] = {}
    for path in sorted((results / "records").rglob("*.safetensors")):
        record = ledger.read(path.parent.name, path.stem)
        assert record is not None, ledger.problems
        arrays = [getattr(record, name).tobytes() for name in ("broken", "distance", "evaluated", "clean_errors")]
        content[path.name] = [record.key, arrays, record.error]
    for evaluation in ledger.evaluations():
        content[evaluation.id] = [evaluation.name, evaluation.failures, [o.records for o in evaluation.outcomes]]
    assert not ledger.problems
    return content


def networks(zoo: Path) -> dict[str, str]:
    """What the checkpoints of a zoo compute, by file; states of unfinished runs are none."""
    finished = [path for path in sorted(zoo.rglob("*.pt")) if path.parent.name != ".state"]
    return {str(path.relative_to(zoo)): load_checkpoint(path).digest for path in finished}


def epochs(zoo: Path) -> int:
    """How many epochs the state of the unfinished run in this zoo holds; 0 if there is none."""
    states = list((zoo / ".state").glob("*.pt"))
    return max((torch.load(path, weights_only=True)["epoch"] for path in states), default=0)


def whole_files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file that a reader would take for whole: its time of change and its content."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".part")]
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}


def finished_files(results: Path) -> dict[str, tuple[int, bytes]]:
    """The whole files that the next run may not write again.

    A job writes the images that are kept of it before its record, so those without one are of the job in flight.
    """
    files = whole_files(results)
    records = {Path(name).stem for name in files if name.endswith(".safetensors")}
    return {name: file for name, file in files.items() if not name.endswith(".npz") or Path(name).stem in records}
