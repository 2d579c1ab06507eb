"""Tables without numbers, that compare methods: what the registry says of each, and what the paper calls it."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

from benchmark.methods.formulas import formula_of
from benchmark.methods.method import BoundMethod
from benchmark.methods.overrides import bind_method
from benchmark.methods.table import METHODS
from benchmark.papers.schema import Fact, MethodRow, MethodTable
from benchmark.reporting.as_csv import CsvWriter

NONE = "none"

#: The facts that are formulas.
FORMULAS = ("inner", "outer")


def is_formula(words: str) -> bool:
    """Whether a cell of such a column is a formula, and not what stands where there is none."""
    return words != NONE and not words.endswith("without a formula")


def cells(table: MethodTable) -> list[list[str]]:
    """A row of words for each method: its label, then its facts in the order of the table's columns."""
    return [[row.label or row.method, *_facts(table, row)] for row in table.rows]


def to_csv(table: MethodTable) -> str:
    """A row per method."""
    file = io.StringIO()
    CsvWriter(file).writerows([["method", *table.columns], *cells(table)])
    return file.getvalue()


def _facts(table: MethodTable, row: MethodRow) -> list[str]:
    bound = bind_method(row.method, {}, f"method {row.method}", row.inner, row.outer)
    return [METHODS.get(row.method).source if fact == "source" else _FACTS[fact](bound) for fact in table.columns]


def _networks(bound: BoundMethod) -> str:
    names = [member.name for member in bound.cohort.members]
    return "1" if len(names) == 1 else f"{len(names)}: {', '.join(names)}"


def _learns_from(bound: BoundMethod) -> str:
    """Whether what a network learns from learns itself: what tells distillation from learning together."""
    trained, frozen = len(bound.cohort.members) > 1, bool(bound.cohort.teachers)
    words = [*(["networks that learn with it"] if trained else []), *(["frozen teachers"] if frozen else [])]
    return " and ".join(words) or "labels alone"


def _attacked(bound: BoundMethod) -> str:
    if bound.inner.objective is None:
        return NONE
    names = [member.name for member in bound.cohort.members if member.attacked]
    return "all" if len(names) == len(bound.cohort.members) else ", ".join(names)


_FACTS: Mapping[Fact, Callable[[BoundMethod], str]] = {
    "networks": _networks,
    "teachers": lambda bound: ", ".join(bound.cohort.teachers) or NONE,
    "learns from": _learns_from,
    "attacked": _attacked,
    "inner": lambda bound: formula_of(bound.inner.objective),
    "outer": lambda bound: formula_of(bound.outer),
}
