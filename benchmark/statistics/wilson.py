"""The confidence interval of a share of images."""

from __future__ import annotations

from math import sqrt

from scipy.special import ndtri


def wilson(successes: float, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for a share, as fractions (Wilson 1927, JASA 22).

    Unlike ±1.96 standard errors it stays in [0, 1] and has a width also at 0 and at `total` successes.

    `successes` may be a sum of values in [0, 1], such as shares of norms; the interval is then wider than need be.

    Raises:
        ValueError: `successes` is not between 0 and `total`, or `total` is not positive.
    """
    if not 0 <= successes <= total or total < 1:
        raise ValueError(f"{successes} of {total} is no share")
    z = float(ndtri((1 + confidence) / 2))
    share = successes / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == total else min(1.0, centre + half)
    return low, high
