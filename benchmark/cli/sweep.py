"""`bench sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import (
    Address,
    Architecture,
    DataDir,
    Deterministic,
    Device,
    Download,
    Engine,
    Epsilon,
    GPUShare,
    Part,
    Precision,
    Recipe,
    Results,
    Scale,
    StopAfter,
    TrainingData,
    TrustRemoteCode,
    Workers,
    Zoo,
    given,
)
from benchmark.cli.output import end, print_problems
from benchmark.cli.train import Compile, Devices, ExtraData, Init, InnerAttack, OuterLoss


def sweep(
    experiment: Annotated[
        str | None,
        typer.Argument(metavar="EXPERIMENT", help="scenarios, alpha, or a YAML file; --method defines one instead."),
    ] = None,
    method: Annotated[list[str] | None, typer.Option(help="Methods to train; several are compared.")] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE,...", help="Value of a hyper-parameter, or several to compare: alpha=0.1,0.2,...,0.9."
        ),
    ] = None,
    select: Annotated[
        str,
        typer.Option(
            help="Selection criterion. validation: accuracy on held-out images under the PGD that training "
            "selects checkpoints by. test: accuracy on test images against all attacks of --suite."
        ),
    ] = "validation",
    suite: Annotated[str, typer.Option(help="For --select test: a name or a YAML file.")] = "pgd-linf",
    preset: Annotated[str, typer.Option(help="For --select test: standard or quick.")] = "standard",
    n: Annotated[
        int | None, typer.Option(help="For --select test: use the first N test images; default: the preset's number.")
    ] = None,
    dataset: TrainingData = "digits",
    arch: Architecture = None,
    recipe: Recipe = "quick",
    scale: Scale = None,
    epsilon: Epsilon = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NETWORK", help="Frozen teacher, for distillation; default: one is trained where needed."
        ),
    ] = None,
    inner: InnerAttack = None,
    outer: OuterLoss = None,
    init: Init = None,
    extra_data: ExtraData = None,
    seeds: Annotated[
        list[int] | None,
        typer.Option(
            "--seeds",
            "--seed",
            metavar="SEED",
            help="Training seeds; with several, numbers are mean ± standard deviation; default: 0.",
        ),
    ] = None,
    zoo: Zoo = Path("zoo"),
    results: Results = Path("results"),
    out: Annotated[
        Path | None, typer.Option(help="Folder for the page and its CSV; default: reports/sweeps/NAME.")
    ] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    workers: Workers = None,
    engine: Engine = "local",
    address: Address = None,
    gpu_share: GPUShare = 1.0,
    part: Part = None,
    download: Download = False,
    data_dir: DataDir = None,
    trust_remote_code: TrustRemoteCode = False,
    compile: Compile = False,
    devices: Devices = 1,
    stop_after: StopAfter = None,
    deterministic: Deterministic = False,
) -> None:
    """Train one run per value or method, evaluate all networks alike and mark the best. Resumes when rerun."""
    result = benchmark.sweep(**given(locals()))
    from benchmark.errors import printable
    from benchmark.reporting import print_rows

    print_rows(result.rows())
    if result.selected:
        print(printable(str(result.selected)))
    print_problems(result.failures)
    if result.page:
        print(f"The page: {result.page}")
    end(failed=bool(result.failures))
