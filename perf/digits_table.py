"""Every defence on the digits, three seeds each: the table reports/methods/digits, and what bfloat16 costs.

    OMP_NUM_THREADS=1 python perf/digits_table.py                     # reports/methods/digits.{csv,md}
    OMP_NUM_THREADS=1 python perf/digits_table.py --precision-check   # reports/methods/precision.{csv,md}

Trains with the recipe quick, evaluates under the suite multi-perturbation (preset quick, worst-case mode: the same
accuracies per norm as in complete mode at a fraction of the cost) and writes mean ± standard deviation over seeds.

Seconds are processor time of this process, so that what others compute meanwhile does not count; with one thread they
are what a quiet core takes, but for caches and clock rates that are shared.

What is in the working folder already is not computed again, so that an interrupted table goes on from where it was. A
training that was interrupted begins anew: its seconds are always of the whole. The tables are written anew after each
seed.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

import benchmark
from benchmark.analysis.aggregate import clean_accuracy, norm_accuracy, r_avg, r_worst
from benchmark.hardware import describe, resolve_device
from benchmark.planning.teacher_runs import TEACHERS as USUAL_TEACHERS
from benchmark.planning.teacher_runs import TeacherRun
from benchmark.storage import write_atomic
from benchmark.training import METHODS

#: Who teaches whom; dd's teacher needs the temperature that the recipe quick gives the student.
TEACHERS = USUAL_TEACHERS | {"dd": TeacherRun("natural", {"temperature": 20})}

#: What the precision check trains, and in which norms it is meant to withstand.
CHECKED = {"at": "linf", "trades": "linf", "mat": "linf", "mat-max": "Ravg"}
FIGURES = ["clean", "linf", "l2", "l1", "Ravg", "Rworst"]


@dataclass(frozen=True)
class Run:
    """One training run; `settings` beside the recipe's, `precision` in which it computes."""

    method: str
    seed: int
    settings: tuple[tuple[str, object], ...] = ()
    precision: str = "fp32"
    inner: str | None = None

    @property
    def name(self) -> str:
        parts = [self.method, *(f"{key}-{value}" for key, value in self.settings)]
        parts += [] if self.inner is None else [f"inner-{self.inner}"]
        return "-".join([*parts, f"seed-{self.seed}", *([] if self.precision == "fp32" else [self.precision])])

    def teachers(self) -> list[Run]:
        roles = METHODS.get(self.method).cohort().teachers
        chosen = [TEACHERS.get(self.method, TEACHERS[role]) for role in roles]
        return [Run(who.method, self.seed, tuple(who.settings.items()), inner=who.inner) for who in chosen]

    def folder(self, work: Path) -> Path:
        """Where its checkpoints are, and the seconds it took; there only once they are whole."""
        return work / "zoo" / self.name

    def train(self, work: Path) -> list[Path]:
        """The checkpoints of its networks, made if they are not there."""
        teachers = [path for teacher in self.teachers() for path in teacher.train(work)]
        place = self.folder(work)
        if not place.exists():
            warm_up()
            begun = place.with_name(f"{place.name}.begun")
            shutil.rmtree(begun, ignore_errors=True)
            started = time.process_time()
            self._train(begun, teachers)
            (begun / "seconds.txt").write_text(f"{time.process_time() - started}\n", encoding="utf-8")
            begun.rename(place)
        return self._train(place, teachers)

    def seconds(self, work: Path) -> float:
        """Processor time that its training took, with validation and without its teachers'."""
        return float((self.folder(work) / "seconds.txt").read_text(encoding="utf-8"))

    def _train(self, out: Path, teachers: Sequence[Path]) -> list[Path]:
        return benchmark.train(
            self.method,
            set=dict(self.settings),
            inner=self.inner,
            teacher=teachers,
            seed=self.seed,
            out=out,
            name=self.name,
            device="cpu",
            precision=self.precision,
            progress=False,
        )


@cache
def warm_up() -> None:
    """Train a little, so that what a process does but once counts for no method."""
    with tempfile.TemporaryDirectory() as folder:
        benchmark.train("at", set={"epochs": 1}, out=folder, device="cpu", progress=False)


def measure(run: Run, folder: Path) -> list[dict[str, object]]:
    """A row per network: accuracies in percent, seconds of training."""
    rows = []
    for path in run.train(folder):
        card = benchmark.show(path)
        (found,) = benchmark.evaluate(
            path, preset="quick", mode="worst-case", device="cpu", results=folder / "results", progress=False
        )
        if found.failures:
            raise SystemExit(f"{path}: {'; '.join(found.failures)}")
        shares = [clean_accuracy(found), *(norm_accuracy(found, n) for n in ("linf", "l2", "l1"))]
        shares += [r_avg(found), r_worst(found)]
        row = {"method": run.method, "network": card["network"] or run.method, "seed": run.seed}
        row |= {"precision": run.precision}
        row |= {name: 100 * share for name, share in zip(FIGURES, shares, strict=True) if share is not None}
        rows.append(row | {"seconds": run.seconds(folder)})
    return rows


def spread(values: Iterable[float]) -> float:
    """Standard deviation over seeds, n − 1 below; 0 for a single one."""
    known = list(values)
    return statistics.stdev(known) if len(known) > 1 else 0.0


def over_seeds(rows: Sequence[dict[str, object]], keys: list[str]) -> pd.DataFrame:
    """One row per network: mean and spread of each figure, and of how many seeds."""
    lines = []
    for values, group in pd.DataFrame(rows).groupby(keys, sort=False):
        line: dict[str, object] = dict(zip(keys, values, strict=True)) | {"seeds": len(group)}
        for figure in [*FIGURES, "seconds"]:
            line |= {figure: round(group[figure].mean(), 2), f"{figure} ±": round(spread(group[figure]), 2)}
        lines.append(line)
    return pd.DataFrame(lines)


def differences(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """bf16 − fp32 per method in points: seeds are paired, networks of one run averaged."""
    lines = []
    table = pd.DataFrame(rows)
    for method, judged in CHECKED.items():
        of_method = table[table.method == method]
        means = of_method.groupby(["seed", "precision"])[FIGURES].mean().unstack("precision")
        line: dict[str, object] = {"method": method, "judged by": judged, "seeds": len(means)}
        for figure in FIGURES:
            gap = means[figure]["bf16"] - means[figure]["fp32"]
            line |= {figure: round(gap.mean(), 2), f"{figure} ±": round(spread(gap), 2)}
        line["under 1 point"] = "yes" if abs(float(line[judged])) < 1 else "no"  # type: ignore[arg-type]
        lines.append(line)
    return pd.DataFrame(lines)


def write(frame: pd.DataFrame, out: Path, name: str, about: str) -> None:
    """`out/name.csv` with all figures, `out/name.md` for reading."""
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(out / f"{name}.csv", frame.to_csv(index=False).encode())
    shown = [column for column in frame.columns if not column.endswith(" ±")]
    cells = [[_cell(row[c], row.get(f"{c} ±"), row["seeds"]) for c in shown] for _, row in frame.iterrows()]
    lines = [f"| {' | '.join(line)} |" for line in (shown, ["---"] * len(shown), *cells)]
    write_atomic(out / f"{name}.md", "\n".join([about, "", *lines, ""]).encode())


def _cell(value: object, deviation: float | None, seeds: int) -> str:
    if deviation is None:
        return str(value)
    return f"{value:.1f} ± {deviation:.1f}" if seeds > 1 else f"{value:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--precision-check", action="store_true", help="compare bfloat16 with float32")
    parser.add_argument("--methods", nargs="+", default=METHODS.names(), choices=METHODS.names(), metavar="METHOD")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--work", type=Path, default=Path("runs/digits-table"), help="checkpoints and ledger")
    parser.add_argument("--out", type=Path, default=Path("reports/methods"), help="where the tables go")
    options = parser.parse_args()
    hardware = describe(resolve_device("cpu"))
    conditions = (
        "Recipe quick, suite multi-perturbation with preset quick on all 450 test images; percent, mean ± standard "
        f"deviation over seeds. {hardware}. Written by `python perf/digits_table.py"
    )
    rows: list[dict[str, object]] = []
    for seed in options.seeds:
        if options.precision_check:
            for method in CHECKED:
                for precision in ("fp32", "bf16"):
                    rows += measure(Run(method, seed, precision=precision), options.work)
            about = (
                "# What training in bfloat16 costs\n\nAccuracy of networks trained in bf16 minus that of the same "
                f"seed in fp32, in points. {conditions} --precision-check`."
            )
            write(differences(rows), options.out, "precision", about)
        else:
            for method in options.methods:
                rows += measure(Run(method, seed), options.work)
                print(f"seed {seed} {method} {rows[-1]['Ravg']:.1f}", flush=True)
            about = (
                "# Every defence on the digits\n\nThe networks are small-cnn; frozen teachers are of the same seed "
                "and size: TRADES where a robust one is asked for, natural training otherwise, what their own papers "
                "say for dd and MAT's offline scenarios. Seconds are of one run's training, of all its networks, "
                "with validation and without its teachers; they are processor time, so that what else the machine "
                f"computed meanwhile does not count. {conditions}`."
            )
            write(over_seeds(rows, ["method", "network"]), options.out, "digits", about)


if __name__ == "__main__":
    main()
