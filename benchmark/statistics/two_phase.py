"""How many of the images that cheap attacks left standing withstand the expensive ones, too: from a sample.

Of the N images, cheap attacks leave M standing. A first sample of k₁ of these, drawn without replacement, is attacked
with everything; it is a stratum that is known. It tells roughly how many the expensive attacks break, hence how large
a second sample has to be: k₂ of the M − k₁ others, of which r₂ withstand. Then

    R = r₁ + (M − k₁) · r₂ / k₂

is unbiased: given the first sample, k₂ is fixed and r₂ / k₂ has the others' share as its expected value. The interval
of the others' number is exact for the same reason (hypergeometric, given the first sample), and r₁ is known.

The second sample is chosen so large that the interval is as narrow as asked for all r₂ but improbable ones. Where one
of those comes up, the images that are left are attacked as well, and the number is exact. All that is said is then
false with at most probability α. As this is done after looking, the estimate is biased by less than the probability
of that (about one in thirty) times the width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from benchmark.statistics.hypergeometric import total_interval, upper_bound

#: The first sample has this share of what would be needed if the expensive attacks broke half, and at least so many.
FIRST_SHARE, FIRST_LEAST = 0.1, 30
#: How sure the first sample has to be of the most that the second one breaks.
CAUTION = 0.05


@dataclass(frozen=True)
class Total:
    """A number of images with its interval.

    Attributes:
        value: the estimate, perhaps no whole number.
        low, high: its exact interval.
    """

    value: float
    low: int
    high: int

    @property
    def half_width(self) -> float:
        """How far the truth may be from the estimate, either way."""
        return max(self.value - self.low, self.high - self.value)


def estimate(standing: int, first: tuple[int, int], second: tuple[int, int], alpha: float) -> Total:
    """The number of robust images.

    Args:
        standing: M.
        first, second: how many images each sample has, and how many of them withstood.
        alpha: the probability with which the interval is wrong.
    """
    (known, robust), (drawn, withstood) = first, second
    others = standing - known
    if drawn == others:
        return Total(robust + withstood, robust + withstood, robust + withstood)
    if not drawn:
        return Total(robust + others / 2, robust, robust + others)
    low, high = total_interval(withstood, others, drawn, alpha)
    return Total(robust + others * withstood / drawn, robust + low, robust + high)


def first_size(standing: int, width: float, alpha: float) -> int:
    """k₁ for an interval of at most ± `width` images."""

    def suffices(drawn: int) -> bool:
        return _half(drawn // 2, standing, drawn, alpha) <= width

    most = _smallest(standing, suffices)
    return min(standing, max(FIRST_LEAST, ceil(FIRST_SHARE * most)))


def second_size(standing: int, first: tuple[int, int], width: float, alpha: float) -> int:
    """k₂, after the first sample."""
    known, robust = first
    others = standing - known
    if not others:
        return 0
    share = (upper_bound(known - robust, standing, known, CAUTION) - (known - robust)) / others

    def suffices(drawn: int) -> bool:
        most = min(ceil(share * drawn), drawn // 2 + 1)
        return all(_half(drawn - broken, others, drawn, alpha) <= width for broken in {most, max(most - 1, 0)})

    return _smallest(others, suffices)


def _half(withstood: int, population: int, drawn: int, alpha: float) -> float:
    return estimate(population, (0, 0), (drawn, withstood), alpha).half_width


def _smallest(most: int, suffices: Callable[[int], bool]) -> int:
    """The smallest sample that suffices; `most` always does."""
    low, high = 1, max(most, 1)
    while low < high:
        middle = (low + high) // 2
        if suffices(middle):
            high = middle
        else:
            low = middle + 1
    return min(low, most)
