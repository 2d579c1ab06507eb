"""`bench train`."""

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
    Root,
    Scale,
    TrainingData,
    Trust,
    given,
)
from benchmark.cli.output import end, print_problems
from benchmark.errors import BadInput

InnerAttack = Annotated[
    str | None,
    typer.Option(
        help="Craft training examples as this method does, by its whole attack; or climb ce, bce, margin or "
        "least-likely in place of the method's objective."
    ),
]
OuterLoss = Annotated[
    str | None, typer.Option(help="Minimise the loss of this method; or an outer loss, such as kl.")
]

Compile = Annotated[bool, typer.Option("--compile", help="Compile the networks; pays off in long runs.")]
Devices = Annotated[int, typer.Option(help="How many devices share each batch.")]


def train(
    method: Annotated[list[str], typer.Option(help="Defence to train; several are trained one after the other.")],
    dataset: TrainingData = "digits",
    arch: Architecture = None,
    recipe: Recipe = "quick",
    set: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Change one value of the recipe or method.")
    ] = None,
    scale: Scale = None,
    epsilon: Epsilon = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NETWORK",
            help="Frozen teacher of a method that has one: a checkpoint, or robustbench:NAME and other sources.",
        ),
    ] = None,
    inner: InnerAttack = None,
    outer: OuterLoss = None,
    seed: Annotated[int, typer.Option(help="Decides initial weights, batches and random starts.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the checkpoints.")] = Path("zoo"),
    name: Annotated[
        str | None, typer.Option(help="Name of the run; left out, the method and what is unusual.")
    ] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from where an interrupted run stopped.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what another run left under this name; begin anew.")
    ] = False,
    download: Download = False,
    root: Root = None,
    trust: Trust = False,
    compile: Compile = False,
    devices: Devices = 1,
    num_nodes: Annotated[int, typer.Option(help="How many machines take part.")] = 1,
) -> None:
    """Train a defence; one checkpoint per network goes to --out. What is there already is left alone.

    A run that is finished is not made again, and what another run left under the same name is not replaced.
    """
    options = given(locals())
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
