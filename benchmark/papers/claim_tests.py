"""How far apart two sides of a claim are, in percentage points: over images, or over seeds and images."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from benchmark.analysis.paired import bootstrap
from benchmark.papers.archive import Scores
from benchmark.statistics.mcnemar import mcnemar
from benchmark.statistics.seeds import compare_methods, two_sided

#: Significance level of the tests of claims; their intervals have the rest.
LEVEL = 0.05


@dataclass(frozen=True)
class Difference:
    """Left − right, in percentage points.

    Attributes:
        value: the difference of the means.
        half_width: half of its 95% interval.
        p: probability of such a difference if there is none.
        error: its standard error.
        freedom: of the t distribution that the difference over its error has; infinite for the normal one.
        advice: of several seeds, what half the interval would be with twice the seeds, or twice the images.
    """

    value: float
    half_width: float
    p: float
    error: float
    freedom: float = inf
    advice: str = ""

    def margin_p(self, margin: float) -> float:
        """Of two one-sided tests whether the true difference is on the side of ±`margin` where `value` is.

        For a value within: probability of one so far within if the true difference were at or beyond the margin
        (Schuirmann 1987). For one beyond: of one so far beyond if the true one were within. Twice that of one side,
        so that it is below the level just where the whole interval is on that side.
        """
        distance = abs(margin - abs(self.value))
        return two_sided(distance / self.error, self.freedom) if self.error else float(distance == 0)


def estimate(left: Scores, right: Scores, is_paired: bool = False) -> Difference:
    """The difference of two sides.

    Args:
        left, right: N values in [0, 1] of one network each, or S×N of a method's seeds; of the same images.
        is_paired: whether row s of both came out of one training, or is of one network under two attacks.

    With several seeds on both sides seeds and images are what could have been others. With one, images alone, and
    the difference is one of checkpoints: the test is McNemar's where the values are flags, else a paired bootstrap.
    """
    left, right = np.atleast_2d(left), np.atleast_2d(right)
    if min(len(left), len(right)) > 1:
        found = compare_methods(left, right, is_paired=is_paired, confidence=1 - LEVEL)
        error = float(np.hypot(found.seed_error, found.image_error))
        widths = (100 * found.difference, 100 * found.half_width)
        return Difference(*widths, found.p, 100 * error, found.freedom, found.advice)
    return _over_images(left.mean(0), right.mean(0))


def _over_images(left: Scores, right: Scores) -> Difference:
    resampled = bootstrap(np.stack([left, right]))
    differences = 100 * (resampled[0] - resampled[1])
    low, high = np.quantile(differences, [LEVEL / 2, 1 - LEVEL / 2])
    half_width = float(high - low) / 2
    if np.isin([left, right], (0.0, 1.0)).all():
        p = float(mcnemar((left > right).sum(), (left < right).sum()))
    else:
        p = min(1.0, 2 * float(min((differences <= 0).mean(), (differences >= 0).mean())))
    return Difference(100 * float(np.mean(left - right)), half_width, p, half_width / 1.959964)
