"""Where jobs run: in this process, in several on this machine, on a cluster. Jobs are pure: it changes no number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmark import deadline, engines
from benchmark.engines import Limits, Means
from benchmark.engines.here import Here
from benchmark.engines.on_ray import OnRay
from benchmark.engines.processes import SetUp
from benchmark.evaluation import objects
from benchmark.evaluation.jobs import AttackJob, Crafted, Done
from benchmark.evaluation.ledger_task import LedgerTask
from benchmark.evaluation.opening import forget_network
from benchmark.evaluation.shipping import Freight, Shipment, receive, remote_tasks
from benchmark.evaluation.target import forget


def _set_up() -> SetUp:
    return partial(objects.unpack, objects.parcel())


#: Called with the position of the job and what it has put into the ledger.
Report = Callable[[int, Done], None]

#: Called with the position of a job whose network failed, and the reason.
GiveUp = Callable[[int, str], None]


def run_jobs(
    jobs: Sequence[AttackJob],
    folder: Path,
    means: Means | int | None,
    report: Report,
    time_limit: float | None = None,
    give_up: GiveUp | None = None,
    more_to_come: bool = False,
) -> list[str]:
    """Run `jobs`, each result going into the ledger in `folder` as soon as it is there.

    Args:
        jobs: in the order in which they should be begun.
        folder: the results folder, already checked.
        means: what they run on; or how many workers: what is started can die without harm, so that one is started
            for a single job, too, where several are asked for.
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
    means = means if isinstance(means, Means) else Means(means)

    def told(position: int, message: Done | Crafted | Shipment) -> None:
        done = receive(message, folder) if isinstance(message, Shipment) else message
        deadline.advance()
        if isinstance(done, Done):
            report(position, done)

    try:
        if not jobs:
            return []
        engine = means.open(len(jobs), jobs[0].target.device, time_limit is not None, _set_up)
        if not isinstance(engine, Here):
            forget_network()  # which others will load
        limits = Limits(time_limit)
        if isinstance(engine, OnRay):
            with remote_tasks(jobs, folder, Freight(engine.keep), means.remote_device()) as remote:
                return engines.run(remote, engine, told, limits, give_up)
        return engines.run([LedgerTask(job, folder) for job in jobs], engine, told, limits, give_up)
    finally:
        if not more_to_come:
            forget()
