"""Which ranks each of several networks may have, all together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rank_sets(better: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The lowest and the highest rank of each of M networks: they hold all true ranks at the level of `better`.

    At best it comes right after those that are better, at worst right before those that are worse (Mogstad, Romano,
    Shaikh & Wilhelm 2024, Review of Economic Studies 91:476, theorem 3.3). The true rank is one more than the
    number of networks that are truly better.

    Args:
        better: M×M, see `AllPairs`.
    """
    networks = len(better)
    return [
        (1 + int(above), networks - int(below)) for above, below in zip(better.sum(0), better.sum(1), strict=True)
    ]
