"""`bench report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import benchmark
from benchmark.cli.options import Results, given
from benchmark.errors import BadInput


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
    publish: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write the site to DIR instead, for a static host: no private paths, a feed.",
        ),
    ] = None,
) -> None:
    """Write leaderboards and a page per network from the ledger, or export its tables."""
    options = given(locals())
    if publish is not None:
        options.pop("publish")
        _publish(options, publish)
        return
    from benchmark.reporting import print_leaderboards

    page = benchmark.report(**options, tell=print_leaderboards)
    print(f"The page: {page}" if format == "html" else f"Written: {page}")


def _publish(options: dict[str, Any], target: Path) -> None:
    """The site for a static host; pages of papers are taken from --out."""
    from benchmark.reporting import print_leaderboards

    if options.pop("format") != "html":
        raise BadInput("--publish writes the site; leave out --format, or leave out --publish")
    reports = options.pop("out")
    page = benchmark.publish(**options, out=target, reports=reports, tell=print_leaderboards)
    print(f"Published: {page} (changes: {page.parent / 'feed.xml'})")
