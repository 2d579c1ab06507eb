"""Where jobs run: in this process, or in several on this machine. Jobs are pure, so it can't change a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmark.errors import UnfitNetwork
from benchmark.evaluation.jobs import AttackJob, Done
from benchmark.evaluation.run_job import run_job
from benchmark.evaluation.target import Target, forget
from benchmark.evaluation.workers import WorkerPool
from benchmark.ledger.ledger import Ledger

#: Called with the position of the job and what it has put into the ledger.
Report = Callable[[int, Done], None]

#: Called with the position of a job whose network failed, and the reason.
GiveUp = Callable[[int, str], None]


def run_jobs(
    jobs: Sequence[AttackJob],
    folder: Path,
    workers: int,
    report: Report,
    time_limit: float | None = None,
    give_up: GiveUp | None = None,
    more_to_come: bool = False,
) -> list[str]:
    """Run `jobs`, each result going into the ledger in `folder` as soon as it is there.

    Args:
        jobs: in the order in which they should be begun.
        folder: the results folder, already checked.
        workers: 1 for this process, else how many to start at most; what is started can die without harm, so that one
            is started for a single job, too.
        report: told about every item that is done, in this process.
        time_limit: seconds that one attack on one shard may take; it needs a worker that can be stopped.
        give_up: told about jobs whose network fails, or is not what it was; the other jobs of this network are then
            left out, and those of others go on. None to stop there.
        more_to_come: keep the images and the last network in memory, for the next call; the last one frees them.

    Returns:
        The problems met in the ledger: damaged records, which were made again.

    Raises:
        BadInput: the ledger can't be written, or the images changed meanwhile.
        UnfitNetwork: a network failed or changed meanwhile, and nobody is told by `give_up`.
        KeyboardInterrupt: the ledger is whole; at most the jobs in flight are lost.
    """
    if jobs and (time_limit is not None or workers > 1):
        return WorkerPool(jobs, folder, min(workers, len(jobs)), report, time_limit, give_up).run()
    ledger = Ledger.open(folder)
    unfit = set[Target]()
    try:
        for position, job in enumerate(jobs):
            if job.target in unfit:
                continue
            try:
                for done in run_job(job, ledger):
                    if isinstance(done, Done):
                        report(position, done)
            except UnfitNetwork as error:
                if give_up is None:
                    raise
                unfit.add(job.target)
                give_up(position, str(error))
    finally:
        if not more_to_come:
            forget()
    return ledger.problems
