"""What other packages may import: these names stay, or change with a word in the changelog; any other may change.

`docs/extending.md` shows them at work. The verbs, `benchmark.train` and so on, are public as well.
"""

from __future__ import annotations

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
