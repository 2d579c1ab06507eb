"""The classes of the images that numbers are of, in words and as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from benchmark.analysis.aggregate import robust
from benchmark.analysis.balance import is_uneven
from benchmark.analysis.confusion import confusion
from benchmark.charts import Axis, Bars, Mark, bar_chart, matrix
from benchmark.ledger import Evaluation
from benchmark.ledger.classes import NONE, Classes
from benchmark.reporting.entries import Accuracy
from benchmark.reporting.text import percent
from benchmark.statistics.wilson import wilson

#: Of so many classes at most a page has a chart and a matrix, and data files the matrix under each attack.
DRAWN = 20

#: So many classes are told one by one.
FEW = 6


@dataclass(frozen=True)
class ClassRow:
    """One class on a network's page.

    Attributes:
        name: of the class, "no answer" for none.
        images: how many are of it.
        answered: for how many the network says so, without attack.
        clean, r_worst: accuracies on its images, with 95% intervals; None where that is not known, or there are none.
        threats: the same under each threat, by its name.
    """

    name: str
    images: int
    answered: int
    clean: Accuracy | None
    r_worst: Accuracy | None
    threats: Mapping[str, Accuracy | None] = field(default_factory=dict)


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
    clean, worst = _accuracies(classes, ~evaluation.clean_errors), _accuracies(classes, robust(evaluation))
    under = {threat: _accuracies(classes, robust(evaluation, threat)) for threat in evaluation.threats}
    for place, name in enumerate(classes.names):
        threats = {threat: own[place] for threat, own in under.items()}
        yield ClassRow(name, int(classes.counts[place]), int(answered[place]), clean[place], worst[place], threats)
    if (classes.answers == NONE).any():
        yield ClassRow("no answer", 0, int((classes.answers == NONE).sum()), None, None)


def _accuracies(classes: Classes, flags: NDArray[np.bool_] | None) -> list[Accuracy | None]:
    """Of each class the share of its images whose flag is set, with Wilson's interval."""
    if flags is None:
        return [None] * len(classes.names)
    right = np.bincount(classes.labels, weights=flags, minlength=len(classes.names))
    return [
        Accuracy(own / images, *wilson(own, images)) if images else None
        for own, images in zip(right.tolist(), classes.counts.tolist(), strict=True)
    ]


def class_chart(rows: Sequence[ClassRow], title: str) -> Markup | None:
    """Clean and robust accuracy of each class as bars; None where neither is known, or there are too many classes."""
    groups = [row for row in rows if row.images]
    if not 1 < len(groups) <= DRAWN:
        return None
    bars = [
        Bars(label, [_mark(place, row.name, label, own) for place, row in enumerate(groups) if (own := known(row))])
        for label, known in (("clean", lambda row: row.clean), ("Rworst", lambda row: row.r_worst))
    ]
    drawn = [each for each in bars if each.marks]
    return bar_chart(title, [row.name for row in groups], drawn, Axis("accuracy %", 0, 100)) if drawn else None


def _mark(place: int, name: str, label: str, own: Accuracy) -> Mark:
    words = f"{name}, {label}: {percent(own.value)}% ({percent(own.low)}–{percent(own.high)})"
    return Mark(place, 100 * own.value, 100 * own.low, 100 * own.high, words)


def confusion_table(evaluation: Evaluation, title: str) -> Markup | None:
    """What images of each class are taken for in the worst case; None where that is not known or too large to show.

    A cell is the darker the larger its share of the images of its class.
    """
    found = confusion(evaluation)
    if found is None or len(found.names) > DRAWN:
        return None
    numbers = found.matrix
    shades = numbers / np.maximum(numbers.sum(1, keepdims=True), 1)
    columns = [*found.names, "no answer"]
    if not numbers[:, -1].any():
        numbers, shades, columns = numbers[:, :-1], shades[:, :-1], columns[:-1]
    return matrix(title, "True / predicted", found.names, columns, numbers.tolist(), shades.tolist())
