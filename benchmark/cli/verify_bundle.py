"""`bench verify`, of a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import benchmark
from benchmark.cli.output import end, print_problems
from benchmark.cli.rechecks import print_rechecks
from benchmark.errors import BadInput, printable


def verify_bundle(options: Mapping[str, Any], strict: bool) -> None:
    """Check a bundle and print what was checked and what was not; exit code 1 if anything contradicts anything."""
    from benchmark.reporting import print_rows

    options = dict(options)
    path = options.pop("results")
    if options.get("reattack") and not options["checkpoints"]:
        raise BadInput("--reattack asks the network: name its checkpoint behind the bundle")
    found = benchmark.verify_bundle(path, **options)
    print_rows([_shown(found.network, row) for row in found.rows])
    failed = bool(found.rechecks) and print_rechecks(found.rechecks, strict, are_told=True)
    for sentence in found.checked:
        print(printable(f"checked: {sentence}"))
    for sentence in found.unchecked:
        print(printable(f"not checked: {sentence}"))
    print_problems(f"contradicted: {problem}" for problem in found.problems)
    failed = failed or bool(found.problems)
    print(
        f"{printable(str(path))}: {'contradictions were found' if failed else 'nothing contradicts what it claims'}"
    )
    end(failed)


def _shown(network: str, row: Mapping[str, Any]) -> dict[str, Any]:
    shares = {"clean": row["clean"], **row["under"], "Ravg": row["ravg"], "Rworst": row["rworst"]}
    setting = {"network": network, "dataset": row["dataset"], "suite": row["suite"], "preset": row["preset"]}
    accuracies = {name: "–" if share is None else f"{100 * share['value']:.1f}" for name, share in shares.items()}
    return {**setting, "images": row["images"], **accuracies}
