"""Tables without numbers, that compare methods: what the registry says of each, and what the paper calls it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping

from benchmark.latex import NEEDS, escape
from benchmark.methods.formulas import formula_of
from benchmark.methods.method import BoundMethod
from benchmark.methods.overrides import bind_method
from benchmark.methods.table import METHODS
from benchmark.papers.schema import Fact, MethodRow, MethodTable, Paper
from benchmark.papers.titles import file_of, title_of

NONE = "none"


def cells(table: MethodTable) -> list[list[str]]:
    """A row of words for each method: its label, then its facts in the order of the table's columns."""
    return [[row.label or row.method, *_facts(table, row)] for row in table.rows]


def files_of(paper: Paper) -> dict[str, str]:
    """The CSV and LaTeX files of all such tables, by their names."""
    found: dict[str, str] = {}
    for key, table in paper.method_tables.items():
        caption = f"{title_of(key)} of {paper.name}: {table.title}."
        found |= {f"{file_of(key)}.csv": to_csv(table), f"{file_of(key)}.tex": to_latex(table, caption)}
    return found


def to_csv(table: MethodTable) -> str:
    """A row per method."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([["method", *table.columns], *cells(table)])
    return file.getvalue()


def to_latex(table: MethodTable, caption: str) -> str:
    """A booktabs table."""
    head = [
        NEEDS,
        r"\begin{table}[t]",
        r"\centering",
        rf"\caption{{{escape(caption)}}}",
        rf"\begin{{tabular}}{{{'l' * (1 + len(table.columns))}}}",
        r"\toprule",
    ]
    rows = [" & ".join(map(escape, words)) + r" \\" for words in [["", *table.columns], *cells(table)]]
    body = [rows[0], r"\midrule", *rows[1:]]
    return "\n".join([*head, *body, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


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
