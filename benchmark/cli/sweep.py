"""`bench sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import (
    Architecture,
    Device,
    Download,
    Epsilon,
    Precision,
    Recipe,
    Results,
    Root,
    Scale,
    TrainingData,
    Trust,
    Workers,
    Zoo,
    given,
)
from benchmark.cli.output import end, print_problems
from benchmark.cli.train import Compile, Devices, InnerAttack, OuterLoss


def sweep(
    experiment: Annotated[
        str | None, typer.Argument(metavar="EXPERIMENT", help="scenarios, alpha, or a YAML file; or say --method.")
    ] = None,
    method: Annotated[list[str] | None, typer.Option(help="Defences to train; several are compared.")] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE,...", help="One value, or several to try: alpha=0.1,0.2,...,0.9."),
    ] = None,
    select: Annotated[
        str,
        typer.Option(
            help="Measure and choose by: validation, the held-out images and the PGD that training selects "
            "checkpoints by; or test, the test images and all attacks of --suite together."
        ),
    ] = "validation",
    suite: Annotated[str, typer.Option(help="For --select test: a name or a YAML file.")] = "pgd-linf",
    preset: Annotated[str, typer.Option(help="For --select test: full, or quick.")] = "full",
    n: Annotated[int | None, typer.Option(help="For --select test: use the first N test images.")] = None,
    dataset: TrainingData = "digits",
    arch: Architecture = None,
    recipe: Recipe = "quick",
    scale: Scale = None,
    epsilon: Epsilon = None,
    teacher: Annotated[
        list[str] | None, typer.Option(metavar="NETWORK", help="Frozen teacher; left out, one is trained if need be.")
    ] = None,
    inner: InnerAttack = None,
    outer: OuterLoss = None,
    seeds: Annotated[
        list[int] | None,
        typer.Option("--seeds", "--seed", metavar="SEED", help="Train with each; numbers are mean ± spread."),
    ] = None,
    zoo: Zoo = Path("zoo"),
    results: Results = Path("results"),
    out: Annotated[
        Path | None, typer.Option(help="Folder for the page and its CSV; left out, reports/sweeps/NAME.")
    ] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    workers: Workers = 1,
    download: Download = False,
    root: Root = None,
    trust: Trust = False,
    compile: Compile = False,
    devices: Devices = 1,
) -> None:
    """Train one run per value or method, measure every network alike, mark the best. Called again, it goes on."""
    result = benchmark.sweep(**given(locals()))
    from benchmark.reporting import print_rows

    print_rows(result.rows())
    print_problems(result.failures)
    print(f"The page: {result.page}")
    end(failed=bool(result.failures))
