"""The score test and interval of a mean paired difference: Tango's for flags, the same for shares of an image.

Of two networks on the same images each image gives a difference in [-1, 1]: +1 where only the first is right, -1
where only the second is, and for Ravg over K threats multiples of 1/K. The test of a supposed mean difference δ
divides what was seen by the standard error *that δ implies*: the variance under the distribution that fits the images
best among all of mean δ, on the values that a difference can take. With the values -1, 0, 1 this is the score test of
Tango (1998, Statistics in Medicine 17:891), whose value at δ = 0 is McNemar's (b - c) / √(b + c); with more values
the best fit is that of empirical likelihood (Owen 1988, Biometrika 75:237), with ±1 always possible.

The interval holds every δ that the test does not reject, so that interval and p can't disagree; and since a δ that
was never seen implies a variance, too, networks that differ on no image still have an interval of some width.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]

#: Halvings until a bracket of length 2 is as narrow as rounding.
_HALVINGS = 55


def support(parts: int) -> Floats:
    """The values that differences of shares of `parts` can take, from -1 to 1."""
    return np.arange(-parts, parts + 1) / parts


def histogram(first: Floats, second: Floats, parts: int = 1) -> Floats:
    """How many of N images have each difference in `support(parts)`, from two rows of N multiples of 1/`parts`."""
    steps = np.rint((first - second) * parts).astype(np.intp) + parts
    return np.bincount(steps, minlength=2 * parts + 1).astype(float)


def constrained_variance(counts: ArrayLike, mean: ArrayLike) -> Floats:
    """Variance of the distribution of that `mean` under which `counts` are most probable.

    The weights are counts / (n (1 + λ (value - mean))), with λ such that their mean is right; where even the largest
    λ does not get there, the value -1 or 1, which was never seen, takes what is lacking.

    Args:
        counts: P×S, of the values in `support`, by pairs.
        mean: P supposed means, in (-1, 1).

    Returns:
        P variances.
    """
    counts, mean = np.atleast_2d(np.asarray(counts, float)), np.atleast_1d(np.asarray(mean, float))
    images = counts.sum(1)
    offsets = support(counts.shape[1] // 2) - mean[:, None]

    def weights(slope: Floats) -> Floats:
        return np.divide(counts, 1 + slope[:, None] * offsets, out=np.zeros_like(counts), where=counts > 0)

    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        slope = _root(lambda at: (weights(at) * offsets).sum(1), -1 / (1 - mean), 1 / (1 + mean))
        found = weights(slope) / images[:, None]
        lacking = np.maximum(0.0, 1 - found.sum(1))
        end = np.where(slope < 0, 1.0, -1.0) - mean
        return np.asarray((found * offsets**2).sum(1) + lacking * end**2)


def score(counts: ArrayLike, mean: ArrayLike = 0.0) -> Floats:
    """How many standard errors the mean difference lies above the supposed `mean`: P values; 0 where nothing differs.

    Args:
        counts: P×S, of the values in `support`, by pairs.
        mean: supposed, in (-1, 1), for all pairs or for each.
    """
    counts = np.atleast_2d(np.asarray(counts, float))
    supposed = np.broadcast_to(np.asarray(mean, float), len(counts))
    images = counts.sum(1)
    excess = counts @ support(counts.shape[1] // 2) / images - supposed
    with np.errstate(divide="ignore", invalid="ignore"):
        found = excess * np.sqrt(images / constrained_variance(counts, supposed))
    return np.where(excess == 0, 0.0, found)


def score_p(z: ArrayLike) -> Floats:
    """Two-sided p of a score."""
    return np.asarray(2 * ndtr(-np.abs(z)))


def score_interval(counts: ArrayLike, critical: float) -> tuple[Floats, Floats]:
    """The mean differences that a score test with this critical value does not reject: P lowest and P highest.

    Args:
        counts: P×S, of the values in `support`, by pairs.
        critical: e.g. 1.96 for 95 % of one pair; `all_pairs` has that of many.
    """
    counts = np.atleast_2d(np.asarray(counts, float))
    mean = counts @ support(counts.shape[1] // 2) / counts.sum(1)
    low = _root(lambda at: score(counts, at) - critical, np.full_like(mean, -1.0), mean)
    high = _root(lambda at: score(counts, at) + critical, mean, np.full_like(mean, 1.0))
    return low, high


def _root(falling: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Where each of several falling functions crosses 0 between `low` and `high`; else the nearer end."""
    low, high = low.copy(), high.copy()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = falling(middle) > 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return (low + high) / 2
