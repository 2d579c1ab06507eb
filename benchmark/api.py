"""What other packages may import: these names stay, or change with a word in the changelog; any other may change.

`docs/extending.md` shows them at work. The verbs, `benchmark.train` and so on, are public as well. Each name is
looked up when it is asked for, so that a column of a leaderboard does not make a report load torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.attacks import Attack, Classifier
    from benchmark.attacks.ascent import Move, ascend
    from benchmark.attacks.minimal import Closest, MinimalAttack
    from benchmark.attacks.objectives import cross_entropy, is_wrong, margin
    from benchmark.data import Dataset, Split
    from benchmark.errors import BadInput
    from benchmark.ledger import Evaluation, Ledger, Outcome, Record, load_results
    from benchmark.methods import losses, objectives, outer
    from benchmark.methods.batch import Batch
    from benchmark.methods.cohort import Cohort, Member, mutual, single, student
    from benchmark.methods.formulas import formula
    from benchmark.methods.inner import Inner
    from benchmark.methods.method import Method
    from benchmark.methods.objectives import Target
    from benchmark.methods.weights import AWP, Merge
    from benchmark.noise import Noise
    from benchmark.parameters import Count, Fraction, NotNegative, Positive, one_of
    from benchmark.reporting import kinds
    from benchmark.reporting.column import Column, Output
    from benchmark.reporting.entries import Entry
    from benchmark.threats import Threat

__all__ = [
    "AWP",
    "Attack",
    "BadInput",
    "Batch",
    "Classifier",
    "Closest",
    "Cohort",
    "Column",
    "Count",
    "Dataset",
    "Entry",
    "Evaluation",
    "Fraction",
    "Inner",
    "Ledger",
    "Member",
    "Merge",
    "Method",
    "MinimalAttack",
    "Move",
    "Noise",
    "NotNegative",
    "Outcome",
    "Output",
    "Positive",
    "Record",
    "Split",
    "Target",
    "Threat",
    "ascend",
    "cross_entropy",
    "formula",
    "is_wrong",
    "kinds",
    "load_results",
    "losses",
    "margin",
    "mutual",
    "objectives",
    "one_of",
    "outer",
    "single",
    "student",
]

#: Where each name lives; a module of its own where it is one.
_HOMES = {
    "AWP": "benchmark.methods.weights",
    "Attack": "benchmark.attacks",
    "BadInput": "benchmark.errors",
    "Batch": "benchmark.methods.batch",
    "Classifier": "benchmark.attacks",
    "Closest": "benchmark.attacks.minimal",
    "Cohort": "benchmark.methods.cohort",
    "Column": "benchmark.reporting.column",
    "Count": "benchmark.parameters",
    "Dataset": "benchmark.data",
    "Entry": "benchmark.reporting.entries",
    "Evaluation": "benchmark.ledger",
    "Fraction": "benchmark.parameters",
    "Inner": "benchmark.methods.inner",
    "Ledger": "benchmark.ledger",
    "Member": "benchmark.methods.cohort",
    "Merge": "benchmark.methods.weights",
    "Method": "benchmark.methods.method",
    "MinimalAttack": "benchmark.attacks.minimal",
    "Move": "benchmark.attacks.ascent",
    "Noise": "benchmark.noise",
    "NotNegative": "benchmark.parameters",
    "Outcome": "benchmark.ledger",
    "Output": "benchmark.reporting.column",
    "Positive": "benchmark.parameters",
    "Record": "benchmark.ledger",
    "Split": "benchmark.data",
    "Target": "benchmark.methods.objectives",
    "Threat": "benchmark.threats",
    "ascend": "benchmark.attacks.ascent",
    "cross_entropy": "benchmark.attacks.objectives",
    "formula": "benchmark.methods.formulas",
    "is_wrong": "benchmark.attacks.objectives",
    "kinds": "benchmark.reporting",
    "load_results": "benchmark.ledger",
    "losses": "benchmark.methods",
    "margin": "benchmark.attacks.objectives",
    "mutual": "benchmark.methods.cohort",
    "objectives": "benchmark.methods",
    "one_of": "benchmark.parameters",
    "outer": "benchmark.methods",
    "single": "benchmark.methods.cohort",
    "student": "benchmark.methods.cohort",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(_HOMES[name])
    found = getattr(home, name, None)
    return importlib.import_module(f"{_HOMES[name]}.{name}") if found is None else found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
