"""`bench compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import Results, TrustRemoteCode, given


def compare(
    networks: Annotated[
        list[str],
        typer.Argument(
            metavar="NETWORK", help="Two or more networks: checkpoints, or names or digests from the ledger."
        ),
    ],
    results: Results = Path("results"),
    suite: Annotated[str | None, typer.Option(help="Only results under this suite; default: all.")] = None,
    preset: Annotated[str | None, typer.Option(help="Only results with this preset; default: all.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only results on this data set; default: all.")] = None,
    planned: Annotated[
        bool,
        typer.Option(
            "--planned",
            help="These networks were chosen before any of their results was seen: correct for their own pairs only.",
        ),
    ] = False,
    latex: Annotated[
        Path | None, typer.Option(help="Also write the comparisons to this file, as tables for a paper.")
    ] = None,
    trust_remote_code: TrustRemoteCode = False,
) -> None:
    """Test which differences between networks are significant: paired tests on the same images."""
    contests = benchmark.compare(**given(locals()))
    from benchmark.reporting import print_paired_tests

    print_paired_tests(contests)
    if latex is not None:
        print(f"Written: {latex}")
