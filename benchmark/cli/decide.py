"""`bench decide`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import (
    Alpha,
    Attacked,
    Classes,
    Compile,
    Crop,
    DataDir,
    Deterministic,
    Device,
    Download,
    Epsilon,
    Images,
    Json,
    OrderSeed,
    Precision,
    PresetOfSuite,
    Resize,
    Results,
    Scale,
    StopAfter,
    Suite,
    TimeLimit,
    TrustRemoteCode,
    given,
)
from benchmark.cli.output import end, partly_one, print_json, print_problems


def decide(
    networks: Annotated[
        list[str],
        typer.Argument(
            metavar="NETWORK",
            help="Two or more networks: checkpoint files, or other sources such as python:MODULE:CALLABLE.",
        ),
    ],
    suite: Suite = "multi-perturbation",
    preset: PresetOfSuite = "standard",
    metric: Annotated[
        str,
        typer.Option(
            help="What is compared: rworst, ravg, or the accuracy under one threat of the suite, such as linf."
        ),
    ] = "rworst",
    margin: Annotated[
        float | None,
        typer.Option(
            metavar="POINTS",
            help="Smallest difference that matters, in percentage points; default: what the suite states.",
        ),
    ] = None,
    alpha: Alpha = 0.05,
    goal: Annotated[
        str,
        typer.Option(help="With more than two networks. best: find the best one. order: settle every pair."),
    ] = "best",
    n: Images = None,
    seed: OrderSeed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    workers: Annotated[int, typer.Option(help="Number of parallel workers.")] = 1,
    time_limit: TimeLimit = None,
    results: Results = Path("results"),
    out: Annotated[
        Path | None, typer.Option(help="Folder for the page and its CSV files; default: reports/decisions/NAME.")
    ] = None,
    dataset: Attacked = None,
    resize: Resize = None,
    crop: Crop = None,
    scale: Scale = None,
    epsilon: Epsilon = None,
    data_dir: DataDir = None,
    download: Download = False,
    trust_remote_code: TrustRemoteCode = False,
    compile: Compile = False,
    classes: Classes = None,
    json: Json = False,
    stop_after: StopAfter = None,
    deterministic: Deterministic = False,
) -> None:
    """Attack images in random order until it is known which network is better. Resumes when rerun."""
    options = given(locals())
    del options["json"]
    decision, failures = partly_one(benchmark.decide, options)
    if json:
        print_json(decision.to_json())
    else:
        from benchmark.sequential.terminal import print_decision

        print_decision(decision)
    print_problems(failures)
    end(failed=bool(failures))
