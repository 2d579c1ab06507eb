"""`bench show`."""

from __future__ import annotations

from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import Download, Json, TrustRemoteCode
from benchmark.cli.output import print_json


def show(
    source: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE",
            help="Anything that `bench list` lists, such as trades or pgd; the YAML file of a suite, recipe, paper "
            "or experiment; folder:PATH; a checkpoint; a file of the ledger.",
        ),
    ],
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="Kind of thing, where several have this name: methods, losses, ...")
    ] = "",
    download: Download = False,
    trust_remote_code: TrustRemoteCode = False,
    json: Json = False,
) -> None:
    """Show the details of a method, attack, suite, recipe, data set, checkpoint or file of the ledger."""
    card = benchmark.show(source, kind=kind, download=download, trust_remote_code=trust_remote_code)
    if json:
        print_json(card)
    else:
        from benchmark.catalogue.files import in_short
        from benchmark.reporting import print_card

        print_card(in_short(card))
