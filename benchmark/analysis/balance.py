"""Accuracies over classes, not images: where classes are of unequal size, one answer alone may be right often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from benchmark.ledger.classes import Classes
    from benchmark.ledger.evaluation import Evaluation

#: Classes are of unequal size where the largest has more than so many times the images of the smallest.
UNEVEN = 2.0


def by_class(classes: Classes, flags: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """K shares of the images of each class whose flag is set; NaN for a class without images, or without flags."""
    counts = classes.counts
    if flags is None:
        return np.full(len(counts), np.nan)
    right = np.bincount(classes.labels, weights=flags, minlength=len(counts))
    return np.divide(right, counts, out=np.full(len(counts), np.nan), where=counts > 0)


def balanced(evaluation: Evaluation, flags: NDArray[np.bool_] | None) -> float | None:
    """Mean, over the classes that there are images of, of the share of a class's images whose flag is set.

    With flags of what is classified correctly, or robustly, that is balanced accuracy: a network that always gives
    one answer has one by the number of classes at most.

    Returns:
        A fraction; None where the flags are not known, or the classes are not.
    """
    if flags is None or evaluation.classes is None:
        return None
    return float(np.nanmean(by_class(evaluation.classes, flags)))


def is_uneven(classes: Classes) -> bool:
    """Whether plain and balanced accuracies may well differ; see `UNEVEN`."""
    present = classes.counts[classes.counts > 0]
    return bool(present.max() > UNEVEN * present.min())
