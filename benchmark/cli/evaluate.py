"""`bench evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import (
    AddClasses,
    Address,
    Attacked,
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
    Log,
    Part,
    Precision,
    PresetOfSuite,
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


def evaluate(
    checkpoints: Annotated[
        list[str],
        typer.Argument(
            metavar="CHECKPOINT",
            help="Networks to attack: checkpoint files, or other sources such as python:MODULE:CALLABLE.",
        ),
    ],
    suite: Suite = "multi-perturbation",
    preset: PresetOfSuite = "standard",
    n: Images = None,
    mode: Annotated[
        str,
        typer.Option(
            help="complete: every attack sees every image. worst-case: only images that earlier attacks did "
            "not break, and up to 100 that all attacks see."
        ),
    ] = "complete",
    seed: AttackSeed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    workers: Workers = None,
    devices: GPUs = None,
    engine: Engine = "local",
    address: Address = None,
    gpu_share: GPUShare = 1.0,
    part: Part = None,
    time_limit: TimeLimit = None,
    results: Results = Path("results"),
    save_adversarial: SaveAdversarial = False,
    add_classes: AddClasses = False,
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
    stochastic: Annotated[
        int | None,
        typer.Option(metavar="N", help="For networks that draw random numbers: average gradients over N passes."),
    ] = None,
    verdict_passes: Annotated[
        int | None,
        typer.Option(metavar="R", help="With --stochastic: R float32 passes vote on each image; default: 20."),
    ] = None,
    eight_bit: Annotated[
        bool, typer.Option("--eight-bit", help="Round adversarial images to 8 bits per channel before the verdict.")
    ] = False,
    log: Log = None,
    stop_after: StopAfter = None,
    deterministic: Deterministic = False,
) -> None:
    """Attack networks and store the result of each attack on each image. Existing results are reused."""
    evaluations, failures = partly(benchmark.evaluate, given(locals()))
    from benchmark.reporting import leaderboards, print_leaderboards

    print_leaderboards(leaderboards(evaluations))
    print_problems(failures)
    end(failed=bool(failures) or any(outcome.errors for evaluation in evaluations for outcome in evaluation.outcomes))
