"""Adversarial images that are kept on request, to be looked at or judged again elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.damage import Damaged
from benchmark.ledger.arrays import read_arrays, write_arrays
from benchmark.moved import look_up


@dataclass(frozen=True)
class StoredAdversarials:
    """The verified adversarials of one record.

    Attributes:
        rows: positions of the images in the record's shard, M int64, rising.
        images: the closest adversarial of each, M×C×H×W float32, exactly as it was judged.
    """

    rows: NDArray[np.int64]
    images: NDArray[np.float32]


def write_stored_adversarials(path: Path, adversarials: StoredAdversarials) -> None:
    """Write to `path`, compressed, whole or not at all.

    Raises:
        BadInput: the folder can't be written or the disk is full.
    """
    write_arrays(path, vars(adversarials))


def read_stored_adversarials(path: Path) -> StoredAdversarials:
    """The adversarials at `path`; nothing in the file is run.

    Raises:
        FileNotFoundError: there are none.
        Damaged: its checksum is wrong or it is something else.
    """
    found = StoredAdversarials(**read_arrays(path, StoredAdversarials.__dataclass_fields__))
    if (
        found.rows.ndim != 1
        or found.images.ndim != 4
        or found.rows.dtype != np.int64
        or found.images.dtype != np.float32
        or len(found.rows) != len(found.images)
        or not bool((np.diff(found.rows) > 0).all())
    ):
        raise Damaged(f"{path}: it does not hold images and their positions")
    return found


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
