"""`bench import`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import DataDir, Device, Download, TrustRemoteCode, Zoo, given
from benchmark.errors import printable
from benchmark.own.files import is_spec


def import_(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Weights of another program: a file of torch.save, or safetensors."),
    ],
    arch: Annotated[
        str | None,
        typer.Option(help="Architecture, or FILE.py:NAME; default: the one that all names and shapes fit."),
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Images that the network was made for.")] = None,
    mean: Annotated[
        str | None,
        typer.Option(metavar="NUMBERS", help="Subtracted from images in [0, 1] before the network: 0.49,0.48,0.45."),
    ] = None,
    std: Annotated[
        str | None, typer.Option(metavar="NUMBERS", help="Divided by after --mean was subtracted: 0.25,0.24,0.26.")
    ] = None,
    normalization: Annotated[
        str | None,
        typer.Option(
            help="none: images in [0, 1] went in as they are. inside: the file holds the network's own mean and std. "
            "Default: what the file holds, or what is measured, if it can be told."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the network; default: that of the file.")] = None,
    entry: Annotated[
        str | None, typer.Option(help="Key of the weights in the file, if it holds several networks.")
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PREFIX...", help="Leave out tensors whose names begin so, as the outputs do not depend on them."
        ),
    ] = None,
    classes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Class order of the outputs, one per line or as a JSON list; default: the data's own order.",
        ),
    ] = None,
    n: Annotated[int, typer.Option(help="Number of test images that the network is tried on.")] = 200,
    device: Device = "auto",
    zoo: Zoo = Path("zoo"),
    data_dir: DataDir = None,
    download: Download = False,
    trust_remote_code: TrustRemoteCode = False,
) -> None:
    """Make a checkpoint of the weights that another program saved; nothing in the file is run."""
    found = benchmark.import_checkpoint(**given(locals()))
    for sentence in found.said:
        print(printable(sentence))
    own = is_spec(found.checkpoint.architecture) or is_spec(found.checkpoint.dataset)
    trust = " --trust-remote-code" if own else ""
    print(printable(f"wrote {found.path}; next: bench evaluate {shlex.quote(str(found.path))}{trust}"))
