"""Is the mean of N known-to-be-bounded values larger than m? Bets on values drawn one by one, without replacement.

The N values (an image each) lie in [0, 1] and are fixed; only the order in which they are looked at is random. If
their mean is m, then the mean of those that are left is known before each draw,

    m_t = (N·m − (x_1 + ... + x_{t−1})) / (N − t + 1),

and a gambler who puts a share c ∈ [0, 1) of the wealth on "larger" multiplies it by (1 − c) + c·x_t / m_t, whose
expected value is 1. The wealth is a martingale, so that by Ville's inequality it *ever* reaches 1/α with probability
at most α, however often one looks (Waudby-Smith & Ramdas 2023, arXiv:2010.09686, on sampling without replacement).
Each factor falls as m rises: what rejects m rejects every smaller mean, too.

No single c suits all differences, so the wealth is spread evenly over c ∈ (0, 1). For differences of flags,
x = (1 + a − b)/2 ∈ {0, ½, 1}, at m = ½ and with N → ∞ the factor of an image on which both agree is 1, and the wealth
is the beta-binomial e-value of the discordant images: McNemar's question, and the answer may be read at any time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

#: Places c in (0, 1) and their weights: Gauss–Legendre, so that the spread is even.
_LEGENDRE = np.polynomial.legendre.leggauss(32)
SHARES, WEIGHTS = (_LEGENDRE[0] + 1) / 2, _LEGENDRE[1] / 2

#: A mean of what is left below this is none, but for rounding.
_NOTHING = 1e-9
#: Draws whose factors are multiplied before a logarithm is taken: neither 0 nor infinity can come out.
_AT_ONCE = 32


class Wealth:
    """The wealth of gamblers who bet that the mean of N values is larger than a candidate, one gambler a row.

    Args:
        images: N, how many values there are.
        means: the candidates, one per row, in [0, 1].

    Attributes:
        drawn: how many values have been looked at.
        highest: log of the largest wealth at any look so far, a number per row; infinite where the candidate
            contradicts what was drawn.
    """

    def __init__(self, images: int, means: ArrayLike) -> None:
        self.images, self.drawn = images, 0
        self._means = np.atleast_1d(np.asarray(means, float))
        self._sums = np.zeros(len(self._means))
        self._logs = np.zeros((len(self._means), len(SHARES)))
        self.highest = np.zeros(len(self._means))

    def take(self, values: ArrayLike) -> None:
        """Look at the next values: the same b for all rows, or rows × b."""
        values = np.broadcast_to(np.asarray(values, float), (len(self._means), np.shape(values)[-1]))
        for start in range(0, values.shape[1], _AT_ONCE):
            self._bet(values[:, start : start + _AT_ONCE])
        if values.shape[1]:
            self.highest = np.maximum(self.highest, np.logaddexp.reduce(self._logs + np.log(WEIGHTS), axis=1))

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Go on with some rows only."""
        self._means, self._sums, self._logs = self._means[rows], self._sums[rows], self._logs[rows]
        self.highest = self.highest[rows]

    def rejected(self, level: float) -> NDArray[np.bool_]:
        """For each row whether its candidate, and every smaller mean, is rejected at `level`."""
        return np.asarray(self.highest >= -np.log(level))

    def _bet(self, values: Floats) -> None:
        before = self._sums[:, None] + np.cumsum(values, axis=1) - values
        left = self.images - self.drawn - np.arange(values.shape[1])
        means = (self.images * self._means[:, None] - before) / left
        surprise = np.where(means > _NOTHING, values / np.maximum(means, _NOTHING), 1.0) - 1.0
        impossible = ((means <= _NOTHING) & (values > _NOTHING)).any(axis=1)
        for node, share in enumerate(SHARES):
            self._logs[:, node] += np.log((1.0 + share * surprise).prod(axis=1))
        self._sums += values.sum(axis=1)
        impossible |= self._sums > self.images * (self._means + _NOTHING)  # nothing that is left can be negative
        self._logs[impossible] = np.inf
        self.drawn += values.shape[1]


def lower_bound(values: ArrayLike, images: int, level: float, known: float = 0.0) -> float:
    """A mean below which that of all `images` values is not, by those drawn so far, at a one-sided `level`.

    Args:
        values: those drawn, in [0, 1], in random order.
        images: N.
        level: the probability with which this is ever wrong.
        known: a bound that an earlier look gave; it remains.
    """
    low, high = known, 1.0
    for _ in range(4):  # seventeen candidates at a time: to 1/16⁴ of the range
        candidates = np.linspace(low, high, 17)
        wealth = Wealth(images, candidates)
        wealth.take(values)
        fallen = np.flatnonzero(wealth.rejected(level))
        if not len(fallen):
            high = float(candidates[1])
            continue
        last = int(fallen[-1])
        if last == len(candidates) - 1:
            return high
        low, high = float(candidates[last]), float(candidates[last + 1])
    return low


def interval(
    differences: ArrayLike, images: int, level: float, known: tuple[float, float] = (-1.0, 1.0)
) -> tuple[float, float]:
    """Where the mean of all `images` differences in [−1, 1] lies: a confidence sequence, to be looked at at any time.

    Args:
        differences: those drawn, in random order.
        images: N.
        level: the probability with which each end is ever wrong, α/2 for an interval of 1 − α.
        known: what an earlier look gave; the interval lies within it.
    """
    drawn = np.asarray(differences, float)
    if len(drawn) == images:
        return float(drawn.mean()), float(drawn.mean())
    low = lower_bound((1 + drawn) / 2, images, level, (1 + known[0]) / 2)
    high = lower_bound((1 - drawn) / 2, images, level, (1 - known[1]) / 2)
    return 2 * low - 1, 1 - 2 * high
