"""The classes of the images that numbers are of, in words and as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.analysis.aggregate import robust
from benchmark.analysis.balance import by_class, is_uneven
from benchmark.ledger import Evaluation
from benchmark.ledger.classes import NONE, Classes
from benchmark.reporting.text import percent

#: So many classes are told one by one.
FEW = 6


@dataclass(frozen=True)
class ClassRow:
    """One class on a network's page.

    Attributes:
        name: of the class, "no answer" for none.
        images: how many are of it.
        answered: for how many the network says so, without attack.
        clean, r_worst: accuracies on its images, fractions; None where that is not known, or there are none.
    """

    name: str
    images: int
    answered: int
    clean: float | None
    r_worst: float | None


def classes_of(evaluations: Sequence[Evaluation]) -> Classes | None:
    """The classes of images that all these evaluations are of; None if none of them tells."""
    return next((found.classes for found in evaluations if found.classes is not None), None)


def shares(classes: Classes) -> str:
    """How many images there are of each class, in words: "cat 60 (95.2%), dog 3 (4.8%)"."""
    counts = classes.counts
    present = counts[counts > 0]
    order = np.argsort(-counts, kind="stable")[: len(present)]
    told = [f"{classes.names[place]} {counts[place]} ({percent(counts[place] / counts.sum())}%)" for place in order]
    if not is_uneven(classes) and len(told) > FEW:
        low, high = present.min(), present.max()
        told = [f"{len(present)} classes of {low if low == high else f'{low} to {high}'} images"]
    elif len(told) > FEW:
        told = [*told[: FEW - 1], f"{len(told) - FEW} between", told[-1]]
    missing = len(counts) - len(present)
    return ", ".join(told) + (f"; {missing} of {len(counts)} classes have none" if missing else "")


def all_shares(classes: Classes) -> str:
    """The same for programs, class by class: "cat=60 dog=3"."""
    return " ".join(f"{name}={count}" for name, count in zip(classes.names, classes.counts.tolist(), strict=True))


def class_rows(evaluation: Evaluation) -> Iterator[ClassRow]:
    """One network's numbers, class by class; nothing in ledgers of older versions."""
    classes = evaluation.classes
    if classes is None:
        return
    answered = np.bincount(classes.answers[classes.answers != NONE], minlength=len(classes.names))
    shares = [by_class(classes, flags) for flags in (~evaluation.clean_errors, robust(evaluation))]
    for place, name in enumerate(classes.names):
        known = [None if np.isnan(each[place]) else float(each[place]) for each in shares]
        yield ClassRow(name, int(classes.counts[place]), int(answered[place]), *known)
    if (classes.answers == NONE).any():
        yield ClassRow("no answer", 0, int((classes.answers == NONE).sum()), None, None)
