"""How many of M things have a property, if x of k that were drawn without replacement do: exact intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import gammaln


def log_choose(n: np.ndarray | int, k: np.ndarray | int) -> np.ndarray:
    """Log of the binomial coefficient; −inf where there is none."""
    n, k = np.asarray(n, float), np.asarray(k, float)
    possible = (k >= 0) & (k <= n)
    safe = np.where(possible, k, 0)
    return np.where(possible, gammaln(n + 1) - gammaln(safe + 1) - gammaln(n - safe + 1), -np.inf)


def at_most(x: int, population: int, marked: int, drawn: int) -> float:
    """P(X ≤ x) for the number X of the marked among those drawn."""
    counts = np.arange(max(0, drawn - (population - marked)), min(x, drawn, marked) + 1)
    if not len(counts):
        return 0.0
    logs = (
        log_choose(marked, counts) + log_choose(population - marked, drawn - counts) - log_choose(population, drawn)
    )
    return float(min(1.0, np.exp(logs).sum()))


def total_interval(x: int, population: int, drawn: int, alpha: float = 0.05) -> tuple[int, int]:
    """The exact interval of the number marked: those numbers that neither tail of α/2 rejects.

    It holds with probability at least 1 − α, whatever the number: Clopper and Pearson's, for a finite population.

    Args:
        x: how many of those drawn are marked.
        population: M.
        drawn: k, without replacement.
        alpha: the probability with which it is wrong.
    """
    least, most = x, population - (drawn - x)

    def few(marked: int) -> bool:  # so few that x or more of them would hardly be drawn
        return 1 - at_most(x - 1, population, marked, drawn) <= alpha / 2

    def many(marked: int) -> bool:  # so many that x or fewer would hardly be drawn
        return at_most(x, population, marked, drawn) <= alpha / 2

    return _first(least, most, lambda marked: not few(marked)), _first(least, most + 1, many) - 1


def upper_bound(x: int, population: int, drawn: int, alpha: float = 0.05) -> int:
    """The one-sided bound: the largest number of marked of which x or fewer are drawn with probability above α."""
    return total_interval(x, population, drawn, 2 * alpha)[1]


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The first number from `low` on for which `holds`, which from there on it does; `high` if for none before."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
