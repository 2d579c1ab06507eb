"""Where jobs run: in this process, or in several on this machine. Jobs are pure, so it can't change a number."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

import torch

from benchmark.errors import BadInput
from benchmark.evaluation.jobs import Done, Job, run_job
from benchmark.evaluation.ledger import Ledger
from benchmark.evaluation.subject import forget

#: Called with the position of the job and what it has put into the ledger.
Report = Callable[[int, Done], None]

#: How often a pool whose worker died is made anew.
POOLS = 3


def run_jobs(jobs: Sequence[Job], folder: Path, workers: int, report: Report) -> list[str]:
    """Run `jobs`, each result going into the ledger in `folder` as soon as it is there.

    Args:
        jobs: in the order in which they should be begun.
        folder: the results folder, already checked.
        workers: 1 for this process, else how many to start.
        report: told about every item that is done, in this process.

    Returns:
        The problems met in the ledger: damaged records, which were made again.

    Raises:
        BadInput: the ledger can't be written, or what is evaluated changed meanwhile.
        KeyboardInterrupt: the ledger is whole; at most the jobs in flight are lost.
    """
    if workers > 1 and len(jobs) > 1:
        return _run_in_pool(jobs, folder, min(workers, len(jobs)), report)
    ledger = Ledger.open(folder)
    try:
        for position, job in enumerate(jobs):
            for done in run_job(job, ledger):
                report(position, done)
    finally:
        forget()
    return ledger.problems


def _run_in_pool(jobs: Sequence[Job], folder: Path, workers: int, report: Report) -> list[str]:
    todo = dict(enumerate(jobs))
    problems: list[str] = []
    for _ in range(POOLS):
        with _pool(workers) as pool:
            futures = {pool.submit(_work, job, folder): position for position, job in todo.items()}
            try:
                for position, finished, found in _as_completed(futures):
                    problems += found
                    del todo[position]
                    for done in finished:
                        report(position, done)
                return list(dict.fromkeys(problems))
            except BrokenProcessPool:
                continue
    raise BadInput(
        f"worker processes died {POOLS} times; {len(todo)} jobs are not done, what is done is kept. "
        'If memory ran out, go on with fewer workers; in a script, call this below `if __name__ == "__main__":`'
    )


def _as_completed(
    futures: dict[Future[tuple[list[Done], list[str]]], int],
) -> Iterator[tuple[int, list[Done], list[str]]]:
    for future in as_completed(futures):
        finished, found = future.result()
        yield futures[future], finished, found


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes; when something goes wrong here, they are stopped at once instead of awaited."""
    strangers = set(multiprocessing.active_children())
    threads = max(1, (os.cpu_count() or 1) // workers)
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(threads,))
    try:
        yield pool
    except BaseException:
        for process in set(multiprocessing.active_children()) - strangers:
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _begin(threads: int) -> None:
    """Set up a worker: its share of the processor, and Ctrl-C left to the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)


def _work(job: Job, folder: Path) -> tuple[list[Done], list[str]]:
    ledger = Ledger.open(folder)
    return list(run_job(job, ledger)), ledger.problems
