"""How good the times of a dry run are: jobs of papers on the digits, their estimates, and what they then took.

    python perf/estimates.py                        # some rows of MAT and MMARD, of each kind of job
    python perf/estimates.py --csv perf/results/estimates.csv mat:2:AT mat:3:ACT mmard:6:ARD mat:5:AT-MSD

The table in docs/performance.md has what the second line measured, as far as it got: the file is written job by job,
so that what an interrupted run measured is kept.

What was taken is the processor time of this process, so that what others compute meanwhile does not count; run it
with one thread (OMP_NUM_THREADS=1), of whose clock the probe's seconds are, too.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmark.hardware import describe, resolve_device
from benchmark.papers import load_paper
from benchmark.papers.job_list import make_job_list
from benchmark.papers.setting import make_setting
from benchmark.planning.estimate import TimeEstimate
from benchmark.planning.ledger_index import LedgerIndex
from benchmark.planning.runner import JobRunner

ROWS = (
    "mat:2:AT", "mat:2:TRADES", "mat:2:MAT-h1", "mat:3:AT", "mat:3:ACT", "mat:4:MAT-h1",
    "mat:5:AT-MSD", "mat:5:MAT-MSD",
    "mmard:5:ARD from L", "mmard:5:MMARD from L",
)  # fmt: skip


@dataclass(frozen=True)
class Timed:
    """A job, the seconds that were predicted, and those that it took."""

    paper: str
    job: str
    predicted: float
    taken: float

    @property
    def ratio(self) -> float:
        return self.predicted / self.taken


def jobs_timed(rows: list[str], folder: Path) -> Iterator[Timed]:
    """Do the jobs of the `rows`, each given as paper:table:row; what was done for another row is not done again."""
    for row in rows:
        name, key, label = row.split(":", 2)
        paper = load_paper(name)
        setting = make_setting(paper, "digits")
        runner = JobRunner(setting, folder / "zoo", folder / "results", progress=False)
        jobs = make_job_list(paper, [key], setting, LedgerIndex.open(folder / "results"), folder / "zoo", [label])
        clock = TimeEstimate([], setting)
        estimates = [clock.estimate(job) for job in jobs.possible]
        for job, estimate in zip(jobs.possible, estimates, strict=True):
            started = time.process_time()
            (result,) = runner.do_all([job])
            taken = time.process_time() - started
            if result.error or estimate.seconds is None:
                print(f"{job.what}: {result.error or estimate.basis}", file=sys.stderr)
                continue
            yield Timed(name, job.what, estimate.seconds, taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", default=ROWS, help="PAPER:TABLE:ROW")
    parser.add_argument("--csv", type=Path, help="file to write the table to")
    given = parser.parse_args()
    print(f"{describe(resolve_device('cpu'))}\n")
    print("| Paper | Job | Predicted | Taken | Ratio |\n| --- | --- | --: | --: | --: |")
    with tempfile.TemporaryDirectory() as folder, (given.csv or Path(os.devnull)).open("w", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["paper", "job", "predicted_seconds", "taken_seconds", "ratio", "hardware"])
        for each in jobs_timed([*given.rows], Path(folder)):
            times = f"{each.predicted:.1f} s | {each.taken:.1f} s | {each.ratio:.2f}"
            print(f"| {each.paper} | {each.job} | {times} |", flush=True)
            numbers = (f"{number:.2f}" for number in (each.predicted, each.taken, each.ratio))
            writer.writerow([each.paper, each.job, *numbers, describe(resolve_device("cpu"))])
            file.flush()


if __name__ == "__main__":
    main()
