"""Better, worse, equivalent, or not known yet: pairs of networks by their images' differences, at any time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.statistics.betting import Wealth

#: Verdicts as numbers, in the order of `VERDICTS`.
OPEN, BETTER, WORSE, EQUIVALENT = range(4)
VERDICTS = ("undetermined", "better", "worse", "equivalent")

Flags = NDArray[np.bool_]

_ROUNDING = 1e-9


class PairTests:
    """Tests of P pairs on the same N images, each image's difference in [−1, 1].

    A pair is *equivalent* once the difference of the means is known to be at most the margin either way; *better* or
    *worse* once it is known to be larger or smaller than 0 and not known to be within the margin. Each of these
    statements rests on one-sided tests, and any of them is ever wrong only if one of them is:

    - the mean is d > 0: wrong are "worse", and "equivalent" where d > margin. Both need an upper bound below d.
    - d < 0: the same mirrored, with a lower bound above d.
    - d = 0: wrong are "better" (a lower bound above d) and "worse" (an upper bound below d).

    So a false verdict has probability at most 2 · level, at d ≠ 0 at most `level`.

    Args:
        images: N.
        margin: differences up to this much count as none, a fraction.
        level: of each one-sided test.
        pairs: P.
    """

    def __init__(self, images: int, margin: float, level: float, pairs: int = 1) -> None:
        self.images, self.margin, self.level = images, margin, level
        self.drawn = 0
        self._sums = np.zeros(pairs)
        # Against "at most 0", "at most −margin", and mirrored.
        self._up = [Wealth(images, np.full(pairs, (1 + mean) / 2)) for mean in (0.0, -margin)]
        self._down = [Wealth(images, np.full(pairs, (1 + mean) / 2)) for mean in (0.0, -margin)]

    def take(self, differences: ArrayLike) -> None:
        """Look at the differences of the next b images, P × b."""
        block = np.atleast_2d(np.asarray(differences, float))
        for wealths, values in ((self._up, (1 + block) / 2), (self._down, (1 - block) / 2)):
            for wealth in wealths:
                wealth.take(values)
        self._sums += block.sum(axis=1)
        self.drawn += block.shape[1]

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Go on with some of the pairs only."""
        for wealth in (*self._up, *self._down):
            wealth.keep(rows)
        self._sums = self._sums[rows]

    @property
    def above(self) -> tuple[Flags, Flags]:
        """P flags each: the difference is known to be larger than 0, and larger than minus the margin."""
        zero, minus = (wealth.rejected(self.level) for wealth in self._up)
        return zero, minus

    @property
    def below(self) -> tuple[Flags, Flags]:
        """P flags each: the difference is known to be smaller than 0, and smaller than the margin."""
        zero, plus = (wealth.rejected(self.level) for wealth in self._down)
        return zero, plus

    @property
    def verdicts(self) -> NDArray[np.int64]:
        """P numbers, see `VERDICTS`; once all images are used, what the exact difference says."""
        if self.drawn == self.images:
            return exact_verdicts(self._sums / self.images, self.margin)
        (above_zero, above_minus), (below_zero, below_plus) = self.above, self.below
        within = above_minus & below_plus & (self.margin > 0)
        return np.select([within, above_zero, below_zero], [EQUIVALENT, BETTER, WORSE], OPEN)


def exact_verdicts(differences: ArrayLike, margin: float) -> NDArray[np.int64]:
    """What differences that are known exactly say."""
    known = np.asarray(differences, float)
    within = np.abs(known) <= margin + _ROUNDING
    return np.select([within, known > 0], [EQUIVALENT, BETTER], WORSE)
