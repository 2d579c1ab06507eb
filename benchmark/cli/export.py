"""`bench export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import TrustRemoteCode, given
from benchmark.errors import printable


def export(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A checkpoint of this benchmark.")],
    keys: Annotated[
        str,
        typer.Option(
            help="Whose names: robust_union, kuangliu, trades, deepmind, torchvision, timm, benchmark or own."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write; default: beside the checkpoint.")
    ] = None,
    trust_remote_code: TrustRemoteCode = False,
) -> None:
    """Write a checkpoint's weights under the names that another program gives them."""
    found = benchmark.export_checkpoint(**given(locals()))
    for sentence in found.said:
        print(printable(sentence))
    print(printable(f"wrote {found.path}"))
