"""`bench demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import given


def demo(
    folder: Annotated[Path, typer.Argument(help="Where zoo, results and reports come into being.")] = Path("."),
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Networks that are trained and attacked at a time; 4 at most are used; default: as many as cores.",
        ),
    ] = None,
) -> None:
    """Train six defences on digits, attack them in three norms, and write the leaderboard; minutes on two cores.

    What is there already is not done again. Nothing is downloaded.
    """
    options = given(locals())
    from benchmark.reporting import print_leaderboards

    benchmark.demo(**options, tell=print_leaderboards, shown=_say)


def _say(page: Path, is_whole: bool) -> None:
    print(f"The page: {page}" if is_whole else f"A first page, of two defences: {page}", flush=True)
