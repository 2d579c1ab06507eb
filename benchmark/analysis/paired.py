"""Is one network really more robust than another? Tests on the same images, pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, ndtr

from benchmark.analysis.aggregate import robust
from benchmark.analysis.labels import labels_of
from benchmark.errors import BadInput
from benchmark.labels import key

if TYPE_CHECKING:
    from benchmark.ledger.evaluation import Evaluation

RESAMPLES = 2000

#: What means of shares are apart by for no other reason than rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Comparison:
    """Two networks by one metric on the same images.

    Attributes:
        metric: "clean", "rworst", "ravg" or a threat.
        first, second: their values, fractions.
        difference: first − second.
        low, high: 95% interval of the difference, by paired bootstrap.
        p: probability of a difference at least as large if there is none, see `p_values`.
        only_first, only_second: images that only one of them gets right; None where an image may count in part.
        images: how many.
    """

    metric: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    only_first: int | None
    only_second: int | None
    images: int


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


def compare(first: Evaluation, second: Evaluation, metric: str, seed: int = 0) -> Comparison | None:
    """The two by `metric`; None where one of them has no value for it.

    Raises:
        BadInput: they were not evaluated on the same images with the same suite.
    """
    check_comparable([first, second])
    one, other = scores(first, metric), scores(second, metric)
    if one is None or other is None:
        return None
    difference = float(np.mean(one - other))
    table = np.stack([one, other])
    resampled = bootstrap(table, seed)
    low, high = np.quantile(resampled[0] - resampled[1], [0.025, 0.975])
    is_whole = bool(_whole(table).all())
    return Comparison(
        metric=metric,
        first=float(one.mean()),
        second=float(other.mean()),
        difference=difference,
        low=float(low),
        high=float(high),
        p=float(p_values(table)[0, 1]),
        only_first=int((one > other).sum()) if is_whole else None,
        only_second=int((one < other).sum()) if is_whole else None,
        images=len(one),
    )


def check_comparable(evaluations: Sequence[Evaluation]) -> None:
    """Refuse to put results of different data, suites or modes beside each other.

    Raises:
        BadInput: with what differs.
    """
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


def p_values(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two-sided p for all pairs of M networks, M×M, from what each of N images adds to their accuracy (M×N).

    What the images add alone decides the test, not what the metric is called, so that one quantity has one p: exact
    McNemar where all of a pair's values are 0 or 1, as those of Ravg over a single threat are; else a normal
    distribution with the mean and the spread of the images' differences.
    """
    only_row = table @ (1 - table).T
    p = mcnemar(only_row.round(), only_row.T.round())
    for row in np.flatnonzero(~_whole(table)):
        differences = table[row] - table
        p[row] = p[:, row] = _normal_p(differences.mean(1), differences.std(1) / np.sqrt(table.shape[1]))
    return p


def _whole(table: NDArray[np.float64]) -> NDArray[np.bool_]:
    """For each row of M×N shares whether all of them are 0 or 1."""
    return np.asarray(np.isin(table, (0.0, 1.0)).all(1))


def mcnemar(only_first: ArrayLike, only_second: ArrayLike) -> NDArray[np.float64]:
    """Two-sided exact p of McNemar's test (1947), elementwise.

    If neither is better, each image on which they differ is a fair coin.
    """
    fewer, total = np.minimum(only_first, only_second), np.add(only_first, only_second).astype(np.intc)
    return np.minimum(1.0, 2 * bdtr(fewer, total, 0.5))


def bootstrap(values: NDArray[np.float64], seed: int = 0, resamples: int = RESAMPLES) -> NDArray[np.float64]:
    """Means of M networks' values (M×N) over images drawn anew with replacement, the same for all: M×`resamples`."""
    images = values.shape[1]
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(images, np.full(images, 1 / images), size=resamples)
    return values @ counts.T / images


def _normal_p(difference: NDArray[np.float64], deviation: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * ndtr(-np.abs(difference) / deviation)
    return np.where(deviation > _ROUNDING, p, np.where(np.abs(difference) > _ROUNDING, 0.0, 1.0))
