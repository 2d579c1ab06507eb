"""`bench report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import Results, given


def report(
    results: Results = Path("results"),
    out: Annotated[Path, typer.Option(help="Folder for the pages and tables.")] = Path("reports"),
    format: Annotated[
        str,
        typer.Option(
            help="html (the whole site), csv, latex (tables for a paper), figures (PDF, SVG and PNG for a paper), "
            "markdown, parquet or robustbench-json."
        ),
    ] = "html",
    rank_masked: Annotated[
        bool,
        typer.Option(
            "--rank-masked", help="Rank networks with strong evidence of gradient masking among the others."
        ),
    ] = False,
) -> None:
    """Write leaderboards and a page per network from the ledger, or export its tables."""
    options = given(locals())
    from benchmark.reporting import print_leaderboards

    page = benchmark.report(**options, tell=print_leaderboards)
    print(f"The page: {page}" if format == "html" else f"Written: {page}")
