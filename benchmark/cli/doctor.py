"""`bench doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import Json, Results, Zoo
from benchmark.cli.output import end, print_json


def doctor(
    results: Results = Path("results"),
    zoo: Zoo = Path("zoo"),
    mend: Annotated[bool, typer.Option("--mend", help="Move damaged files aside, delete leftovers.")] = False,
    json: Json = False,
) -> None:
    """Check the environment, the ledger and the checkpoints; say what is wrong, and mend what can be mended."""
    findings = benchmark.doctor(results=results, zoo=zoo, mend=mend)
    rows = [vars(finding) for finding in findings]
    if json:
        print_json(rows)
    elif rows:
        from benchmark.reporting import print_rows

        print_rows([{name: row[name] for name in ("place", "problem", "remedy", "mended")} for row in rows])
    else:
        print("all is well")
    end(failed=not all(finding.mended for finding in findings))
