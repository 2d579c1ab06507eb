"""Is one network really more robust than another? All differences of some networks on the same images, at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmark.analysis.aggregate import robust
from benchmark.analysis.labels import labels_of
from benchmark.errors import BadInput
from benchmark.labels import key
from benchmark.statistics.all_pairs import AllPairs, all_pairs
from benchmark.statistics.mcnemar import mcnemar
from benchmark.statistics.power import smallest_difference
from benchmark.statistics.score import histogram, score_interval, support
from benchmark.statistics.verdicts import Verdict, verdict
from benchmark.storage import canonical_json

if TYPE_CHECKING:
    from benchmark.ledger.evaluation import Evaluation

RESAMPLES = 2000

#: The chance that any difference of a family is called real by mistake.
LEVEL = 0.05


@dataclass(frozen=True)
class Comparison:
    """Two networks by one metric on the same images, as one pair of a family; see docs/statistics.md.

    Attributes:
        metric: "clean", "rworst", "ravg" or a threat.
        first, second: their values, fractions.
        difference: first - second.
        low, high: 95% interval of the difference, by the score test: of all pairs of the family together.
        p: of the score test of this pair alone.
        corrected: p corrected for all pairs of the family.
        exact: p of McNemar's exact test of this pair alone, as a check; None where an image may count in part.
        only_first, only_second: images that only one of them gets right; None where an image may count in part.
        detectable: the smallest difference that would be found in four of five cases, corrected like `p`, where as
            many images differ as do here; None if so few can't show any.
        verdict: what is known of the first.
        margin: differences of less than that do not matter, a fraction; None where nobody said so beforehand.
        images: how many.
    """

    metric: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    corrected: float
    exact: float | None
    only_first: int | None
    only_second: int | None
    detectable: float | None
    verdict: Verdict
    margin: float | None
    images: int


@dataclass(frozen=True, eq=False)
class Family:
    """Some networks by one metric, all pairs of which are tested together.

    Attributes:
        metric: "clean", "rworst", "ravg" or a threat.
        places: of the networks that have a value for it, among the evaluations that were given.
        table: M×N, what each of the N images adds to each of these networks' value: multiples of 1/`parts`.
        parts: 1 for flags; the number of threats for "ravg".
        pairs: the tests of all pairs.
        margin: differences of less than that do not matter, a fraction; None where nobody said so beforehand.
    """

    metric: str
    places: tuple[int, ...]
    table: NDArray[np.float64]
    parts: int
    pairs: AllPairs
    margin: float | None = None

    def compare(self, first: int, second: int) -> Comparison | None:
        """The networks at these places among the evaluations; None where one of them has no value."""
        if first not in self.places or second not in self.places:
            return None
        one, other = self.places.index(first), self.places.index(second)
        left, right, images = self.table[one], self.table[other], self.table.shape[1]
        counts = histogram(left, right, self.parts)
        low, high = (float(ends[0]) for ends in score_interval(counts, self.pairs.critical))
        stands = {(True, False): True, (False, True): False}.get(
            (bool(self.pairs.better[one, other]), bool(self.pairs.better[other, one]))
        )
        # Step-down may find what an interval for all pairs together just misses: then the sign is known, and no more.
        low, high = max(low, 0.0) if stands else low, min(high, 0.0) if stands is False else high
        ahead, behind = int((left > right).sum()), int((left < right).sum())
        is_whole = bool(np.isin(self.table[[one, other]], (0.0, 1.0)).all())
        squares = float(counts @ support(self.parts) ** 2) / images
        return Comparison(
            metric=self.metric,
            first=float(left.mean()),
            second=float(right.mean()),
            difference=float(np.mean(left - right)),
            low=low,
            high=high,
            p=float(self.pairs.p[one, other]),
            corrected=float(self.pairs.corrected[one, other]),
            exact=float(mcnemar(ahead, behind)) if is_whole else None,
            only_first=ahead if is_whole else None,
            only_second=behind if is_whole else None,
            detectable=smallest_difference(images, squares, self.pairs.critical),
            verdict=verdict(low, high, stands, self.margin),
            margin=self.margin,
            images=images,
        )


def family(evaluations: Sequence[Evaluation], metric: str) -> Family | None:
    """All pairs of the networks by `metric`; None where none has a value for it.

    Raises:
        BadInput: they were not evaluated on the same images with the same suite.
    """
    check_comparable(evaluations)
    values = [scores(evaluation, metric) for evaluation in evaluations]
    known = {place: value for place, value in enumerate(values) if value is not None}
    if not known:
        return None
    table = np.stack(list(known.values()))
    parts = len(evaluations[0].union) if metric == "ravg" else 1
    return Family(metric, tuple(known), table, parts, all_pairs(table, parts, LEVEL), stated_margin(evaluations))


def compare(first: Evaluation, second: Evaluation, metric: str) -> Comparison | None:
    """The two by `metric`, as a family of their own; None where one of them has no value for it.

    Raises:
        BadInput: they were not evaluated on the same images with the same suite.
    """
    found = family([first, second], metric)
    return None if found is None else found.compare(0, 1)


def stated_margin(evaluations: Sequence[Evaluation]) -> float | None:
    """Which differences do not matter, as the suite's file said when the networks were evaluated; a fraction.

    None where an evaluation was made before the file said anything, or by a file that said something else: a margin
    has to be stated before results are known.
    """
    margins = {evaluation.suite.get("margin") for evaluation in evaluations}
    (only, *others) = margins or {None}
    return None if others or only is None else float(only) / 100


def scores(evaluation: Evaluation, metric: str) -> NDArray[np.float64] | None:
    """What each image adds to `metric`, N values in [0, 1] whose mean is the metric; None if it is not known.

    Args:
        evaluation: one network.
        metric: "clean", a threat by its name in `Evaluation.threats`, or over the threats that the suite counts
            "rworst" (robust under all of them) or "ravg" (share of them under which it is robust).
    """
    if metric == "clean":
        return (~evaluation.clean_errors).astype(float)
    if metric != "ravg":
        flags = robust(evaluation, None if metric == "rworst" else metric)
        return None if flags is None else flags.astype(float)
    per_threat = [scores(evaluation, name) for name in evaluation.union]
    known = [values for values in per_threat if values is not None]
    return np.mean(known, axis=0) if known and len(known) == len(per_threat) else None


def once_each(evaluations: Sequence[Evaluation], metric: str) -> list[int]:
    """For each evaluation the place of the first of the same network, attacked alike, with the same values.

    A network may be there under several names. It is one network still: nobody is better than itself, and who is
    better than all of its names is better than one network.
    """
    first: dict[object, int] = {}
    found = []
    for place, evaluation in enumerate(evaluations):
        values, weights = scores(evaluation, metric), evaluation.model.get("digest")
        attacked = (evaluation.seed, evaluation.precision, canonical_json(evaluation.judging))
        same = (weights, *attacked, values.tobytes()) if weights and values is not None else place
        found.append(first.setdefault(same, place))
    return found


def check_comparable(evaluations: Sequence[Evaluation]) -> None:
    """Refuse to put results of different data, suites or modes beside each other.

    Raises:
        BadInput: with what differs.
    """
    random = {key(found.model): found for found in evaluations if found.is_random}
    others = [found for found in evaluations if not found.is_random]
    if random and others:
        named = labels_of(evaluations)
        which = ", ".join(named[network] for network in random)
        passes = next(iter(random.values())).judging["verdict_passes"]
        raise BadInput(
            f"these results can't be compared: {which} draws random numbers and was judged by the votes of {passes} "
            f"passes, {', '.join(named[key(found.model)] for found in others)} by one pass: another question, which "
            "no test answers for both. Compare random networks with random ones"
        )
    aspects = {
        "dataset": lambda found: found.dataset["name"],
        "test images": lambda found: found.dataset["digest"],
        "number of images": lambda found: found.dataset["images"],
        "suite": lambda found: found.suite["digest"],
    }
    for aspect, value in aspects.items():
        values = {str(value(found))[:12]: key(found.model) for found in evaluations}
        if len(values) > 1:
            named = labels_of(evaluations)
            listed = ", ".join(f"{found} ({named[network]})" for found, network in values.items())
            raise BadInput(f"these results can't be compared, their {aspect} differs: {listed}")


def bootstrap(values: NDArray[np.float64], seed: int = 0, resamples: int = RESAMPLES) -> NDArray[np.float64]:
    """Means of M networks' values (M×N) over images drawn anew with replacement, the same for all: M×`resamples`."""
    images = values.shape[1]
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(images, np.full(images, 1 / images), size=resamples)
    return values @ counts.T / images
