"""What a number of images can show."""

from __future__ import annotations

from math import sqrt

from scipy.optimize import brentq
from scipy.special import ndtri


def smallest_difference(
    images: int, discordant: float = 0.1, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """The smallest difference of two networks' accuracies that a paired test on `images` will probably find.

    After Connor (1987) for McNemar's test.

    Args:
        images: how many both are tried on.
        discordant: share of the images that only one of the two gets right; the difference can't be larger.
        alpha: level of the two-sided test.
        power: how probable finding it shall be.

    Returns:
        A fraction; None if so few images can't show anything.
    """
    level, chance = -float(ndtri(alpha / 2)), float(ndtri(power))

    def excess(difference: float) -> float:
        spread = chance * sqrt(max(discordant - difference**2, 0.0))
        return difference * sqrt(images) - level * sqrt(discordant) - spread

    if excess(discordant) < 0:
        return None
    return float(brentq(excess, 0.0, discordant))
