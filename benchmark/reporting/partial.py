"""Networks that were tried on fewer images than those of a leaderboard: below it, marked, and without a rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from benchmark.analysis.labels import labels_of
from benchmark.analysis.paired import scores
from benchmark.labels import key
from benchmark.ledger import Evaluation
from benchmark.ledger.schema import suite_digest
from benchmark.statistics.betting import interval
from benchmark.statistics.wilson import wilson

#: What metrics are called in headings.
HEADINGS = {"rworst": "Rworst", "ravg": "Ravg"}


class Leaderboard(Protocol):
    """What a leaderboard has to say of its question."""

    @property
    def title(self) -> str: ...
    @property
    def images(self) -> int: ...
    @property
    def evaluations(self) -> tuple[Evaluation, ...]: ...


@dataclass(frozen=True)
class PartialLine:
    """One network on fewer images than the leaderboard is about.

    Attributes:
        network: what it is called.
        metric: as a heading: "Rworst", "Ravg" or a threat.
        value, low, high: of the images that were used, and its 95% interval; fractions.
        images, of: how many were used, of how many.
        is_random: whether they are a random sample of these, as `bench decide` draws; then the interval is about
            these images, and holds however often one looks. Else they are the first ones, and it is Wilson's.
    """

    network: str
    metric: str
    value: float
    low: float
    high: float
    images: int
    of: int
    is_random: bool

    @property
    def which(self) -> str:
        """Which images, in words."""
        if self.images == self.of:
            return f"all {self.of}, by {self.metric} alone"
        return f"{self.images} of {self.of}, {'drawn at random' if self.is_random else 'the first ones'}"


@dataclass(frozen=True)
class PartialTable:
    """What is listed below a leaderboard, or on its own where no network was attacked on all images.

    Attributes:
        title: the question.
        lines: one per network and metric, best first.
    """

    title: str
    lines: tuple[PartialLine, ...]


def partial_tables(
    boards: Sequence[Leaderboard], samples: Sequence[Evaluation]
) -> tuple[list[PartialTable], list[PartialTable]]:
    """The tables below the leaderboards, one for each, and those of questions that have no leaderboard.

    Below a leaderboard stand the networks that were attacked alike on fewer images of the same test set and are not
    on it: random samples, and those of leaderboards with fewer images.

    Args:
        boards: all that there are.
        samples: evaluations of random samples, see `Ledger.samples`.
    """
    every = [*(evaluation for board in boards for evaluation in board.evaluations), *samples]
    below = [PartialTable(board.title, _fewer(board.evaluations, board.images, every)) for board in boards]
    asked = {(attacks_of(board.evaluations[0]), board.images) for board in boards}
    alone: dict[tuple[Any, ...], list[Evaluation]] = {}
    for sample in samples:
        if (question := (attacks_of(sample), sample.dataset["images"])) not in asked:
            alone.setdefault(question, []).append(sample)
    return below, [PartialTable(_title(own[0]), _fewer((), own[0].dataset["images"], own)) for own in alone.values()]


def _title(evaluation: Evaluation) -> str:
    suite, dataset = evaluation.suite, evaluation.dataset
    return f"{dataset['name']} under {suite['name']} ({suite['preset']}), {dataset['images']} images"


def _fewer(ranked: Sequence[Evaluation], images: int, evaluations: Sequence[Evaluation]) -> tuple[PartialLine, ...]:
    """The lines of the networks that are not `ranked`, of several on one network that on the most images."""
    digests = {str(evaluation.model["digest"]) for evaluation in ranked}
    asked = attacks_of((ranked or evaluations)[0])
    fewer = [
        evaluation
        for evaluation in evaluations
        if str(evaluation.model["digest"]) not in digests
        and attacks_of(evaluation) == asked
        and len(evaluation.clean_errors) <= images
    ]
    named = labels_of([*ranked, *fewer])
    most: dict[tuple[str, str], PartialLine] = {}
    for evaluation in fewer:
        line = _line(evaluation, named[key(evaluation.model)], images)
        if line is not None and line.images > getattr(most.get((line.network, line.metric)), "images", 0):
            most[line.network, line.metric] = line
    order = sorted(most.values(), key=lambda line: (line.metric != "Rworst", line.metric, -line.value, line.network))
    return tuple(order)


def attacks_of(evaluation: Evaluation) -> tuple[str, str, int, str]:
    """What evaluations have in common that differ at most in the number of images, the mode and the search."""
    digest = suite_digest(evaluation.suite, 0)
    return evaluation.dataset["digest"], digest, evaluation.rules, str(evaluation.crafted_on)


def _line(evaluation: Evaluation, network: str, images: int) -> PartialLine | None:
    sample = evaluation.sample
    metric = "rworst" if sample is None else sample.metric
    values = scores(evaluation, metric)
    if values is None or (sample is not None and evaluation.dataset["images"] != images):
        return None
    used = len(values)
    low, high = _interval(values, None if sample is None else images)
    return PartialLine(
        network, HEADINGS.get(metric, metric), float(values.mean()), low, high, used, images, sample is not None
    )


def _interval(values: np.ndarray, images: int | None) -> tuple[float, float]:
    if images is None:
        return wilson(float(values.sum()), len(values))
    low, high = interval(values, images, 0.025)
    return max(low, 0.0), high


def partial_rows(tables: Sequence[PartialTable]) -> list[dict[str, object]]:
    """A row per line; accuracies are fractions."""
    names = ("network", "metric", "value", "low", "high", "images", "of", "is_random")
    return [
        {"question": table.title} | {name: getattr(line, name) for name in names}
        for table in tables
        for line in table.lines
    ]
