"""Two checks of a comparison over seeds and images: the two-way bootstrap, and Welch's test on the seeds' means.

Each falls short of `seeds` in its own way, and tells something where it disagrees. The bootstrap supposes no
distribution, but is too short where few seeds decide; Welch's test is exact for them, but takes these images for all
that there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from benchmark.statistics.seeds import Arm, make_arms, two_sided

#: Of the two-way bootstrap.
RESAMPLES = 2000

#: So many numbers of a block of draws are in memory at once.
_BLOCK = 4_000_000

#: Variances that are nothing but rounding.
_ROUNDING = 1e-24


@dataclass(frozen=True)
class Checks:
    """What two other methods say of the same difference.

    Attributes:
        low, high: percentile interval of the two-way bootstrap.
        welch_p: of Welch's test; None where no seed differs from another.
    """

    low: float
    high: float
    welch_p: float | None


def check_methods(
    first: Arm, second: Arm, *, is_paired: bool = False, confidence: float = 0.95, seed: int = 0
) -> Checks:
    """Both checks of `compare_methods` with the same arguments; `seed` is that of the draws.

    Raises:
        ValueError: as there.
    """
    arms = make_arms(first, second, is_paired)
    tail = (1 - confidence) / 2
    low, high = np.quantile(pigeonhole(arms, seed), [tail, 1 - tail])
    return Checks(float(low), float(high), welch(arms))


def pigeonhole(arms: Sequence[Arm], seed: int = 0, resamples: int = RESAMPLES) -> NDArray[np.float64]:
    """The sum of the arms' means over seeds and images drawn anew, independently of each other: `resamples` values.

    The seeds of each arm, S×N, are drawn by themselves, the images for all arms together (Owen 2007, Annals of
    Applied Statistics 1, 386–411).
    """
    generator = np.random.default_rng(seed)
    images = arms[0].shape[1]
    block = max(1, _BLOCK // images)
    totals = []
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        counts = generator.multinomial(images, np.full(images, 1 / images), size=size)
        total = np.zeros(size)
        for arm in arms:
            often = generator.multinomial(len(arm), np.full(len(arm), 1 / len(arm)), size=size)
            total += ((counts @ arm.T) * often).sum(1) / (images * len(arm))
        totals.append(total)
    return np.concatenate(totals)


def welch(arms: Sequence[Arm]) -> float | None:
    """Two-sided p of Welch's test (1947, Biometrika 34) on the seeds' means; of one arm, that of a paired t test.

    None where no seed differs from another.
    """
    parts = [float(arm.mean(1).var(ddof=1)) / len(arm) for arm in arms]
    if sum(parts) < _ROUNDING:
        return None
    freedom = sum(parts) ** 2 / sum(part**2 / (len(arm) - 1) for part, arm in zip(parts, arms, strict=True))
    return two_sided(sum(float(arm.mean()) for arm in arms) / sqrt(sum(parts)), freedom)
