"""`bench verify`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import benchmark
from benchmark.cli.options import DataDir, Deterministic, Device, Download, StopAfter, TrustRemoteCode, given
from benchmark.cli.output import end, partly, print_problems
from benchmark.errors import BadInput

if TYPE_CHECKING:
    from benchmark.evaluation.reattack import Again
    from benchmark.evaluation.verification import Recheck


def verify(
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="Results folder of an evaluation with --save-adversarial.")
    ],
    checkpoints: Annotated[
        list[str], typer.Argument(metavar="CHECKPOINT", help="The networks that were attacked, as for evaluate.")
    ],
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

    Exit code 1 if anything contradicts the records: if an evaluation or its records are damaged, or if an attack
    succeeds, with the random numbers of the record, on an image that is recorded as robust. That fresh random
    starts break further images is told and no fault of the record; --strict makes it one.
    """
    options = given(locals())
    options.pop("strict", None)
    if not reattack and (strict or seed is not None):
        raise BadInput(f"{'--strict' if strict else '--seed'} is about what is attacked again: add --reattack N")
    rechecks, failures = partly(benchmark.verify, options)
    print_problems(failures)
    if not rechecks:
        raise BadInput(
            f"{results} has no adversarial images of these networks; bench evaluate --save-adversarial stores them"
        )
    _print_stored(rechecks)
    again = [found for found in rechecks if found.again]
    if again:
        _print_again(again)
    print_problems(problem for found in rechecks for problem in found.problems)
    untried = [(found, found.again.problem) for found in again if found.again and found.again.problem]
    print_problems(f"{found.model}, {found.label}: {problem}" for found, problem in untried)
    failed = bool(failures) or any(found.refuted or found.problems for found in rechecks)
    failed = failed or _lacks_evaluations(results)
    failed = failed or bool(untried) or any(found.again and found.again.refutes for found in again)
    end(failed or (strict and any(found.again and found.again.fell for found in again)))


def _lacks_evaluations(results: Path) -> bool:
    """Whether evaluations had to be left out since their files are damaged: nobody knows what they claim."""
    from benchmark.ledger import Ledger

    ledger = Ledger.open(results)
    files = [path for folder in ("evaluations", "transfers") for path in (results / folder).glob("*.json")]
    return len(files) > len(ledger.evaluations()) + len(ledger.transfers())


def _judged(again: Again) -> str:
    """What it means that an attack breaks images that are recorded as robust to it."""
    from benchmark.statistics.wilson import wilson

    tried = again.tried
    if again.refutes:
        return (
            f"the record can't be reproduced: with its own random numbers the attack breaks {len(again.denied)} of "
            f"{tried} images that it calls robust"
        )
    bound = 100 * wilson(len(again.fell), tried)[1]
    own = f", {len(again.denied)} of them with its own random numbers, rounded otherwise here" if again.denied else ""
    return (
        f"fresh random starts break {len(again.fell)} further image{'s' * (len(again.fell) != 1)} of {tried}{own}. "
        f"The record is of its own starts, so that is no fault of it: of all {again.robust} images that it calls "
        f"robust, one more run may break up to {bound:.1f}% (95% confidence)"
    )


def _print_stored(rechecks: Iterable[Recheck]) -> None:
    from benchmark.reporting import print_rows

    print_rows(
        [
            {
                "network": found.model,
                "attack": found.label,
                **({"crafted on": found.crafted_on} if found.crafted_on else {}),
                **({"records without images": found.unstored} if found.unstored else {}),
                **({"records without predicted classes": found.unclassed} if found.unclassed else {}),
                "claimed": found.claimed,
                "stored": found.stored,
                "confirmed": found.confirmed,
                "refuted": list(found.refuted),
            }
            for found in rechecks
        ]
    )


def _print_again(rechecks: Iterable[Recheck]) -> None:
    """What was attacked once more, and how many of all images recorded as robust may break, with 95% confidence."""
    from benchmark.reporting import print_rows
    from benchmark.statistics.wilson import wilson

    rows, seed = [], 0
    for found in rechecks:
        if found.again is not None:
            seed, tried, fell = found.again.seed, found.again.tried, found.again.fell
            share = [f"{100 * bound:.1f}" for bound in wilson(len(fell), tried)] if tried else []
            rows.append(
                {
                    "network": found.model,
                    "attack": found.label,
                    "recorded as robust": found.again.robust,
                    "attacked": tried,
                    "broken": len(fell),
                    "% (95% interval)": "–".join(share),
                    "images": list(fell),
                    "denied by the record": list(found.again.denied),
                }
            )
    print_rows(rows)
    for found in rechecks:
        if found.again is not None and found.again.fell:
            print(f"{found.model}, {found.label}: {_judged(found.again)}")
    print(f"reran the suite's attacks on images drawn at random (--seed {seed} repeats this)")
