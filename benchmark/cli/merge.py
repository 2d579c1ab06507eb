"""`bench merge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import benchmark
from benchmark.cli.options import given
from benchmark.cli.output import print_problems


def merge(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER", help="Results folders, or bundles.")],
    into: Annotated[Path, typer.Option(help="Results folder to create, or to add to.")],
) -> None:
    """Merge results folders, such as those of evaluate --part, and bundles; none that contradict each other."""
    found = benchmark.merge(**given(locals()))
    counts = {"record": found.records, "evaluation": found.evaluations}
    words = ", ".join(f"{number} {noun}{'s' * (number != 1)}" for noun, number in counts.items())
    print(f"{found.folder}: {words}")
    print_problems(f"unfinished: {line}" for line in found.unfinished)
    print_problems(f"differing: {line}" for line in found.differing)
