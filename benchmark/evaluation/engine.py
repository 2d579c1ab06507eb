"""Where jobs run: in this process, or in several on this machine. Jobs are pure, so it can't change a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmark.evaluation.jobs import Done, Job, run_job
from benchmark.evaluation.ledger import Ledger
from benchmark.evaluation.subject import forget
from benchmark.evaluation.workers import Crew

#: Called with the position of the job and what it has put into the ledger.
Report = Callable[[int, Done], None]


def run_jobs(
    jobs: Sequence[Job], folder: Path, workers: int, report: Report, time_limit: float | None = None
) -> list[str]:
    """Run `jobs`, each result going into the ledger in `folder` as soon as it is there.

    Args:
        jobs: in the order in which they should be begun.
        folder: the results folder, already checked.
        workers: 1 for this process, else how many to start at most; what is started can die without harm, so that one
            is started for a single job, too.
        report: told about every item that is done, in this process.
        time_limit: seconds that one attack on one shard may take; it needs a worker that can be stopped.

    Returns:
        The problems met in the ledger: damaged records, which were made again.

    Raises:
        BadInput: the ledger can't be written, or what is evaluated changed meanwhile.
        KeyboardInterrupt: the ledger is whole; at most the jobs in flight are lost.
    """
    if jobs and (time_limit is not None or workers > 1):
        return Crew(jobs, folder, min(workers, len(jobs)), report, time_limit).run()
    ledger = Ledger.open(folder)
    try:
        for position, job in enumerate(jobs):
            for done in run_job(job, ledger):
                report(position, done)
    finally:
        forget()
    return ledger.problems
