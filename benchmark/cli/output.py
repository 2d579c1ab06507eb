"""What verbs print, and how they end when a part of the work failed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import typer

from benchmark.errors import PartlyFailed, printable


def print_json(value: Any) -> None:
    """Print `value` for programs to read."""
    import json

    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_problems(problems: Iterable[object]) -> None:
    """Print each problem as a line of the standard error stream."""
    for problem in problems:
        print(printable(str(problem)), file=sys.stderr)


def partly(verb: Callable[..., list[Any]], options: Mapping[str, Any]) -> tuple[list[Any], list[str]]:
    """What `verb` returns, and what it says of networks that failed while others did not."""
    try:
        return verb(**options), []
    except PartlyFailed as error:
        return error.done, error.failures


def partly_one(verb: Callable[..., Any], options: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """`partly`, of a verb with a single result."""
    try:
        return verb(**options), []
    except PartlyFailed as error:
        (done,) = error.done
        return done, error.failures


def end(failed: bool) -> None:
    """End with exit code 1 if a part of the work failed."""
    if failed:
        raise typer.Exit(1)
