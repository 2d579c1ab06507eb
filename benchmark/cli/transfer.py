"""`bench transfer`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import (
    AddClasses,
    Address,
    AttackSeed,
    Classes,
    Compile,
    Crop,
    DataDir,
    Deterministic,
    Device,
    Download,
    Engine,
    Epsilon,
    GPUs,
    GPUShare,
    Images,
    Precision,
    Resize,
    Results,
    SaveAdversarial,
    Scale,
    StopAfter,
    Suite,
    TimeLimit,
    TrustRemoteCode,
    Workers,
    given,
)
from benchmark.cli.output import end, partly, print_problems


def transfer(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE", help="Source networks to craft adversarial images on, as for evaluate."),
    ],
    targets: Annotated[
        list[str] | None,
        typer.Option(metavar="TARGET", help="Target networks to test the images on; default: the sources."),
    ] = None,
    suite: Suite = "transfer",
    preset: Annotated[str, typer.Option(help="standard: the published settings. quick: fewer images.")] = "standard",
    n: Images = None,
    seed: AttackSeed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    workers: Workers = None,
    devices: GPUs = None,
    engine: Engine = "local",
    address: Address = None,
    gpu_share: GPUShare = 1.0,
    time_limit: TimeLimit = None,
    results: Results = Path("results"),
    save_adversarial: SaveAdversarial = False,
    add_classes: AddClasses = False,
    dataset: Annotated[
        str | None,
        typer.Option(help="Data set whose test images are attacked; default: the one the networks were trained on."),
    ] = None,
    resize: Resize = None,
    crop: Crop = None,
    scale: Scale = None,
    epsilon: Epsilon = None,
    data_dir: DataDir = None,
    download: Download = False,
    trust_remote_code: TrustRemoteCode = False,
    compile: Compile = False,
    classes: Classes = None,
    stop_after: StopAfter = None,
    deterministic: Deterministic = False,
) -> None:
    """Craft adversarial images on each source and test them on every target: black-box transfer attacks."""
    evaluations, failures = partly(benchmark.transfer, given(locals()))
    from benchmark.analysis.labels import labels_of
    from benchmark.analysis.transfer import transfer_matrices
    from benchmark.labels import key
    from benchmark.reporting import print_matrices

    print_matrices(transfer_matrices(evaluations))
    named = labels_of(evaluations)
    notes = (f"{named[key(pair.model)]}: {note}" for pair in evaluations for note in (*pair.failures, *pair.warnings))
    print_problems(dict.fromkeys(notes))  # what is odd about a network is so in each pair
    print_problems(failures)
    end(failed=bool(failures) or any(outcome.errors for pair in evaluations for outcome in pair.outcomes))
