"""The interval of a mean of shares, such as Ravg's: from the variance that the images have, not from the largest.

Of K threats an image withstands a share, 0, 1/K, ... or 1, and Ravg is the mean of these shares. Wilson's interval
supposes flags, which vary as much as values of that mean can; shares vary less, unless an image withstands all
threats or none. N images of them tell as much as N/ρ flags do, where ρ is the share of the flags' variance that they
have (a "design effect", Kish 1965), and the interval is Wilson's (1927) of so many flags, as is usual for such means
(Korn & Graubard 1998, Survey Methodology 24, 193–201). For flags ρ is 1, and it is Wilson's interval itself.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri


def mean_interval(values: NDArray[np.float64], confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the mean of N values in [0, 1], as fractions; it lies in [0, 1] and always has a width.

    Raises:
        ValueError: there are no values, or some are outside [0, 1].
    """
    quantile = float(ndtri((1 + confidence) / 2))
    return interval_between(values, quantile, quantile)


def interval_between(values: NDArray[np.float64], below: float, above: float) -> tuple[float, float]:
    """As `mean_interval`, with the quantiles of the standard normal distribution for its two ends.

    Args:
        values: N values in [0, 1].
        below, above: how many standard errors to go down, and up; positive.
    """
    values = np.asarray(values, float)
    if values.size == 0 or not (values.min() >= 0 and values.max() <= 1):
        raise ValueError("an interval of shares takes values in [0, 1], one at least")
    mean = min(float(values.mean()), 1.0)
    low = wilson_bound(mean, equivalent_flags(values, mean, below), -below) if mean > 0 else 0.0
    high = wilson_bound(mean, equivalent_flags(values, mean, above), above) if mean < 1 else 1.0
    return max(0.0, low), min(1.0, high)


def equivalent_flags(values: NDArray[np.float64], mean: float, quantile: float) -> float:
    """How many flags tell as much of their `mean` as these N values do.

    z² further values are thought to be there that vary as flags do, so that values without spread have some.
    """
    greatest = mean * (1 - mean)
    if greatest == 0:
        return float(len(values))
    prior = quantile**2
    effect = (float(((values - mean) ** 2).sum()) / greatest + prior) / (len(values) + prior)
    return len(values) / min(effect, 1.0)


def wilson_bound(mean: float, flags: float, quantile: float) -> float:
    """The end of Wilson's interval for a share `mean` of so many `flags`, on the side of the quantile's sign."""
    square = quantile**2 / flags
    end = (mean + square / 2 + quantile * sqrt((mean * (1 - mean) + square / 4) / flags)) / (1 + square)
    return max(end, mean) if quantile > 0 else min(end, mean)  # on its side, which rounding may leave by 1e-16
