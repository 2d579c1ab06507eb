"""How often possible gradient masking is flagged on networks that hide nothing: the tables of docs/masking.md.

    OMP_NUM_THREADS=1 nice -n 19 python perf/false_alarms.py --work runs/false-alarms

Trains every method but one with the recipe quick on the digits, attacks each network with the suite
multi-perturbation (preset quick) on all 450 test images, and counts the networks with a flag: as measured, and on
resampled images, 50 and 100 drawn without repetition and 450 with. Worst-case mode is replayed from complete mode, in
which every attack saw every image: an attack keeps what earlier ones of its threat left standing, and the common
images (`outcomes.common`). A test holds that replayed and run come to the same. What is in the working folder already
is not computed again.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from digits_table import Run
from numpy.typing import NDArray

import benchmark
from benchmark.analysis.masking import Flag, is_masked, masking_flags
from benchmark.ledger import Evaluation, Outcome
from benchmark.ledger.evaluation import Probe
from benchmark.ledger.evaluation import common as common_images
from benchmark.statistics.wilson import wilson
from benchmark.training import METHODS

PAGE = Path(__file__).parents[1] / "docs" / "masking.md"
BEGIN, END = "<!-- false alarms: begin", "<!-- false alarms: end -->"
#: Defensive distillation hides the gradients of what it is sure of (Carlini & Wagner 2017): it is not honest.
HONEST = [name for name in METHODS.names() if name != "dd"]
MODES = ("complete", "worst-case")
SIZES = (50, 100, 450)


def measure(methods: Sequence[str], seeds: Sequence[int], work: Path) -> Iterator[tuple[str, Evaluation]]:
    """Every network of every run, with the name of the run."""
    for seed in seeds:
        for method in methods:
            run = Run(method, seed)
            for path in run.train(work):
                (found,) = benchmark.evaluate(
                    path, preset="quick", device="cpu", precision="fp32", results=work / "results", progress=False
                )
                print(f"{found.name}: {[flag.name for flag in masking_flags(found)]}", flush=True)
                yield run.name, found


def replayed(found: Evaluation, shown: NDArray[np.bool_] | None = None) -> Evaluation:
    """What worst-case mode would have filed instead of `found`, which saw everything.

    Args:
        found: in complete mode.
        shown: N flags, which images every attack is shown; None for those that it is shown today.
    """
    standing: dict[tuple[str, float], NDArray[np.bool_]] = {}
    shown = common_images(len(found.clean_errors)) if shown is None else shown
    outcomes = []
    for outcome in found.outcomes:
        threat = (outcome.norm, outcome.epsilon)
        left = standing.get(threat, ~found.clean_errors)
        seen = left | shown | found.clean_errors
        outcomes.append(
            dataclasses.replace(
                outcome,
                evaluated=seen,
                broken=outcome.broken & seen,
                distance=np.where(seen, outcome.distance, np.float32(np.inf)),
            )
        )
        standing[threat] = left & ~outcome.broken
    return dataclasses.replace(found, mode="worst-case", outcomes=tuple(outcomes))


def resampled(found: Evaluation, size: int, generator: np.random.Generator) -> Evaluation:
    """The evaluation on `size` of its images, drawn without repetition where there are more than that."""
    images = len(found.clean_errors)
    rows = generator.choice(images, size, replace=size >= images)
    share = size / images

    def drawn(outcome: Outcome) -> Outcome:
        counts = ("attacked", "backwards", "dead_gradients")
        return dataclasses.replace(
            outcome,
            **{name: getattr(outcome, name)[rows] for name in ("broken", "distance", "evaluated")},
            costs=outcome.costs | {name: round(outcome.costs[name] * share) for name in counts},
            probe=outcome.probe and _drawn(outcome.probe, int(common_images(size).sum()), generator),
        )

    return dataclasses.replace(
        found,
        clean_errors=found.clean_errors[rows],
        outcomes=tuple(drawn(outcome) for outcome in found.outcomes),
        dataset=found.dataset | {"images": size},
    )


def _drawn(probe: Probe, images: int, generator: np.random.Generator) -> Probe:
    flat = probe.images - probe.dead - probe.uphill
    dead, uphill, _ = generator.multinomial(images, np.array([probe.dead, probe.uphill, flat]) / probe.images)
    return Probe(images, int(dead), int(uphill))


def alarms(found: Sequence[tuple[str, Evaluation]], draws: int, seed: int = 0) -> list[str]:
    """The table: how many networks have a flag, and how often they have one on resampled images."""
    runs = [run for run, _ in found]
    lines = []
    for mode in MODES:
        modes = [evaluation if mode == "complete" else replayed(evaluation) for _, evaluation in found]
        flags = [masking_flags(evaluation) for evaluation in modes]
        lines.append(f"| {mode} | 450, as measured | {_share(flags, any_of)} | {_share(flags, is_masked)} |")
    for mode in MODES:
        for size in SIZES:
            generator = np.random.default_rng(seed)
            rates: dict[bool, list[float]] = {False: [], True: []}
            for _, evaluation in found:
                drawn = [resampled(evaluation, size, generator) for _ in range(draws)]
                flags = [masking_flags(one if mode == "complete" else replayed(one)) for one in drawn]
                rates[False].append(float(np.mean([any_of(own) for own in flags])))
                rates[True].append(float(np.mean([is_masked(own) for own in flags])))
            told = [_rate(rates[strong], runs, generator) for strong in (False, True)]
            lines.append(f"| {mode} | {size}, resampled {draws} times | {told[0]} | {told[1]} |")
    head = ["| Mode | Images | Any flag | A strong flag |", "| --- | --- | --- | --- |"]
    return [*head, *lines]


def any_of(flags: Sequence[Flag]) -> bool:
    return bool(flags)


def _share(flags: Sequence[Sequence[Flag]], asked: object) -> str:
    count = sum(asked(own) for own in flags)  # type: ignore[operator]
    low, high = wilson(count, len(flags))
    return f"{count} of {len(flags)} ({100 * low:.1f}–{100 * high:.1f}%)"


def _rate(rates: Sequence[float], runs: Sequence[str], generator: np.random.Generator) -> str:
    """The mean with a 95% interval: runs are drawn anew, each with all its networks, which were trained together."""
    names = sorted(set(runs))
    groups = [np.array([rate for rate, run in zip(rates, runs, strict=True) if run == name]) for name in names]
    chosen = generator.integers(len(groups), size=(2000, len(groups)))
    sums, sizes = np.array([group.sum() for group in groups]), np.array([len(group) for group in groups])
    means = sums[chosen].sum(1) / sizes[chosen].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{100 * np.mean(rates):.2f}% ({100 * low:.2f}–{100 * high:.2f}%)"


def which(found: Sequence[tuple[str, Evaluation]]) -> list[str]:
    """Each flag that an honest network has as measured."""
    return [
        f"* {evaluation.name}, {one.mode} mode, {flag.strength}: {flag.name}; {flag.evidence}"
        for _, evaluation in found
        for one in (evaluation, replayed(evaluation))
        for flag in masking_flags(one)
    ]


def write(lines: Sequence[str]) -> None:
    """Put the lines between the two markers of the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    PAGE.write_text(
        f"{before}{BEGIN}{rest.partition(chr(10))[0]}\n\n" + "\n".join(lines) + f"\n\n{END}{rest.split(END)[1]}",
        encoding="utf-8",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("runs/false-alarms"), help="checkpoints and ledger")
    parser.add_argument("--methods", nargs="+", default=HONEST, choices=METHODS.names(), metavar="METHOD")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1], help="of the trainings")
    parser.add_argument("--draws", type=int, default=200, help="how often images are drawn for each network")
    parser.add_argument("--write", action="store_true", help="put the table into docs/masking.md")
    options = parser.parse_args()
    found = list(measure(options.methods, options.seeds, options.work))
    about = (
        f"{len(found)} networks of {len({run for run, _ in found})} runs, recipe quick, seeds "
        f"{', '.join(map(str, options.seeds))}: {', '.join(options.methods)}."
    )
    lines = [about, "", *alarms(found, options.draws)]
    flagged = which(found)
    if flagged:
        lines += ["", "As measured:", "", *flagged]
    print("\n".join(lines))
    if options.write:
        write(lines)


if __name__ == "__main__":
    main()
