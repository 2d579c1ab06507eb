"""The score test and interval of a mean paired difference: Tango's for flags, the same for shares of an image.

Of two networks on the same images each image gives a difference in [-1, 1]: +1 where only the first is right, -1
where only the second is, and for Ravg over K threats multiples of 1/K. The test of a supposed mean difference δ
divides what was seen by the standard error *that δ implies*: the variance under the distribution that fits the images
best among all of mean δ. With the values -1, 0, 1 this is the score test of Tango (1998, Statistics in Medicine
17:891), whose value at δ = 0 is McNemar's (b - c) / √(b + c). With more values the best fit is that of empirical
likelihood (Owen 1988, Biometrika 75:237) between ± the largest difference that was seen; so a Ravg that differs by
one threat alone has that threat's p.

The interval holds every δ that the test does not reject, so that interval and p can't disagree; and since a δ that
was never seen implies a variance, too, networks that differ on no image still have an interval of some width.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]

#: Halvings until a bracket is as narrow as rounding.
_HALVINGS = 60

#: What means are apart by for no other reason than rounding.
_NOTHING = 1e-15

#: The largest tilt at which a value that was seen has a finite weight.
_LARGEST = 1 - 1e-12


def support(parts: int) -> Floats:
    """The values that differences of shares of `parts` can take, from -1 to 1."""
    return np.arange(-parts, parts + 1) / parts


def histogram(first: Floats, second: Floats, parts: int = 1) -> Floats:
    """How many of N images have each difference in `support(parts)`, from two rows of N multiples of 1/`parts`."""
    steps = np.rint((first - second) * parts).astype(np.intp) + parts
    return np.bincount(steps, minlength=2 * parts + 1).astype(float)


def most_probable(counts: Floats, tilt: Floats) -> Floats:
    """P distributions, P×S weights: of all that have their mean those under which `counts` are most probable.

    The weights are proportional to counts / (1 - tilt · value / largest), with the largest size of a difference that
    was seen, so that a tilt of ±1 is the last at which all are positive. Where even that does not reach a mean, the
    value ±largest was never seen and takes what is lacking: a share of |tilt| - 1.

    Args:
        counts: P×S, of the values in `support`, by pairs.
        tilt: P numbers from -2, all weight at -largest, over 0, as seen, to 2, all weight at largest.
    """
    parts = counts.shape[1] // 2
    steps = ((counts > 0) * np.abs(np.arange(-parts, parts + 1))).max(1)
    steps = np.where(steps > 0, steps, parts)  # where nothing differs, a whole image might
    inner = np.clip(tilt, -_LARGEST, _LARGEST) / steps
    falls = 1 - inner[:, None] * np.arange(-parts, parts + 1)
    weights = np.divide(counts, falls, out=np.zeros_like(falls), where=counts > 0)
    lacking = np.maximum(0.0, np.abs(tilt) - 1)
    weights *= ((1 - lacking) / weights.sum(1))[:, None]
    weights[np.arange(len(weights)), parts + np.where(tilt > 0, steps, -steps)] += lacking
    return weights


def score(counts: ArrayLike, mean: ArrayLike = 0.0) -> Floats:
    """How many standard errors the mean difference lies above the supposed `mean`: P values; 0 where nothing differs.

    Args:
        counts: P×S, of the values in `support`, by pairs.
        mean: supposed, in (-1, 1), for all pairs or for each.
    """
    counts = np.atleast_2d(np.asarray(counts, float))
    supposed = np.broadcast_to(np.asarray(mean, float), len(counts))
    tilt = _root(lambda at: supposed - most_probable(counts, at) @ support(counts.shape[1] // 2), len(counts))
    return _score(counts, tilt, supposed)


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
    values = support(counts.shape[1] // 2)

    def end(bound: float) -> Floats:
        return most_probable(counts, _root(lambda tilt: _score(counts, tilt) - bound, len(counts))) @ values

    return end(critical), end(-critical)


def _score(counts: Floats, tilt: Floats, mean: Floats | None = None) -> Floats:
    """The score of the mean that a tilt has; `mean` where it is known better than that."""
    images, values = counts.sum(1), support(counts.shape[1] // 2)
    weights = most_probable(counts, tilt)
    mean = weights @ values if mean is None else mean
    variance = (weights * (values - mean[:, None]) ** 2).sum(1)
    excess = counts @ values / images - mean
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.abs(excess) <= _NOTHING, 0.0, excess * np.sqrt(images / variance))


def _root(falling: Callable[[Floats], Floats], pairs: int) -> Floats:
    """The tilts at which each of several falling functions crosses 0; else the nearer end."""
    low, high = np.full(pairs, -2.0), np.full(pairs, 2.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = falling(middle) > 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return (low + high) / 2
