"""Whether a recorded class may be what a network predicts here: where two are equally likely, rounding decides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from benchmark.ledger.answers import OF_SIZE, OF_SPREAD
from benchmark.ledger.classes import NONE
from benchmark.ledger.evaluation import Flags


def plausible(logits: Tensor, classes: NDArray[np.int64]) -> Flags:
    """N flags: the class has the highest of the logits N×K, but for what two machines may round differently.

    `NONE` is what has no finite logits. How far a logit may be off, `ledger.answers` says; two of them are compared.
    """
    found = logits.detach().double().cpu().numpy()
    answered = np.isfinite(found).all(1)
    found = np.where(answered[:, None], found, 0.0)
    spread, size = np.ptp(found, 1) / 2, np.abs(found).max(1)
    named = np.clip(classes, 0, found.shape[1] - 1)
    behind = found.max(1) - found[np.arange(len(found)), named]
    is_highest = (named == classes) & (behind <= 2 * (OF_SPREAD * spread + OF_SIZE * size))
    return np.where(answered, is_highest, classes == NONE)
