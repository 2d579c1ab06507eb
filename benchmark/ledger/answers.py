"""What a network answers to a few test images: evidence that it is the one whose results are filed already.

What it is made of may be the same and what it computes not, e.g. because it reads a file. Logits tell, but two
machines round them differently, so they are no part of any name: they are kept, and compared with a tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmark.ledger.arrays import read_arrays, write_arrays
from benchmark.ledger.record import Damaged
from benchmark.storage import digest

if TYPE_CHECKING:
    from torch import Tensor

#: How far the logits of one network may lie apart on two machines. A float32 rounding is off by 2^-24. A hundred
#: layers of sums of ten thousand terms are √10^6 = 2^10 of them, as they fall by chance: 2^-14 of what tells an
#: image's classes apart, and 2^-10 is sixteen times that. Where all logits are large and alike, the last few
#: roundings are more: 2^-18 of their size are 64.
OF_SPREAD, OF_SIZE = 2.0**-10, 2.0**-18


@dataclass(frozen=True)
class Answers:
    """The float32 logits of a few images, N×K as a rule.

    Attributes:
        shape: of the logits.
        content: their bytes.
    """

    shape: tuple[int, ...]
    content: bytes

    @classmethod
    def of(cls, logits: Tensor) -> Answers:
        """The answers that are these logits."""
        return cls(tuple(logits.shape), logits.detach().float().cpu().contiguous().numpy().tobytes())

    @property
    def logits(self) -> NDArray[np.float32]:
        return np.frombuffer(self.content, np.float32).reshape(self.shape)

    @property
    def are_probabilities(self) -> bool:
        """Whether all lie in [0, 1]."""
        return bool(((self.logits >= 0) & (self.logits <= 1)).all())

    def agree(self, other: Answers) -> bool:
        """Whether both may be the same network's, asked on different machines; no answer agrees with no answer.

        Where one was asked for fewer images, the first ones count: version 0.1.0 asked for clean images alone.
        """
        if self.shape[1:] != other.shape[1:] or not (self.shape and other.shape and self.shape[0] and other.shape[0]):
            return False
        both = min(self.shape[0], other.shape[0])
        mine, theirs = (answers.logits[:both].astype(np.float64) for answers in (self, other))
        known = np.isfinite(mine)
        if not np.array_equal(mine[~known], theirs[~known], equal_nan=True) or not np.isfinite(theirs[known]).all():
            return False
        size = max(np.abs(logits[known]).max(initial=0.0) for logits in (mine, theirs))
        spread = max(_spread(np.where(known, logits, np.nan)) for logits in (mine, theirs))
        allowed = OF_SPREAD * spread + OF_SIZE * size
        return bool((np.abs(mine[known] - theirs[known]) <= allowed).all())


def _spread(logits: NDArray[np.float64]) -> float:
    """The largest distance of a logit from the middle of its image's."""
    known = np.isfinite(logits)
    if logits.ndim < 2 or not known.any():
        return 0.0
    lowest, highest = (np.where(known, logits, fill) for fill in (np.inf, -np.inf))
    rows = known.any(-1)
    return float((highest.max(-1) - lowest.min(-1))[rows].max() / 2)


@dataclass(frozen=True)
class Known:
    """Answers that are kept: those of the network whose results are filed under `network`.

    Attributes:
        network: the digest that its records carry.
        contents: the digest of what it is made of.
        data: of the test images.
        answers: to the first of them.
    """

    network: str
    contents: str
    data: str
    answers: Answers


def other_network(contents: str, answers: Answers) -> str:
    """The digest for a network that is made of what is known, and answers otherwise."""
    return digest([contents, list(answers.shape), digest(answers.content)])


def write_known(path: Path, known: Known) -> None:
    """Write to `path`, whole or not at all.

    Raises:
        BadInput: the folder can't be written or the disk is full.
    """
    names = {name: np.array(getattr(known, name)) for name in _NAMES}
    write_arrays(path, names | {"logits": known.answers.logits})


def read_known(path: Path) -> Known:
    """The answers at `path`; nothing in the file is run.

    Raises:
        FileNotFoundError: there are none.
        Damaged: its checksum is wrong or it is something else.
    """
    found = read_arrays(path, (*_NAMES, "logits"))
    logits = found.pop("logits")
    if logits.dtype != np.float32 or any(each.dtype.kind != "U" or each.shape for each in found.values()):
        raise Damaged(f"{path}: it does not hold a network's answers")
    answers = Answers(logits.shape, np.ascontiguousarray(logits).tobytes())
    return Known(**{name: str(each) for name, each in found.items()}, answers=answers)


_NAMES = ("network", "contents", "data")
