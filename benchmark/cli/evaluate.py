"""`bench evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import (
    AttackSeed,
    Classes,
    Compile,
    Device,
    Download,
    Epsilon,
    Images,
    Keep,
    Precision,
    Results,
    Root,
    Scale,
    Suite,
    Trust,
    Workers,
    given,
)
from benchmark.cli.output import end, partly, print_problems


def evaluate(
    checkpoints: Annotated[
        list[str],
        typer.Argument(
            metavar="CHECKPOINT", help="Networks to attack: files, or python:MODULE:CALLABLE and other sources."
        ),
    ],
    suite: Suite = "multi-perturbation",
    preset: Annotated[
        str, typer.Option(help="full as published, or quick: fewer steps, starts and images.")
    ] = "full",
    n: Images = None,
    mode: Annotated[
        str, typer.Option(help="full: every attack sees every image. worst-case: survivors, and 100 images.")
    ] = "full",
    seed: AttackSeed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    workers: Workers = 1,
    time_limit: Annotated[
        float | None, typer.Option(help="Seconds for one attack on 250 images; left out, as long as it takes.")
    ] = None,
    results: Results = Path("results"),
    keep: Keep = False,
    dataset: Annotated[
        str | None, typer.Option(help="Whose test images; left out, of the data the network was trained on.")
    ] = None,
    scale: Scale = None,
    epsilon: Epsilon = None,
    root: Root = None,
    download: Download = False,
    trust: Trust = False,
    compile: Compile = False,
    classes: Classes = None,
) -> None:
    """Attack networks and keep, per image, what broke them. Attacks that were run before are not run again."""
    evaluations, failures = partly(benchmark.evaluate, given(locals()))
    from benchmark.reporting import boards, print_boards

    print_boards(boards(evaluations))
    print_problems(failures)
    end(failed=bool(failures) or any(outcome.errors for evaluation in evaluations for outcome in evaluation.outcomes))
