"""How good the times of a dry run are: jobs of papers on the digits, their estimates, and what they then took.

    python perf/estimates.py                        # some rows of MAT and MMARD, of each kind of job
    python perf/estimates.py --csv perf/results/estimates.csv mat:2:AT mat:3:ACT mmard:6:ARD mat:5:AT-MSD

The table in docs/performance.md has what the second line measured, as far as it got: the file is written job by job,
and the same command goes on after an interruption. What the file has of this machine is not measured again, and what
is in the folder --work is not made again; to measure all anew, delete the file and the folder.

What was taken is the processor time of this process, so that what others compute meanwhile does not count; run it
with one thread (OMP_NUM_THREADS=1), of whose clock the probe's seconds are, too.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
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


COLUMNS = ("paper", "job", "predicted_seconds", "taken_seconds", "ratio", "hardware")


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


@dataclass(frozen=True)
class Table:
    """The file of what was measured: each job is added as soon as it is done.

    Attributes:
        path: of the CSV; None for none.
        hardware: what this machine is called.
    """

    path: Path | None
    hardware: str

    def has(self, paper: str, job: str) -> bool:
        """Whether that job was measured here already."""
        return any((row["paper"], row["job"], row["hardware"]) == (paper, job, self.hardware) for row in self._rows())

    def add(self, timed: Timed) -> None:
        """Write a job down; nothing of an earlier line can be lost."""
        if self.path is None:
            return
        is_new = not self.path.exists() or not self.path.stat().st_size
        with self.path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if is_new:
                writer.writerow(COLUMNS)
            numbers = (f"{number:.2f}" for number in (timed.predicted, timed.taken, timed.ratio))
            writer.writerow([timed.paper, timed.job, *numbers, self.hardware])

    def _rows(self) -> list[dict[str, str]]:
        if self.path is None or not self.path.exists():
            return []
        with self.path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


def jobs_timed(rows: Sequence[str], folder: Path, table: Table) -> Iterator[Timed]:
    """Do the jobs of the `rows`, each given as paper:table:row, but those in `table` only where others need them.

    What is in `folder`, or was done for another row, is not done again.
    """
    for row in rows:
        name, key, label = row.split(":", 2)
        paper = load_paper(name)
        setting = make_setting(paper, "digits")
        runner = JobRunner(setting, folder / "zoo", folder / "results", progress=False)
        jobs = make_job_list(paper, [key], setting, LedgerIndex.open(folder / "results"), folder / "zoo", [label])
        clock = TimeEstimate([], setting)
        estimates = [clock.estimate(job) for job in jobs.possible]
        is_measured = [table.has(name, job.what) for job in jobs.possible]
        for place, (job, estimate) in enumerate(zip(jobs.possible, estimates, strict=True)):
            if all(is_measured[place:]):
                break
            started = time.process_time()
            (result,) = runner.do_all([job])
            taken = time.process_time() - started
            if result.error or estimate.seconds is None:
                print(f"{job.what}: {result.error or estimate.basis}", file=sys.stderr)
            elif not is_measured[place]:
                yield Timed(name, job.what, estimate.seconds, taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", default=ROWS, help="PAPER:TABLE:ROW")
    parser.add_argument("--csv", type=Path, help="file to add the table to; what it has is not measured again")
    parser.add_argument("--work", type=Path, help="folder of zoo and ledger; default: a new one, for this run alone")
    given = parser.parse_args()
    table = Table(given.csv, describe(resolve_device("cpu")))
    print(f"{table.hardware}\n")
    print("| Paper | Job | Predicted | Taken | Ratio |\n| --- | --- | --: | --: | --: |")
    with tempfile.TemporaryDirectory() as folder:
        for each in jobs_timed(given.rows, given.work or Path(folder), table):
            table.add(each)
            times = f"{each.predicted:.1f} s | {each.taken:.1f} s | {each.ratio:.2f}"
            print(f"| {each.paper} | {each.job} | {times} |", flush=True)


if __name__ == "__main__":
    main()
