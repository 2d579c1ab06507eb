"""Which numbers of a table's column are bold or underlined: the best and the second best, where that stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from benchmark.statistics.all_pairs import all_pairs

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
        scores: what each image adds to it, N shares.
        spread: standard deviation over the seeds, a fraction; None for a single one.
    """

    shown: float
    scores: NDArray[np.float64]
    spread: float | None = None


def marks(candidates: Sequence[Candidate | None], seeds: int = 1) -> list[Mark]:
    """The mark of each number of a column, "" for one that takes no part.

    The best is marked if it is significantly better than all others, the second best if it is so than all but the
    best: on the same images, or by Welch's t test between seeds where there are several; corrected for all pairs.
    """
    found: list[Mark] = [""] * len(candidates)
    known = [(place, candidate) for place, candidate in enumerate(candidates) if candidate is not None]
    values = sorted({candidate.shown for _, candidate in known}, reverse=True)
    if len(values) < 2:
        return found
    better = _better([candidate for _, candidate in known], seeds)
    shown = np.array([candidate.shown for _, candidate in known])
    for mark, value in zip(("best", "second"), values, strict=False):
        holders = np.flatnonzero(shown == value)
        if not better[np.ix_(holders, shown < value)].all():
            break
        for holder in holders:
            found[known[holder][0]] = mark  # type: ignore[call-overload]
    return found


def _better(candidates: Sequence[Candidate], seeds: int) -> NDArray[np.bool_]:
    """M×M flags: the first of the pair stands out as better than the second."""
    table = np.stack([candidate.scores for candidate in candidates])
    if any(candidate.spread is not None for candidate in candidates):
        spreads = np.array([candidate.spread or 0.0 for candidate in candidates])
        pairs = len(candidates) * (len(candidates) - 1) / 2
        return (_welch(table.mean(1), spreads**2 / seeds, seeds) * pairs <= LEVEL) & (
            table.mean(1)[:, None] > table.mean(1)
        )
    parts = next((parts for parts in range(1, _FINEST + 1) if np.allclose(table * parts, np.rint(table * parts))), 0)
    return all_pairs(table, parts, LEVEL).better if parts else np.zeros((len(table), len(table)), bool)


def _welch(means: NDArray[np.float64], variances: NDArray[np.float64], seeds: int) -> NDArray[np.float64]:
    """M×M two-sided p of Welch's t test (1947, Biometrika 34:28), from the variances of the means; 1 without any."""
    total = variances[:, None] + variances
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = (seeds - 1) * total**2 / (variances[:, None] ** 2 + variances**2)
        p = 2 * stdtr(freedom, -np.abs(means[:, None] - means) / np.sqrt(total))
    return np.where(total > 0, p, 1.0)
