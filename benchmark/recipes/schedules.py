"""Learning rate schedules: pure functions of how many epochs lie behind."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence


def constant(t: float, epochs: int) -> float:
    """1 throughout."""
    return 1.0


def multistep(t: float, epochs: int, milestones: Sequence[int], factor: float = 0.1) -> float:
    """Multiplied by `factor` from each milestone on, milestones being epochs counted from 1."""
    return factor ** bisect_right(sorted(milestones), math.floor(t) + 1)


def exponential(t: float, epochs: int, factor: float, every: int) -> float:
    """Multiplied by `factor` after every `every` epochs."""
    return factor ** (math.floor(t) // every)


def cosine(t: float, epochs: int, span: int | None = None) -> float:
    """Half a cosine from 1 to 0, over `span` epochs where training ends before them."""
    return 0.5 * (1 + math.cos(math.pi * min(t / (span or epochs), 1.0)))


def one_cycle(t: float, epochs: int, warmup: float = 0.3) -> float:
    """Linear from 0 to 1 over the first `warmup` of training, then linear to 0."""
    return piecewise_linear(t, epochs, [(0.0, 0.0), (warmup * epochs, 1.0), (float(epochs), 0.0)])


def piecewise_linear(t: float, epochs: int, knots: Sequence[tuple[float, float]]) -> float:
    """Linear between the (epoch, factor) knots, constant outside of them."""
    times, factors = zip(*knots, strict=True)
    after = bisect_right(times, t)
    if after == 0:
        return factors[0]
    if after == len(knots):
        return factors[-1]
    share = (t - times[after - 1]) / (times[after] - times[after - 1])
    return factors[after - 1] + share * (factors[after] - factors[after - 1])
