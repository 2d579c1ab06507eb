"""The central comparison at full scale: ResNet-18 on CIFAR-10, every defence trained alike, a few minutes at a time.

    python scripts/full_scale.py cifar10.tar.xz             # or a folder with train/<class>/* and test/<class>/*
    until python scripts/full_scale.py cifar10.tar.xz; do [ $? -eq 75 ] || break; done

Trains AT, TRADES, MART and MAT, then AT-MAX and MAT-MAX, with the recipe gpu-30, and attacks each with PGD-20 and
PGD-100 at linf 8/255 on 1,000 test images. A call works for --minutes at most and then says what is left; the next
one goes on, in the middle of a training if need be. Killed at any moment, it loses one epoch or one attack on 250
images. Exit code 0: all is done, 75: call again, 2: something was wrong with the input.

Weights and the ledger stay in --work. What has been measured so far is written to --out at the end of each call:
runs.csv, histories.csv, attacks.csv, leaderboard.csv and results.md. --scale 0.01 takes a hundredth of the pictures,
two epochs and two steps, to see on a CPU that all of this works; its numbers mean nothing and stay in --work.
"""

from __future__ import annotations

import argparse
import os
import pickle
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from full_scale_results import write_results
from pictures import picture_tree

import benchmark
from benchmark import deadline
from benchmark.cache import cache_root
from benchmark.deadline import OutOfTime
from benchmark.training.request import make_plan
from benchmark.training.standing import Taken, is_finished

METHODS = ("at", "trades", "mart", "mat", "at-max", "mat-max")
RECIPE, SUITE, IMAGES = "gpu-30", "pgd-linf", 1000

#: What --scale below 1 changes in the recipe beside its epochs.
SMALL: dict[str, Any] = {f"threats.{norm}.steps": 2 for norm in ("linf", "l2", "l1")} | {
    "validation.images": 20,
    "validation.steps": 2,
}

#: Seconds that writing the results takes.
MARGIN = 10


@dataclass(frozen=True)
class Work:
    """What is to be done, and with what."""

    folder: Path
    out: Path
    dataset: str
    methods: Sequence[str]
    arch: str
    settings: dict[str, Any]
    images: int
    suites: Sequence[str]
    seed: int
    options: dict[str, Any]
    compile: bool
    is_trial: bool = False

    @property
    def zoo(self) -> Path:
        return self.folder / "zoo"

    def train(self, method: str, seconds: float) -> list[Path]:
        """The checkpoints of `method`, trained as far as the time allows, which was `seconds` in all.

        Raises:
            OutOfTime: it is not finished, or another epoch would not fit.
            BadInput: what other settings led to is in the folder already.
        """
        progress = self.progress(method)
        if progress.epoch < progress.epochs and progress.longest > deadline.left():
            if progress.longest > seconds:
                raise benchmark.BadInput(
                    f"{method}: an epoch takes {progress.longest:.0f} s; give it --minutes "
                    f"{(progress.longest + MARGIN) // 60 + 1:.0f} or more"
                )
            raise OutOfTime
        try:
            return benchmark.train(
                method, out=self.zoo, resume=None, compile=self.compile, **self.asked(method), **self.options
            )
        except Taken as taken:
            raise benchmark.BadInput(f"{taken.found}; choose another --work for these settings") from taken

    def asked(self, method: str) -> dict[str, Any]:
        """What decides the run of `method`, beside the device and the precision."""
        told = {"dataset": self.dataset, "arch": self.arch, "recipe": RECIPE, "set": self.settings}
        return {**told, "seed": self.seed, "name": method}

    def is_trained(self, method: str, names: Sequence[str]) -> bool:
        """Whether its checkpoints are there, and are those of this run."""
        if not all((self.zoo / "last" / f"{name}.pt").exists() for name in names):
            return False
        plan = make_plan(method, **self.asked(method), **self.options)
        return is_finished(plan, self.zoo)

    def attack(self, paths: Sequence[Path]) -> list[Any]:
        """The evaluations of these networks under all suites."""
        return [
            evaluation
            for suite in self.suites
            for evaluation in benchmark.evaluate(
                paths, suite=suite, n=self.images, results=self.folder / "results", **self.options
            )
        ]

    def state(self, method: str) -> Path:
        """Where training keeps what it needs to go on."""
        return self.zoo / ".state" / f"{method}.pt"

    def progress(self, method: str) -> Progress:
        """How far the training of `method` is that has begun and not ended."""
        try:
            state = torch.load(self.state(method), map_location="cpu", weights_only=True, mmap=True)
        except (FileNotFoundError, RuntimeError, EOFError, pickle.UnpicklingError):  # training says what to do
            return Progress(0, 0, 0.0)
        seconds = [float(row["seconds"]) for row in state["history"]]
        return Progress(state["epoch"], state["identity"]["recipe"]["epochs"], 1.1 * max(seconds, default=0.0))

    def left(self, done: Sequence[str]) -> Iterator[str]:
        """What has not been done, in words."""
        networks = {row["name"]: row["networks"] for row in benchmark.list("methods")}
        for method in self.methods:
            names = [method if name == method else f"{method}-{name}" for name in networks.get(method, [])]
            progress = self.progress(method)
            if method in done:
                continue
            if self.is_trained(method, names):
                yield f"{method}: trained, attacks are left"
            elif progress.epochs:
                minutes = progress.longest * (progress.epochs - progress.epoch) / 60
                yield f"{method}: epoch {progress.epoch} of {progress.epochs}, another {minutes:.0f} min of training"
            else:
                yield f"{method}: not begun"


@dataclass(frozen=True)
class Progress:
    """Epochs done, epochs altogether (0 if nothing has begun), and seconds that an epoch took at most, validation
    included by a tenth."""

    epoch: int
    epochs: int
    longest: float


def work(task: Work, seconds: float) -> list[str]:
    """Do what fits into so many seconds and write down what has been measured; the methods that are done."""
    done: list[str] = []
    evaluations: list[Any] = []
    try:
        with deadline.within(seconds):
            for method in task.methods:
                evaluations += task.attack(task.train(method, seconds))
                done.append(method)
    except OutOfTime:
        pass
    if evaluations:
        write_results(task.out, task.folder / "results", evaluations, task.is_trial)
    return done


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="CIFAR-10 as folder:PATH, a folder, or an archive of one")
    parser.add_argument("--minutes", type=float, default=10, help="how long this call may work")
    parser.add_argument(
        "--methods", nargs="+", default=METHODS, metavar="METHOD", help="what to train, in this order"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="share of the pictures; below 1 only to try it out")
    parser.add_argument("--autoattack", action="store_true", help="attack with AutoAttack, too")
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="change values of the recipe")
    parser.add_argument("--compile", action="store_true", help="compile the networks, anew in each call")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--work", type=Path, default=Path("runs/full-scale"), help="weights and ledger; not for git")
    parser.add_argument(
        "--out", type=Path, help="where results go; default: reports/full-scale, or --work for a trial"
    )
    options = parser.parse_args(arguments)
    if not 0 < options.scale <= 1 or not options.minutes > 0:
        raise benchmark.BadInput("--scale must be above 0 and at most 1, --minutes above 0")
    return options


def planned(options: argparse.Namespace) -> Work:
    """The work that the options describe; the pictures are then at hand under a name without any machine's paths."""
    tree = picture_tree(options.data, cache_root(), options.scale)
    options.work.mkdir(parents=True, exist_ok=True)
    link = options.work / "pictures"
    if not link.is_symlink() or link.resolve() != tree:
        link.unlink(missing_ok=True)
        link.symlink_to(tree)
    is_trial = options.scale < 1
    settings = {**SMALL, "epochs": max(2, round(30 * options.scale))} if is_trial else {}
    for item in options.set:
        key, _, value = item.partition("=")
        settings[key] = value
    return Work(
        folder=options.work,
        out=options.out or (options.work / "trial" if is_trial else Path("reports/full-scale")),
        dataset=f"folder:{os.path.relpath(link)}",
        methods=list(dict.fromkeys(options.methods)),
        arch=options.arch,
        settings=settings,
        images=max(10, round(IMAGES * options.scale)),
        suites=[SUITE, *(["autoattack"] if options.autoattack else [])],
        seed=options.seed,
        options={"device": options.device, "precision": options.precision, "scale": "cifar10"},
        compile=options.compile,
        is_trial=is_trial,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Do a part of the work; the exit code."""
    try:
        options = parsed(arguments)
        task = planned(options)
        done = work(task, 60 * options.minutes - MARGIN if options.minutes > 1 else 60 * options.minutes)
    except benchmark.BadInput as error:
        print(f"full_scale: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("full_scale: interrupted; rerun the same command to resume", file=sys.stderr)
        return 130
    left = list(task.left(done))
    print("\n".join(["left to do; call again:", *left] if left else [f"all is done: {task.out / 'results.md'}"]))
    return 75 if left else 0


if __name__ == "__main__":
    sys.exit(main())
