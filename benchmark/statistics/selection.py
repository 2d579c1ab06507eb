"""The best of several candidates, by the same images that it is judged by: its value freed of the luck of the choice.

Whoever takes the highest of K values takes the luckiest, too, so that it is too high on average and its interval does
not hold ("winner's curse"). Two things are corrected here:

- The *value*: choose on images drawn with replacement and judge the choice by those not drawn, again and again
  (bootstrap bias corrected cross-validation: Tsamardinos, Greasidou & Borboudakis 2018, Machine Learning 107,
  1895–1922). What is judged by had no part in the choice.
- The *interval*: its lower end holds for all candidates at once, hence for the one that was chosen, whichever it is:
  max-T, the quantile of the largest of K correlated errors (Berk, Brown, Buja, Zhang & Zhao 2013, Annals of
  Statistics 41, 802–837). A choice never makes a value too low: the upper end needs no correction.

And whether the best is better than the others: its paired p against each, of which the largest counts. That needs no
correction for having looked, since luck would have to lift it above *every* other one, the truly best included
(Gutmann & Maymin 1987, Annals of Statistics 15, 456–461; Hung & Fithian 2019, Annals of Statistics 47, 758–782).

With several seeds of each candidate, these are part of the luck: see `seeds` for the variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from benchmark.statistics.mcnemar import mcnemar
from benchmark.statistics.ravg_interval import equivalent_flags, wilson_bound
from benchmark.statistics.seeds import PSEUDO_IMAGES, Arm, compare_methods, residual, two_sided

Floats = NDArray[np.float64]

#: Of the bootstrap, and of the largest error.
RESAMPLES, DRAWS = 1000, 20_000

#: So many numbers of a block of draws are in memory at once.
_BLOCK = 4_000_000


@dataclass(frozen=True)
class Selection:
    """The best of K candidates. Values are fractions.

    Attributes:
        chosen: its place among them; the first of several that are equally good.
        value: as measured, which is too high on average.
        corrected: without what the choice adds; not above `value`.
        low, high: interval of its true value that holds although it was chosen.
        runner_up: the place of the second best.
        difference: to the runner-up, as measured.
        p: two-sided probability that another one, as good or better, would fall so far behind all the same; the
            largest of all others'.
    """

    chosen: int
    value: float
    corrected: float
    low: float
    high: float
    runner_up: int
    difference: float
    p: float


def select(
    candidates: Sequence[Arm], chosen: int | None = None, *, confidence: float = 0.95, seed: int = 0
) -> Selection:
    """The candidate of highest mean, and what remains of it without the luck of the choice.

    Args:
        candidates: K ≥ 2 times S×N values in [0, 1], a row per seed and a column per image, the same images for all.
            With S = 1 what is said is about these checkpoints.
        chosen: the place of the best, where several are as good; None for the first of them.
        confidence: of the interval.
        seed: of the draws.

    Raises:
        ValueError: there is nothing to choose from, or the candidates were not tried alike.
    """
    shapes = {arm.shape for arm in candidates}
    if len(candidates) < 2 or len(shapes) != 1:
        raise ValueError(f"a choice takes two candidates at least, tried alike; these are {sorted(shapes)}")
    table = np.stack(candidates)
    values = table.mean((1, 2)).round(12)  # what is equal but for rounding is equal
    order = [int(place) for place in np.argsort(-values, kind="stable")]
    chosen = order[0] if chosen is None else chosen
    others = [place for place in order if place != chosen]
    value = min(float(values[chosen]), 1.0)
    low, high = _interval(table, chosen, confidence, seed)
    corrected = min(max(_unseen(table, seed), low), value)
    p = max(_paired_p(table[chosen], table[other]) for other in others)
    difference = float(values[chosen] - values[others[0]])
    return Selection(chosen, value, corrected, low, high, others[0], difference, p)


def _interval(table: Floats, chosen: int, confidence: float, seed: int) -> tuple[float, float]:
    """Wilson's interval for as many flags as have the error of the chosen one; below, with the quantile of max-T."""
    _, seeds, images = table.shape
    means = table.mean(1)
    covariance = np.atleast_2d(np.cov(means, bias=True)) / images + np.diag(
        np.full(len(means), PSEUDO_IMAGES / images**2)
    )
    of_seeds = _of_seeds(table)
    error = sqrt(covariance[chosen, chosen] + of_seeds)
    freedom = inf
    if seeds > 1:
        parts = of_seeds**2 / (len(table) * (seeds - 1)) + covariance[chosen, chosen] ** 2 / max(images - 1, 1)
        freedom = error**4 / parts
    usual = float(stdtrit(min(freedom, 1e9), (1 + confidence) / 2))
    largest = _largest(covariance + of_seeds * np.eye(len(means)), freedom, (1 + confidence) / 2, seed)
    value = min(float(means[chosen].mean()), 1.0)

    def end(quantile: float) -> float:
        flags = equivalent_flags(means[chosen], value, abs(quantile))
        spread = value * (1 - value)
        flags = spread / (spread / flags + of_seeds) if spread else flags
        return wilson_bound(value, flags, quantile)

    return (max(0.0, end(-max(largest, usual))) if value > 0 else 0.0), (min(1.0, end(usual)) if value < 1 else 1.0)


def _of_seeds(table: Floats) -> float:
    """Variance of a candidate's mean for the seeds' sake, without what the images make seeds differ by; 0 for one.

    One value for all candidates, which differ by a setting: few seeds of each tell little about its own.
    """
    seeds, images = table.shape[1:]
    if seeds < 2:
        return 0.0
    between = float(table.mean(2).var(axis=1, ddof=1).mean())
    return max(0.0, between - float(np.mean([residual(arm) for arm in table])) / images) / seeds


def _largest(covariance: Floats, freedom: float, level: float, seed: int) -> float:
    """Quantile of the largest of K errors over their standard errors: normal, or Student's t where seeds are few."""
    generator = np.random.default_rng(seed)
    spread = np.sqrt(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance / np.outer(spread, spread))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    largest = (generator.standard_normal((DRAWS, len(spread))) @ root.T).max(1)
    if np.isfinite(freedom):
        largest = largest / np.sqrt(generator.chisquare(freedom, DRAWS) / freedom)
    return float(np.quantile(largest, level))


def _unseen(table: Floats, seed: int) -> float:
    """Mean value of what is chosen on drawn images, on those not drawn; seeds, too, where there are several."""
    generator = np.random.default_rng(seed)
    _, seeds, images = table.shape
    block = max(1, _BLOCK // images)
    found: list[Floats] = []
    for start in range(0, RESAMPLES, block):
        size = min(block, RESAMPLES - start)
        counts = generator.multinomial(images, np.full(images, 1 / images), size=size)
        unseen = counts == 0
        kept = unseen.any(1)  # of very few images all may be drawn
        for left_out in range(seeds):
            others = [row for row in range(seeds) if row != left_out] or [0]
            choice = (table[:, others].mean(1) @ counts.T).argmax(0)
            judged = table[:, left_out] @ unseen.T / np.maximum(unseen.sum(1), 1)
            found.append(judged[choice, np.arange(size)][kept])
    drawn = np.concatenate(found)
    return float(drawn.mean()) if len(drawn) else float(table.mean((1, 2)).max())


def _paired_p(first: Arm, second: Arm) -> float:
    """Two-sided p of a difference on the same images: over seeds, too, where there are several."""
    if len(first) > 1:
        return compare_methods(first, second).p
    one, other = first[0], second[0]
    if np.isin([one, other], (0.0, 1.0)).all():
        return float(mcnemar((one > other).sum(), (one < other).sum()))
    differences = one - other
    total = ((differences - differences.mean()) ** 2).sum() + PSEUDO_IMAGES
    error = sqrt(total / (len(one) + PSEUDO_IMAGES + 1) / len(one))
    return two_sided(float(differences.mean()) / error, max(len(one) - 1, 1))
