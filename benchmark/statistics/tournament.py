"""Several networks on the same images in random order: the best of them, or all in order, as soon as it is known.

**Order.** Each of the M(M − 1)/2 pairs is settled once it is better, worse or equivalent. A false verdict on a pair
has at most probability 2a, where a is the level of its one-sided tests (see `PairTests`); with a = α / (M(M − 1)) any
false verdict at all has at most probability α (Bonferroni), whatever the networks have in common.

**Best.** A network leaves once another one is known to be better; one is named best once each other has left or is
known not to be better than it by more than the margin. Let b be a network whose value is truly the highest. What is
said is false only if b has left, or is wrongly said not to be better by more than the margin. For either, one of the
M − 1 lower bounds of "i minus b", over all i, has to lie above the truth; with a = α / (M − 1) that has at most
probability α. Errors of the others among themselves do no harm: that is the gain over all pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from benchmark.statistics.pair_tests import OPEN, VERDICTS, PairTests

GOALS = ("best", "order")

#: What sums over images are apart by for no other reason than rounding.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class PairState:
    """What is known of two networks.

    Attributes:
        first, second: their numbers.
        verdict: one of `VERDICTS`, of the first against the second.
        images: on how many images both were tried.
        mean: mean difference on these, first − second.
    """

    first: int
    second: int
    verdict: str = VERDICTS[OPEN]
    images: int = 0
    mean: float = 0.0


class Tournament:
    """M networks, of whom values per image come in block by block.

    Args:
        networks: M.
        images: N, how many images there are in all.
        margin: differences up to this much count as none, a fraction.
        alpha: the probability with which anything that is said is false.
        goal: "best" or "order"; of two networks it is the order in any case.

    Attributes:
        level: of each one-sided test.
        active: the networks whose next images are needed; none once all is known.
        unbeaten: the networks that none is known to be better than.
    """

    def __init__(self, networks: int, images: int, margin: float, alpha: float, goal: str = "best") -> None:
        self.networks, self.images, self.margin, self.alpha = networks, images, margin, alpha
        self.goal = "order" if networks == 2 else goal
        self.level = alpha / (networks * (networks - 1) if self.goal == "order" else networks - 1)
        self.pairs = {(i, j): PairState(i, j) for i, j in combinations(range(networks), 2)}
        self._tests = {pair: PairTests(images, margin, self.level) for pair in self.pairs}
        self.active: tuple[int, ...] = tuple(range(networks))
        self.unbeaten = self.active
        self.drawn = 0
        self._sums = np.zeros(networks)
        self._best: int | None = None

    def withdraw(self, network: int) -> None:
        """Go on without a network that can't be attacked; the level stays what it was."""
        self.active = tuple(each for each in self.active if each != network)
        self.unbeaten = tuple(each for each in self.unbeaten if each != network)
        self.pairs = {pair: state for pair, state in self.pairs.items() if network not in pair}
        if self.goal == "order":
            self._settle_order()
        elif len(self.active) == 1:
            self._best, self.active = self.active[0], ()

    @property
    def is_over(self) -> bool:
        """Whether no more images are needed."""
        return not self.active

    @property
    def best(self) -> int | None:
        """The network that is known to be best, or not worse than the best by more than the margin."""
        return self._best

    def take(self, values: Sequence[NDArray[np.float64]]) -> None:
        """The values of the `active` networks, in [0, 1], on the next images."""
        rows = dict(zip(self.active, values, strict=True))
        block = len(values[0])
        self.drawn += block
        for network, row in rows.items():
            self._sums[network] += row.sum()
        for (i, j), state in self.pairs.items():
            if i in rows and j in rows and (self.goal == "best" or state.verdict == VERDICTS[OPEN]):
                self._tests[i, j].take(rows[i] - rows[j])
                mean = (state.mean * state.images + float((rows[i] - rows[j]).sum())) / (state.images + block)
                verdict = VERDICTS[int(self._tests[i, j].verdicts[0])]
                self.pairs[i, j] = replace(state, verdict=verdict, images=state.images + block, mean=mean)
        (self._settle_order if self.goal == "order" else self._settle_best)()

    def _settle_order(self) -> None:
        open_ = [pair for pair, state in self.pairs.items() if state.verdict == VERDICTS[OPEN]]
        self.active = tuple(network for network in self.active if any(network in pair for pair in open_))
        beaten = {state.second if state.verdict == "better" else state.first for state in self._decided()}
        there = sorted({network for pair in self.pairs for network in pair})
        self.unbeaten = tuple(network for network in there if network not in beaten)
        if not open_:
            self._best = self._leader()

    def _leader(self) -> int | None:
        """In a complete order, the network that none is better than; of several, the one with the highest mean."""
        lead = {
            i: sum(state.mean if state.first == i else -state.mean for state in self._of(i)) for i in self.unbeaten
        }
        return max(lead, key=lambda i: lead[i]) if lead else None

    def _decided(self) -> list[PairState]:
        return [state for state in self.pairs.values() if state.verdict in ("better", "worse")]

    def _of(self, network: int) -> list[PairState]:
        return [state for pair, state in self.pairs.items() if network in pair]

    def _settle_best(self) -> None:
        if self.drawn == self.images:
            highest = max(self._sums[i] for i in self.active)
            self.unbeaten = tuple(i for i in self.active if self._sums[i] >= highest - _ROUNDING)
            self._best, self.active = self.unbeaten[0], ()
            return
        left = [j for j in self.active if not any(self._beats(i, j) for i in self.active if i != j)]
        leaders = [i for i in left if all(self._at_least(i, j) for j in left if j != i)]
        self.active = self.unbeaten = tuple(left)
        if leaders:
            self._best, self.active = max(leaders, key=lambda i: self._sums[i]), ()

    def _beats(self, i: int, j: int) -> bool:
        test = self._tests[min(i, j), max(i, j)]
        return bool((test.above if i < j else test.below)[0][0])

    def _at_least(self, i: int, j: int) -> bool:
        """Whether j is known not to be better than i by more than the margin."""
        test = self._tests[min(i, j), max(i, j)]
        return bool((test.above if i < j else test.below)[1][0])
