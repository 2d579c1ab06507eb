"""`bench show`."""

from __future__ import annotations

from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import Download, Json, Trust
from benchmark.cli.output import print_json


def show(
    source: Annotated[str, typer.Argument(metavar="CHECKPOINT|RECORD", help="A checkpoint or a file of the ledger.")],
    download: Download = False,
    trust: Trust = False,
    json: Json = False,
) -> None:
    """Show what is known about a checkpoint, or what a file of the ledger holds."""
    card = benchmark.show(source, download=download, trust=trust)
    if json:
        print_json(card)
    else:
        from benchmark.reporting import print_card

        print_card(card)
