"""What `bench verify` prints of images that a network was asked about again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from benchmark.cli.output import print_problems

if TYPE_CHECKING:
    from benchmark.evaluation.reattack import Again
    from benchmark.evaluation.verification import Recheck


def print_rechecks(rechecks: Sequence[Recheck], strict: bool, are_told: bool = False) -> bool:
    """Print them, and tell whether anything contradicts the records.

    Args:
        rechecks: what came of asking.
        strict: whether what fresh random starts break further contradicts, too.
        are_told: whether somebody else prints what is wrong.
    """
    _print_stored(rechecks)
    again = [found for found in rechecks if found.again]
    if again:
        _print_again(again)
    if not are_told:
        print_problems(problem for found in rechecks for problem in found.problems)
    untried = [(found, found.again.problem) for found in again if found.again and found.again.problem]
    print_problems(f"{found.model}, {found.label}: {problem}" for found, problem in untried)
    failed = any(found.refuted or found.problems for found in rechecks)
    failed = failed or bool(untried) or any(found.again and found.again.refutes for found in again)
    return failed or (strict and any(found.again and found.again.fell for found in again))


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
