"""Leaderboard ranks, shared by networks that do not differ significantly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmark.analysis.paired import check_comparable, p_values, scores

if TYPE_CHECKING:
    from benchmark.ledger.evaluation import Evaluation


def ranks(
    evaluations: Sequence[Evaluation], metric: str, alpha: float = 0.05, left_out: Sequence[bool] = ()
) -> list[int | None]:
    """The rank of each network: one more than the number of networks that are significantly better.

    All pairs are tested on the same images, with Holm's correction; None for a network without a value.

    Args:
        evaluations: of the same images under the same suite.
        metric: "clean", "rworst", "ravg" or a norm.
        alpha: the probability that any difference at all is called real by mistake.
        left_out: which of the networks take no part: they have no rank, and nobody is better or worse than they are.

    Raises:
        BadInput: they can't be compared.
    """
    if not evaluations:
        return []
    check_comparable(evaluations)
    values = [scores(evaluation, metric) for evaluation in evaluations]
    absent = left_out or [False] * len(values)
    known = [place for place, value in enumerate(values) if value is not None and not absent[place]]
    if not known:
        return [None] * len(values)
    table = np.stack([value for place, value in enumerate(values) if value is not None and not absent[place]])
    upper = np.triu_indices(len(table), k=1)
    p = p_values(table)
    significant = np.zeros_like(p, dtype=bool)
    significant[upper] = holm(p[upper]) <= alpha
    significant |= significant.T
    means = table.mean(1)
    better = significant & (means[None, :] > means[:, None])
    result: list[int | None] = [None] * len(values)
    for position, count in zip(known, better.sum(1), strict=True):
        result[position] = int(count) + 1
    return result


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """p values corrected for their number by Holm's step-down method (1979)."""
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(factors * p[order]))
    return corrected
