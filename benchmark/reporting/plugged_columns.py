"""Columns of other packages: after the project's own, and none may hide one of these or break a report silently."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, get_args

from benchmark.errors import BadInput, reason
from benchmark.registry import Registry
from benchmark.reporting.column import Column, Group, Output
from benchmark.reporting.entries import Entry
from benchmark.reporting.kinds import Kind
from benchmark.reporting.leaderboards import SETTING


def _fault(thing: Any) -> str:
    if not isinstance(thing, Column):
        return "is no Column"
    if thing.group not in get_args(Group):
        return f"has the group {thing.group!r}; there are {', '.join(map(repr, get_args(Group)))}"
    if not (isinstance(thing.kind, Kind) and isinstance(thing.outputs, Output) and callable(thing.value)):
        return "needs a function of an entry as its value, a Kind and an Output"
    return ""


#: Columns of other packages, by names that only messages use.
COLUMNS: Registry[Column] = Registry("column", fault=_fault)


def with_plug_ins(own: Sequence[Column]) -> list[Column]:
    """`own` columns, and those of other packages.

    Raises:
        BadInput: one has the name or the heading of another, so that a script or a reader could not tell them apart.
    """
    found = [*own]
    for column in _plugged():
        if column.name in SETTING or any(_is_taken(column.name, other) for other in found):
            raise BadInput(f"a package adds a column with the name of another, {column.name!r}; name it otherwise")
        if any(column.label == other.label for other in found):
            raise BadInput(
                f"a package adds a column with the heading of another, {column.label!r}; name it otherwise"
            )
        found.append(column)
    return found


def _is_taken(name: str, column: Column) -> bool:
    return name in (column.name, f"{column.name}_low", f"{column.name}_high")


@cache
def _plugged() -> tuple[Column, ...]:
    """Looking for them reads the metadata of every installed package: once."""
    return tuple(replace(column, value=_checked(column)) for _, column in COLUMNS)


def _checked(column: Column) -> Callable[[Entry], Any]:
    def value(entry: Entry) -> Any:
        try:
            found = column.value(entry)
            column.kind.text(found), column.kind.values(column.name, found)  # that it is of this kind
        except Exception as error:  # a plug-in may be anything
            raise BadInput(
                f"the column {column.name!r} of a package fails for the network {entry.name}: {reason(error)}"
            ) from error
        return found

    return value
