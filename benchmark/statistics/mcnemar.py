"""McNemar's exact test: the check beside every approximation here."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr


def mcnemar(only_first: ArrayLike, only_second: ArrayLike) -> NDArray[np.float64]:
    """Two-sided exact p of McNemar's test (1947, Psychometrika 12), elementwise.

    If neither is better, each image on which they differ is a fair coin.

    Args:
        only_first, only_second: counts of the images that only one of the two gets right.
    """
    fewer, total = np.minimum(only_first, only_second), np.add(only_first, only_second).astype(np.intc)
    return np.asarray(np.minimum(1.0, 2 * bdtr(fewer, total, 0.5)))
