"""What there is to do for a paper, how long it takes, and what is missing for it: listed, nothing is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmark.papers.work import Work
from benchmark.planning.estimate import TimeEstimate
from benchmark.planning.jobs import Job
from benchmark.planning.ledger_index import LedgerIndex
from benchmark.planning.missing import missing

#: What stands where the time of a job can't be estimated; why is said once for all of them.
UNKNOWN = "unknown"


def list_work(
    works: Sequence[Work], index: LedgerIndex, device: str, download: bool, notes: Sequence[str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """A row for each job with its time in seconds and what that is based on; and what is missing or unknown, once.

    Args:
        works: what is to be done.
        index: what was measured before.
        device, download: as `paper` takes them.
        notes: what else is to be said.
    """
    needs = [each for work in works for each in missing(work.jobs.possible, work.setting, download)]
    rows: list[dict[str, Any]] = []
    reasons: list[str] = []
    for work in works:
        listed, unknown_times = listed_jobs(work.jobs.jobs, TimeEstimate(index.all(), work.setting, device))
        rows += listed
        reasons += [each for each in unknown_times if each not in needs]
    return rows, list(dict.fromkeys([*needs, *notes, *reasons]))


def listed_jobs(jobs: Sequence[Job], estimates: TimeEstimate | None) -> tuple[list[dict[str, Any]], list[str]]:
    """A row for each job, and why the times of some are unknown, each reason once."""
    rows, reasons = [], []
    for job in jobs:
        row: dict[str, Any] = {"job": job.what, "for": job.rows}
        estimate = estimates.estimate(job) if estimates and not job.obstacle else None
        if estimate and estimate.seconds is not None:
            row["time"] = estimate.seconds
        elif estimate:
            reasons.append(estimate.basis)
        known = estimate.basis if estimate and estimate.seconds is not None else UNKNOWN if estimate else ""
        row["basis"] = f"not possible: {job.obstacle}" if job.obstacle else known
        rows.append(row)
    return rows, list(dict.fromkeys(reasons))
