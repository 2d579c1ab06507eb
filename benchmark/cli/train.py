"""`bench train`."""

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
    Log,
    Precision,
    Recipe,
    Scale,
    StopAfter,
    TrainingData,
    TrustRemoteCode,
    Workers,
    given,
)
from benchmark.cli.output import end, partly, print_problems
from benchmark.deadline import within

InnerAttack = Annotated[
    str | None,
    typer.Option(
        help="Inner maximisation: the whole attack of another method, or only an objective: ce, bce, margin or "
        "least-likely; default: the method's own."
    ),
]
OuterLoss = Annotated[
    str | None,
    typer.Option(help="Outer loss: that of another method, or a loss such as kl; default: the method's own."),
]
Init = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NETWORK",
        help="Network whose weights training starts from, for fine-tuning; with several networks one for all, or "
        "one for each; default: random weights.",
    ),
]
ExtraData = Annotated[
    str | None,
    typer.Option(
        metavar="npz:FILE",
        help="More images to train on, such as generated ones: a file with arrays image and label. The setting "
        "extra_share is their share of each batch, 0.7 unless set.",
    ),
]

Compile = Annotated[bool, typer.Option("--compile", help="Compile the networks; worthwhile for long runs.")]
Devices = Annotated[int, typer.Option(help="Number of GPUs, or processes on the CPU, that share each batch.")]

#: Where several are trained, and what goes without saying.
_USUAL = {"workers": None, "engine": "local", "address": None, "gpu_share": 1.0}


def train(
    method: Annotated[
        list[str],
        typer.Option(help="Method to train; several are trained one after the other, or by --workers side by side."),
    ],
    dataset: TrainingData = "digits",
    arch: Architecture = None,
    recipe: Recipe = "quick",
    set: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Set a hyper-parameter of the recipe or the method.")
    ] = None,
    scale: Scale = None,
    epsilon: Epsilon = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NETWORK",
            help="Frozen teacher, for distillation: a checkpoint, or another source such as robustbench:NAME.",
        ),
    ] = None,
    inner: InnerAttack = None,
    outer: OuterLoss = None,
    init: Init = None,
    extra_data: ExtraData = None,
    seed: Annotated[
        list[int] | None,
        typer.Option(
            help="Random seed of initial weights, batches and random starts; several are as many runs; default: 0."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the checkpoints.")] = Path("zoo"),
    name: Annotated[
        str | None,
        typer.Option(help="Name of the run; default: the method and the values that differ from the defaults."),
    ] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Resume an interrupted run.")] = False,
    extend: Annotated[
        bool,
        typer.Option(
            "--extend",
            help="Go on from a finished run in --out that had fewer epochs and otherwise the same settings; the "
            "result is that of training from scratch. Under the same --name it replaces that run.",
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace the checkpoints of another run of this name, and start from scratch."
        ),
    ] = False,
    download: Download = False,
    data_dir: DataDir = None,
    trust_remote_code: TrustRemoteCode = False,
    compile: Compile = False,
    deterministic: Deterministic = False,
    devices: Devices = 1,
    num_nodes: Annotated[int, typer.Option(help="Number of machines.")] = 1,
    workers: Workers = None,
    engine: Engine = "local",
    address: Address = None,
    gpu_share: GPUShare = 1.0,
    keep_state: Annotated[
        bool,
        typer.Option(
            "--keep-state/--no-keep-state",
            help="Keep the state of the optimiser in --out/.state/finished for --extend, where that is possible.",
        ),
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be trained, and how large its kept state would be.")
    ] = False,
    log: Log = None,
    stop_after: StopAfter = None,
) -> None:
    """Train a method, and write one checkpoint per network to --out. Existing checkpoints are skipped.

    A finished run is not repeated, and the checkpoints of another run of the same name are replaced only with
    --overwrite.
    """
    options = given(locals())
    report = _say_nothing if dry_run else _print  # a dry run says what it has to say
    limit, spread = options.pop("stop_after", None), {key: options.pop(key, None) for key in _USUAL}
    seeds = options.pop("seed", [0])
    with within(limit):  # of all runs together
        if len(method) == len(seeds) == 1 and spread == _USUAL:
            report(benchmark.train(**{**options, "method": method[0], "seed": seeds[0]}))
            return
        _, problems = partly(benchmark.train_several, {**options, **spread, "seed": seeds, "report": report})
    print_problems(f"bench: {problem}" for problem in problems)
    end(failed=bool(problems))


def _print(paths: list[Path]) -> None:
    for path in paths:
        print(path)


def _say_nothing(paths: list[Path]) -> None:
    pass
