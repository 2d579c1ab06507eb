"""`bench estimate`."""

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
from benchmark.cli.output import print_json


def estimate(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK", help="A checkpoint file, or another source such as python:MODULE:CALLABLE."
        ),
    ],
    to: Annotated[
        float, typer.Option(metavar="POINTS", help="Half the width of the interval, in percentage points.")
    ] = 1.0,
    suite: Suite = "autoattack",
    preset: PresetOfSuite = "standard",
    alpha: Alpha = 0.05,
    n: Images = None,
    seed: OrderSeed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    workers: Annotated[int, typer.Option(help="Number of parallel workers.")] = 1,
    time_limit: TimeLimit = None,
    results: Results = Path("results"),
    out: Annotated[
        Path | None, typer.Option(help="Folder for the page and its CSV file; default: reports/estimates/NAME.")
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
    """Estimate Rworst to a stated width: cheap attacks on all images, expensive ones on a random sample."""
    options = given(locals())
    del options["json"]
    found = benchmark.estimate(**options)
    if json:
        print_json(found.to_json())
        return
    from benchmark.sequential.terminal import print_estimate

    print_estimate(found)
