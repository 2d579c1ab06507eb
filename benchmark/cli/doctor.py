"""`bench doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import Json
from benchmark.cli.output import end, print_json
from benchmark.errors import notice


def doctor(
    results: Annotated[
        Path | None,
        typer.Option(help="Results folder: the ledger of per-image results.", show_default="results, if it is there"),
    ] = None,
    zoo: Annotated[
        Path | None, typer.Option(help="Folder of the checkpoints.", show_default="zoo, if it is there")
    ] = None,
    mend: Annotated[
        bool, typer.Option("--mend", help="Move damaged files aside and delete leftover temporary files.")
    ] = False,
    drop_states: Annotated[
        bool,
        typer.Option(
            "--drop-states",
            help="Delete the states of finished runs in --zoo, which bench train --extend goes on from.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Check the environment, the ledger and the checkpoints for problems; --mend repairs what can be repaired."""
    findings = benchmark.doctor(results=results, zoo=zoo, mend=mend, drop_states=drop_states)
    rows = [vars(finding) for finding in findings]
    if json:
        print_json(rows)
    else:
        from benchmark.checkup import lacking, looked_at
        from benchmark.reporting import print_rows

        if rows:
            print_rows([{name: row[name] for name in ("place", "problem", "remedy", "mended")} for row in rows])
        print(f"{'looked at' if rows else 'no problems found'}: {looked_at(results=results, zoo=zoo)}")
        for sentence in lacking(results=results):
            notice(sentence)
    end(failed=not all(finding.mended for finding in findings))
