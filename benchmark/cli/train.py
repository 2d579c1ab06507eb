"""`bench train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import benchmark
from benchmark.cli.options import (
    Architecture,
    DataDir,
    Deterministic,
    Device,
    Download,
    Epsilon,
    Precision,
    Recipe,
    Scale,
    StopAfter,
    TrainingData,
    TrustRemoteCode,
    given,
)
from benchmark.cli.output import end, print_problems
from benchmark.deadline import within
from benchmark.errors import BadInput

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

Compile = Annotated[bool, typer.Option("--compile", help="Compile the networks; worthwhile for long runs.")]
Devices = Annotated[int, typer.Option(help="Number of GPUs, or processes on the CPU, that share each batch.")]


def train(
    method: Annotated[list[str], typer.Option(help="Method to train; several are trained one after the other.")],
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
    init: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NETWORK",
            help="Network whose weights training starts from, for fine-tuning; with several networks one for all, or "
            "one for each; default: random weights.",
        ),
    ] = None,
    extra_data: Annotated[
        str | None,
        typer.Option(
            metavar="npz:FILE",
            help="More images to train on, such as generated ones: a file with arrays image and label. The setting "
            "extra_share is their share of each batch, 0.7 unless set.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed of initial weights, batches and random starts.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the checkpoints.")] = Path("zoo"),
    name: Annotated[
        str | None,
        typer.Option(help="Name of the run; default: the method and the values that differ from the defaults."),
    ] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Resume an interrupted run.")] = False,
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
    stop_after: StopAfter = None,
) -> None:
    """Train a method, and write one checkpoint per network to --out. Existing checkpoints are skipped.

    A finished run is not repeated, and the checkpoints of another run of the same name are replaced only with
    --overwrite.
    """
    options = given(locals())
    with within(options.pop("stop_after", None)):  # of all methods together
        _train_all(method, options)


def _train_all(method: list[str], options: dict[str, Any]) -> None:
    name = options.get("name")
    if name and len(method) > 1:
        raise BadInput(f"--name {name} would name {len(method)} runs alike; train one method at a time")
    failures: list[str] = []
    for defence in method:
        try:
            for path in benchmark.train(**{**options, "method": defence}):
                print(path)
        except BadInput as error:
            from benchmark.training.standing import InTheWay
            from benchmark.training.trainer import Diverged

            if len(method) == 1 or not isinstance(error, Diverged | InTheWay):
                raise
            failures.append(f"bench: {error}")
    print_problems(failures)
    end(failed=bool(failures))
