"""Writes docs/reference/api.md: every public name, in the order of the work, for mkdocstrings to describe.

.venv/bin/python scripts/api_reference.py
"""

from __future__ import annotations

import importlib
import inspect
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import benchmark
from benchmark import api
from benchmark.methods.formulas import formula_of
from benchmark.methods.objectives import OBJECTIVES
from benchmark.methods.outer import OUTERS
from benchmark.parameters import parameters

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "docs" / "reference" / "api.md"
HEAD = Path(__file__).parent / "heads" / "api.md"

#: The names of `benchmark`, by what they are for, and what they return under names of its own.
VERBS = {
    "Training": ("train", "train_several", "new_model", "perturb", "save"),
    "Evaluating": ("evaluate", "attack", "transfer", "decide", "estimate"),
    "Reading results": ("report", "compare", "results"),
    "Checking and sharing": ("verify", "bundle", "verify_bundle", "merge", "publish", "doctor"),
    "Experiments": ("paper", "sweep", "demo"),
    "What there is": ("list", "show"),
    "Networks and data": ("load_model", "import_checkpoint", "export_checkpoint", "straight_through", "Dataset"),
    "Errors": ("BadInput", "PartlyFailed"),
}
REGISTER = tuple(name for name in benchmark.__all__ if name.startswith("register_"))

#: What verbs return, beside evaluations.
RETURNED = (
    "benchmark.evaluation.attack.AttackResult",
    "benchmark.reporting.pairs.PairedTests",
    "benchmark.sequential.result.Decision",
    "benchmark.sequential.result.Estimate",
    "benchmark.experiments.sweep.Sweep",
    "benchmark.papers.paper.Result",
    "benchmark.importing.importing.Imported",
    "benchmark.importing.exporting.Exported",
    "benchmark.ledger.merge.Merged",
    "benchmark.sharing.verify.BundleCheck",
    "benchmark.evaluation.verification.Recheck",
    "benchmark.checkup.Finding",
)

#: The names of `benchmark.api` likewise.
EXTENSIONS = {
    "Attacks": ("Attack", "MinimalAttack", "Closest", "Classifier", "Threat", "Noise", "ascend", "Move"),
    "Losses of attacks": ("cross_entropy", "margin", "is_wrong"),
    "Methods": (
        "Method",
        "Cohort",
        "Member",
        "single",
        "mutual",
        "student",
        "Inner",
        "Target",
        "Batch",
        "AWP",
        "Merge",
    ),
    "Formulas": ("formula", "losses"),
    "Data": ("Split",),
    "Columns": ("Column", "Output", "Entry", "kinds"),
    "The ledger": ("load_results", "Ledger", "Evaluation", "Outcome", "Record"),
    "Ranges of settings": ("one_of",),
}
#: Types with a range, which are shown in a table.
RANGES = ("Fraction", "Positive", "NotNegative", "Count")
#: Modules whose functions are registered by name, and the table of these.
TABLES = {"objectives": OBJECTIVES, "outer": OUTERS}
#: What both modules have; it is described once.
TWICE = ("BadInput", "Dataset")


def page() -> str:
    """docs/reference/api.md."""
    lines = [HEAD.read_text(encoding="utf-8").strip()]
    lines += ["", "## The verbs"]
    for title, names in VERBS.items():
        lines += ["", f"### {title}", ""]
        for name in names:
            lines += _described("benchmark", name)
        lines += _described("benchmark.data", "load") if "Dataset" in names else []
    lines += ["", "### Registering things of your own", "", *_register()]
    lines += ["", "### What the verbs return", ""]
    for path in RETURNED:
        lines += _directive(path, path.rpartition(".")[2])
    lines += ["", "## For extensions: benchmark.api"]
    for title, names in EXTENSIONS.items():
        lines += ["", f"### {title}", ""]
        for name in names:
            lines += _described("benchmark.api", name)
    lines += ["", *_ranges()]
    for name, table in TABLES.items():
        module = importlib.import_module(f"benchmark.methods.{name}")
        lines += ["", f"### benchmark.api.{name}", "", (inspect.getdoc(module) or "").strip(), "", *_functions(table)]
    return "\n".join(lines) + "\n"


def _described(module: str, name: str) -> list[str]:
    """A directive for a public name, with an anchor that is the name people import."""
    thing = getattr(importlib.import_module(module), name)
    if isinstance(thing, types.ModuleType):
        path = thing.__name__
    else:
        inner = inspect.unwrap(thing)
        path = f"{inner.__module__}.{inner.__qualname__}"
    return [f"[](){{#{module}.{name}}}", "", *_directive(path, f"{module}.{name}")]


def _directive(path: str, heading: str) -> list[str]:
    return [
        f"::: {path}",
        "    options:",
        f"      heading: {heading}",
        f"      toc_label: {heading.rpartition('.')[2]}",
        "",
    ]


def _register() -> Iterator[str]:
    yield "Each is a decorator, with a name or without, or a function of a name and a thing:"
    yield ""
    yield "| Name | Registers | Entry point of a package |"
    yield "| --- | --- | --- |"
    for name in REGISTER:
        registry = getattr(benchmark, name)._registry
        yield f"| `benchmark.{name}` | {registry.kind} | `{registry.group}` |"
    yield ""
    yield from _directive("benchmark.registering.Register.__call__", "Register.__call__")


def _ranges() -> Iterator[str]:
    yield "| Name | Values |"
    yield "| --- | --- |"
    for name in RANGES:
        kind, field = typing.get_args(getattr(api, name))
        bounds = [*field.metadata]
        told = ", ".join(_bound(each) for each in bounds if _bound(each))
        words = {float: "numbers", int: "whole numbers"}[kind]
        yield f"| `benchmark.api.{name}` | {words} {told} |"


def _bound(bound: Any) -> str:
    for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
        if hasattr(bound, name):
            return f"{sign} {getattr(bound, name)}"
    return "finite" if getattr(bound, "allow_inf_nan", None) is False else ""


def _functions(table: Any) -> Iterator[str]:
    yield "| Name | Computes | Settings |"
    yield "| --- | --- | --- |"
    for name in table.names():
        function = table.get(name)
        settings = ", ".join(f"`{key} = {value!r}`" for key, value in parameters(function).items())
        yield f"| `{name}` | `{formula_of(function).replace('|', chr(92) + '|')}` | {settings} |"


if __name__ == "__main__":
    PLACE.write_text(page(), encoding="utf-8")
