"""The papers' claims on photographs: a slim ResNet on 3,600 pictures of CIFAR-10, in the background of one core.

    python scripts/photographs.py all cifar10.tar.xz         # train and attack all runs, then report
    python scripts/photographs.py train cifar10.tar.xz       # train the runs of photographs_runs.yaml, in their order
    python scripts/photographs.py evaluate cifar10.tar.xz    # attack what is trained
    python scripts/photographs.py report cifar10.tar.xz      # tables and figures of what is measured, into --out
    python scripts/photographs.py status cifar10.tar.xz      # what is done, and the hours that are left

What is measured of a run is kept in --out/records, and the run is not made again, whether its weights are still in
--work or not: so the runs may be shared among machines and days. To make all of it anew, name another --out.

The archive holds train/<class>/* and test/<class>/*, as does a folder. A call may be ended at any time with Ctrl-C or
SIGTERM, and the same call goes on from the last finished epoch or attack. `--detach` starts it in a session of its
own with its output in --work/log; its number is in --work/pid, to pause it (kill -STOP) and to continue it (kill
-CONT). --minutes ends it between two epochs. Exit code 0: all is done, 1: something failed, 2: something was wrong
with the input, 75: call again.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from photographs_evaluation import measure, measured
from photographs_queue import RUNS, Queue, Run
from photographs_results import write_results

import benchmark
from benchmark import deadline
from benchmark.deadline import OutOfTime
from benchmark.training.settings import parse_settings

DONE, FAILED, BAD, AGAIN = 0, 1, 2, 75


def train(queue: Queue, then: Callable[[Run], None] = lambda run: None) -> int:
    """Train what is not trained yet, and do `then` with each run; the exit code.

    A run that fails does not stop the others.
    """
    failed = []
    for run in queue.content.runs:
        if not queue.is_needed(run):
            then(run)
            continue
        began, behind = time.monotonic(), queue.epochs(run)
        print(f"{time.strftime('%d %b %H:%M')} {run.full_name} begins at epoch {behind + 1}", flush=True)
        try:
            queue.train(run)
        except benchmark.BadInput as error:
            failed.append(run.full_name)
            print(f"{run.full_name} failed: {error}", file=sys.stderr, flush=True)
        else:
            print(f"{run.full_name} is trained, {(time.monotonic() - began) / 60:.1f} min", flush=True)
            then(run)
    return FAILED if failed else DONE


def status(queue: Queue) -> None:
    """Print what is done and what is left."""
    total, unknown = 0.0, False
    for run, share, hours in queue.hours():
        left = "" if share == 1 else "unknown" if hours is None else f"{hours:.2f} h left"
        left = "measured" if queue.is_measured(run) else left
        print(f"{run.full_name:24} {100 * share:4.0f}%  {left}")
        total, unknown = total + (hours or 0.0), unknown or hours is None
    print("how long it takes is not known before a run is finished" if unknown else f"{total:.1f} h left in all")


@contextmanager
def alone(work: Path) -> Iterator[None]:
    """Within this context nobody else trains in `work`, and its file pid names this process.

    Raises:
        BadInput: somebody does.
    """
    work.mkdir(parents=True, exist_ok=True)
    with (work / "pid").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise benchmark.BadInput(f"{work}: process {file.read().strip()} is training in it already") from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def detach(work: Path, words: Sequence[str]) -> int:
    """Start this program anew with `words`, in a session of its own; its number."""
    work.mkdir(parents=True, exist_ok=True)
    with (work / "log").open("ab") as log:
        started = subprocess.Popen(
            [sys.executable, __file__, *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return started.pid


def listen() -> None:
    """Ctrl-C and SIGTERM end this program even where it was started to ignore them, as a script's jobs are."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["all", "train", "evaluate", "report", "status"])
    parser.add_argument("data", help="CIFAR-10 as a folder or an archive of one")
    parser.add_argument("--work", type=Path, default=Path("runs/photographs"), help="weights and ledger; not for git")
    parser.add_argument("--minutes", type=float, help="how long this call may train")
    parser.add_argument("--runs", type=Path, default=RUNS, help="which runs; a YAML file")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="change the recipe, to try it out")
    parser.add_argument("--images", type=int, help="attack only so many test images, to try it out")
    parser.add_argument(
        "--out",
        type=Path,
        help="tables and records; default: reports/cifar10-small, --work/trial for what is tried out",
    )
    parser.add_argument("--detach", action="store_true", help="work in the background")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of a call."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = parsed(words)
    try:
        is_trial = options.images or options.set or options.runs != RUNS
        out = options.out or (options.work / "trial" if is_trial else Path("reports/cifar10-small"))
        queue = Queue(options.data, options.work, out / "records", options.runs, settings=parse_settings(options.set))
        if options.verb == "status":
            status(queue)
            return DONE
        if options.detach:
            print(detach(options.work, [word for word in words if word != "--detach"]))
            return DONE
        listen()
        with deadline.within(options.minutes and 60 * options.minutes):
            return work(queue, out, options)
    except benchmark.BadInput as error:
        print(f"photographs: {error}", file=sys.stderr)
        return BAD
    except OutOfTime:
        return AGAIN
    except KeyboardInterrupt:
        print("photographs: interrupted; the same command goes on", file=sys.stderr)
        return 130


def work(queue: Queue, out: Path, options: argparse.Namespace) -> int:
    """What the verb asks for; the exit code."""

    def attack(run: Run) -> None:
        if queue.is_trained(run) and not queue.is_measured(run):
            measure(queue, run, options.images)
            print(f"{time.strftime('%d %b %H:%M')} {run.full_name} is measured", flush=True)

    code = DONE
    if options.verb in ("all", "train"):
        with alone(options.work):
            code = train(queue, attack) if options.verb == "all" else train(queue)
    elif options.verb == "evaluate":
        for run in queue.content.runs:
            attack(run)
    if options.verb in ("all", "report"):
        write_results(out, measured(queue), queue.content.claims)
    return code


if __name__ == "__main__":
    sys.exit(main())
