"""`bench verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import Device, Download, Root, Trust, given
from benchmark.cli.output import end, partly, print_problems
from benchmark.errors import BadInput


def verify(
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="Folder of a ledger that was filled with --keep.")
    ],
    checkpoints: Annotated[
        list[str], typer.Argument(metavar="CHECKPOINT", help="The networks that were attacked, as for evaluate.")
    ],
    device: Device = "auto",
    root: Root = None,
    download: Download = False,
    trust: Trust = False,
) -> None:
    """Judge stored adversarial images again: on another machine, with other versions, or by somebody else."""
    rechecks, failures = partly(benchmark.verify, given(locals()))
    print_problems(failures)
    if not rechecks:
        raise BadInput(f"{results} has no adversarial images of these networks; bench evaluate --keep stores them")
    from benchmark.reporting import print_rows

    print_rows(
        [
            {
                "network": found.model,
                "attack": found.label,
                **({"crafted on": found.crafted_on} if found.crafted_on else {}),
                "claimed": found.claimed,
                "stored": found.stored,
                "confirmed": found.confirmed,
                "refuted": list(found.refuted),
            }
            for found in rechecks
        ]
    )
    print_problems(problem for found in rechecks for problem in found.problems)
    end(failed=bool(failures) or any(found.refuted or found.problems for found in rechecks))
