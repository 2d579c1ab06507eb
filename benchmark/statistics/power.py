"""What a number of images can show."""

from __future__ import annotations

from math import sqrt

from scipy.special import ndtri


def smallest_difference(images: int, spread: float, critical: float, power: float = 0.8) -> float | None:
    """The smallest difference of two networks' accuracies that a paired test on `images` will probably find.

    After Connor (1987, Biometrics 43:207) for McNemar's test: d√n = critical √ψ + z √(ψ - d²), solved for d.

    Args:
        images: how many both are tried on.
        spread: mean of the squared differences, ψ: for flags the share of the images that only one of the two gets
            right, which the difference can't exceed.
        critical: score beyond which the difference stands, corrected for as many pairs as are tested.
        power: how probable finding it shall be.

    Returns:
        A fraction; None if so few images can't show anything.
    """
    chance = float(ndtri(power))
    level = critical * sqrt(spread)
    rest = level**2 * images - (images + chance**2) * (level**2 - chance**2 * spread)
    found = (level * sqrt(images) + sqrt(max(0.0, rest))) / (images + chance**2)
    return found if 0 < found <= spread else None
