"""`bench bundle`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import given


def bundle(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Results folder.")],
    network: Annotated[str, typer.Argument(metavar="NETWORK", help="A name, a digest, or a checkpoint.")],
    out: Annotated[Path, typer.Option(help="File to write, a zip archive.")],
    images: Annotated[
        bool, typer.Option("--images", help="Put stored adversarial images in (evaluate --save-adversarial).")
    ] = False,
    weights: Annotated[
        Path | None, typer.Option(metavar="CHECKPOINT", help="Put this checkpoint of the network in.")
    ] = None,
    suite: Annotated[str | None, typer.Option(help="Only results under this suite; default: all.")] = None,
) -> None:
    """Write everything that others need to check a network's results to one file; see bench verify."""
    path = benchmark.bundle(**given(locals()))
    print(f"{path}: {path.stat().st_size:,} bytes. To check it: bench verify {path}")
