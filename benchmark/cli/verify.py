"""`bench verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import DataDir, Deterministic, Device, Download, StopAfter, TrustRemoteCode, given
from benchmark.cli.output import end, partly, print_problems
from benchmark.cli.rechecks import print_rechecks
from benchmark.cli.verify_bundle import verify_bundle
from benchmark.errors import BadInput


def verify(
    results: Annotated[
        Path,
        typer.Argument(
            metavar="RESULTS", help="Results folder of an evaluation with --save-adversarial, or a bundle (x.zip)."
        ),
    ],
    checkpoints: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CHECKPOINT",
            help="The networks that were attacked, as for evaluate; without, only a bundle's records are checked.",
        ),
    ] = None,
    checkpoint: Annotated[
        list[str] | None, typer.Option(metavar="CHECKPOINT", help="The same, said as an option.")
    ] = None,
    reattack: Annotated[
        int, typer.Option(metavar="N", help="Rerun each attack on N images that are recorded as robust to it.")
    ] = 0,
    seed: Annotated[
        int | None,
        typer.Option(help="Random seed of the images that --reattack draws; default: a new one each time."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with code 1 also where fresh random starts break further images.")
    ] = False,
    device: Device = "auto",
    data_dir: DataDir = None,
    download: Download = False,
    trust_remote_code: TrustRemoteCode = False,
    stop_after: StopAfter = None,
    deterministic: Deterministic = False,
) -> None:
    """Verify stored adversarial images, for example on other hardware or with other versions of the libraries.

    Of a bundle (bench bundle) verify that it is whole, agrees with itself and claims what its records come to; given
    the checkpoint, run it on the images, too.

    Exit code 1 if anything contradicts the records: if an evaluation or its records are damaged, or if an attack
    succeeds, with the random numbers of the record, on an image that is recorded as robust. That fresh random
    starts break further images is told and no fault of the record; --strict makes it one.
    """
    options = given(locals())
    for name in ("strict", "checkpoint"):
        options.pop(name, None)
    options["checkpoints"] = [*(checkpoints or ()), *(checkpoint or ())]
    if not reattack and (strict or seed is not None):
        raise BadInput(f"{'--strict' if strict else '--seed'} is about what is attacked again: add --reattack N")
    from benchmark.ledger.bundle_file import is_bundle

    if is_bundle(results):
        verify_bundle(options, strict)
        return
    if not options["checkpoints"]:
        raise BadInput("name the networks that were attacked: bench verify RESULTS CHECKPOINT; a bundle needs none")
    rechecks, failures = partly(benchmark.verify, options)
    print_problems(failures)
    if not rechecks:
        raise BadInput(
            f"{results} has no adversarial images of these networks; bench evaluate --save-adversarial stores them"
        )
    failed = bool(failures) | print_rechecks(rechecks, strict) | _lacks_evaluations(results)
    end(failed)


def _lacks_evaluations(results: Path) -> bool:
    """Whether evaluations had to be left out since their files are damaged: nobody knows what they claim."""
    from benchmark.ledger import Ledger

    ledger = Ledger.open(results)
    files = [path for folder in ("evaluations", "transfers") for path in (results / folder).glob("*.json")]
    return len(files) > len(ledger.evaluations()) + len(ledger.transfers())
