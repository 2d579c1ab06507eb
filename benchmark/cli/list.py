"""`bench list`."""

from __future__ import annotations

from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import Json
from benchmark.cli.output import print_json


def list_(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="methods, objectives, losses, attacks, suites, recipes, datasets, architectures, sources, papers "
            "or experiments.",
        ),
    ],
    json: Json = False,
) -> None:
    """List the available methods, attacks, suites, recipes, data sets and so on."""
    rows = benchmark.list(kind)
    if json:
        print_json(rows)
    else:
        from benchmark.reporting import print_rows

        print_rows(rows)
