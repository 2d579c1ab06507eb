"""How far apart two sides of a claim are, in percentage points: over images, or over seeds and images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import ndtri

from benchmark.papers.cells import Scores
from benchmark.statistics.score import histogram, score, score_interval, score_p
from benchmark.statistics.seeds import PSEUDO_IMAGES, compare_methods, two_sided

#: Significance level of the tests of claims; their intervals have the rest.
LEVEL = 0.05

#: A share of an image is a multiple of one over at most so many: threats, times the rows that a row averages.
MOST_PARTS = 48


@dataclass(frozen=True)
class Difference:
    """Left − right, in percentage points.

    Attributes:
        value: the difference of the means.
        low, high: its 95% interval; that of the score test need not have the value in the middle.
        p: probability of one so far from 0 if there is none; never 0.
        p_at: of a number of points, probability of a value so far from it if that were the true difference:
            two-sided, so that it is below the level just where the 95% interval does not hold that number.
        advice: of several seeds, what half the interval would be with twice the seeds, or twice the images.
    """

    value: float
    low: float
    high: float
    p: float
    p_at: Callable[[float], float]
    advice: str = ""


def estimate(left: Scores, right: Scores, is_paired: bool = False) -> Difference:
    """The difference of two sides.

    Args:
        left, right: N values in [0, 1] of one network each, or S×N of a method's seeds; of the same images.
        is_paired: whether row s of both came out of one training, or is of one network under two attacks.

    With several seeds on both sides, seeds and images are what could have been others. With one, images alone, and
    the difference is one of checkpoints: the test is the score test, see `benchmark.statistics.score`.
    """
    left, right = np.atleast_2d(left), np.atleast_2d(right)
    if min(len(left), len(right)) > 1:
        found = compare_methods(left, right, is_paired=is_paired, confidence=1 - LEVEL)
        error = float(np.hypot(found.seed_error, found.image_error))
        return _by_error(found.difference, error, found.half_width, found.freedom, found.advice)
    one, other = left.mean(0), right.mean(0)
    parts = next((parts for parts in range(1, MOST_PARTS + 1) if _are_multiples(one, other, parts)), None)
    if parts is None:
        differences = one - other
        total = float(((differences - differences.mean()) ** 2).sum()) + PSEUDO_IMAGES
        error, quantile = sqrt(total / (len(one) + PSEUDO_IMAGES + 1) / len(one)), float(-ndtri(LEVEL / 2))
        return _by_error(float(differences.mean()), error, quantile * error, 1e9)
    counts = histogram(one, other, parts)
    low, high = (float(end[0]) for end in score_interval(counts, float(-ndtri(LEVEL / 2))))

    def p_at(points: float) -> float:
        return max(float(np.finfo(float).tiny), float(score_p(score(counts, points / 100))[0]))

    return Difference(100 * float(np.mean(one - other)), 100 * low, 100 * high, p_at(0.0), p_at)


def _by_error(difference: float, error: float, half_width: float, freedom: float, advice: str = "") -> Difference:
    def p_at(points: float) -> float:
        return two_sided((difference - points / 100) / error, freedom)

    low, high = (100 * max(-1.0, min(1.0, difference + sign * half_width)) for sign in (-1, 1))
    return Difference(100 * difference, low, high, p_at(0.0), p_at, advice)


def _are_multiples(one: Scores, other: Scores, parts: int) -> bool:
    values = np.concatenate([one, other]) * parts
    return bool(np.allclose(values, np.rint(values), rtol=0, atol=1e-6))
