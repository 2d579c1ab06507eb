"""Which numbers of a table's column carry a star: the best and the second best, where that stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmark.statistics.all_pairs import all_pairs
from benchmark.statistics.holm import holm
from benchmark.statistics.seeds import compare_methods

Mark = Literal["", "best", "second"]

#: The chance that any number of a column is marked by luck.
LEVEL = 0.05

#: Values of an image are at most so fine: of threats × seeds × averaged rows.
_FINEST = 360


@dataclass(frozen=True, eq=False)
class Candidate:
    """One number of a column.

    Attributes:
        shown: the value as it is printed; equal ones share a mark.
        by_seed: what each image adds to it, a row of N shares per training seed.
    """

    shown: float
    by_seed: NDArray[np.float64]


def marks(candidates: Sequence[Candidate | None]) -> list[Mark]:
    """The mark of each number of a column, "" for one that takes no part.

    The best is marked if it is significantly better than all others, the second best if it is so than all but the
    best, of which there are some: on the same images, and over seeds where all have several; corrected for all pairs,
    so that either mark stands without the other.
    """
    found: list[Mark] = [""] * len(candidates)
    known = [(place, candidate) for place, candidate in enumerate(candidates) if candidate is not None]
    values = sorted({candidate.shown for _, candidate in known}, reverse=True)
    if len(values) < 2:
        return found
    better = _better([candidate.by_seed for _, candidate in known])
    shown = np.array([candidate.shown for _, candidate in known])
    for mark, value in zip(("best", "second"), values, strict=False):
        holders, lower = np.flatnonzero(shown == value), shown < value
        if lower.any() and better[np.ix_(holders, lower)].all():
            for holder in holders:
                found[known[holder][0]] = mark  # type: ignore[call-overload]
    return found


def _better(arms: Sequence[NDArray[np.float64]]) -> NDArray[np.bool_]:
    """M×M flags: the first of the pair stands out as better than the second."""
    if min(map(len, arms)) > 1:
        return _better_methods(arms)
    table = np.stack([arm.mean(0) for arm in arms])
    parts = next((parts for parts in range(1, _FINEST + 1) if np.allclose(table * parts, np.rint(table * parts))), 0)
    return all_pairs(table, parts, LEVEL).better if parts else np.zeros((len(table), len(table)), bool)


def _better_methods(arms: Sequence[NDArray[np.float64]]) -> NDArray[np.bool_]:
    pairs = list(combinations(range(len(arms)), 2))
    found = [compare_methods(arms[one], arms[other]) for one, other in pairs]
    better = np.zeros((len(arms), len(arms)), bool)
    for (one, other), each, p in zip(pairs, found, holm([each.p for each in found]), strict=True):
        if p <= LEVEL:
            better[(one, other) if each.difference > 0 else (other, one)] = True
    return better
