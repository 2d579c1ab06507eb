"""`bench paper`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import (
    Address,
    DataDir,
    Deterministic,
    Device,
    Download,
    Engine,
    Epsilon,
    GPUShare,
    Part,
    Precision,
    Results,
    Scale,
    StopAfter,
    TrustRemoteCode,
    Workers,
    Zoo,
    given,
)
from benchmark.cli.output import end, print_problems


def paper(
    name: Annotated[str, typer.Argument(metavar="PAPER", help="mat, mmard, cat, robust-union, or a YAML file.")],
    table: Annotated[
        str | None, typer.Option(help="Table or figure to regenerate: 5, figure-3, ...; default: all.")
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Data set: digits, cifar10, cifar100, folder:PATH, ...; several share one page; default: digits.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="ROW", help="Only these rows, and those they are compared with.")
    ] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHAT=HOW", help="Another reading of what the paper leaves open: baselines=own, alpha=chosen, ..."
        ),
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(metavar="RUN=NETWORK", help="Your own network instead of a training: at-msd=zoo/msd.pt, ..."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="Training recipe; default: the one that the paper's file names for this data set."),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="Preset of the attacks; default: the one that the paper's file names for this data set."),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option(help="Use the first N test images; default: as many as the paper's file says, or the preset."),
    ] = None,
    scale: Scale = None,
    epsilon: Epsilon = None,
    seeds: Annotated[
        list[int] | None,
        typer.Option(
            "--seeds", "--seed", metavar="SEED", help="Training seeds; with several, tables give means; default: 0."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list the missing jobs and estimate their time.")
    ] = False,
    zoo: Zoo = Path("zoo"),
    results: Results = Path("results"),
    out: Annotated[Path, typer.Option(help="Folder for the page and its tables (in DATASET/PAPER).")] = Path(
        "reports"
    ),
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
    stop_after: StopAfter = None,
    deterministic: Deterministic = False,
) -> None:
    """Regenerate a paper's tables: train and evaluate what is missing, and compare with the printed numbers."""
    result = benchmark.paper(**given(locals()))
    from benchmark.papers.claims import FAMILIES, tallies, tally_words, target_words
    from benchmark.reporting import print_rows
    from benchmark.reporting.text import duration

    print_problems(result.failures)
    if dry_run:
        print_rows([{**job, "time": duration(job["time"])} if "time" in job else job for job in result.jobs])
        known = any("time" in job for job in result.jobs) or not result.unknown
        parts = [f"about {duration(result.seconds)} in total"] if known else []
        parts += [f"{result.unknown} of unknown length"] if result.unknown else []
        print(f"{len(result.jobs)} jobs, {', and '.join(parts)}")
        return
    several = len({verdict.where for verdict in result.verdicts if verdict.where}) > 1
    print_rows(
        [
            {
                "family": FAMILIES[verdict.claim.family],
                "claim": verdict.claim.text,
                **({"on": verdict.where} if several else {}),
                "result": str(verdict),
            }
            for verdict in result.asked
        ]
    )
    for line in tally_words(tallies(result.asked)):
        print(line.capitalize())
    if others := len(result.verdicts) - len(result.asked):
        print(f"{others} other claim{'s are' if others > 1 else ' is'} about other tables or rows: see the page")
    if result.asked:
        print(target_words(len(seeds or (0,))))
    for choice in result.choices:
        print(choice)
    print(f"The page: {result.page}")
    end(failed=bool(result.failures))
