"""A few of the images that each attack broke, kept to be looked at: pages show them, no number depends on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.damage import Damaged
from benchmark.ledger.arrays import read_arrays, write_arrays
from benchmark.moved import look_up

#: How many images of one record are kept at most.
FEW = 4
#: In bytes, unpacked, that they may take together; a single image may take more.
ROOM = 2**18


@dataclass(frozen=True)
class SampleImages:
    """The first images, in the test set's order, that an attack broke within its ε.

    Attributes:
        positions: in the test set, M int64.
        labels, predictions: names of the true class, and of what the network takes the adversarial for, M each.
        clean: the images, M×C×H×W uint8 in 1/255.
        change: adversarial − clean in units of [0, 1], M×C×H×W float16. Rounded: verdicts are about the exact ones.
    """

    positions: NDArray[np.int64]
    labels: NDArray[np.str_]
    predictions: NDArray[np.str_]
    clean: NDArray[np.uint8]
    change: NDArray[np.float16]


def write_sample_images(path: Path, images: SampleImages) -> None:
    """Write to `path`, compressed, whole or not at all.

    Raises:
        BadInput: the folder can't be written or the disk is full.
    """
    write_arrays(path, vars(images))


def read_sample_images(path: Path) -> SampleImages:
    """The images at `path`; nothing in the file is run.

    Raises:
        FileNotFoundError: there are none.
        Damaged: its checksum is wrong or it is something else.
    """
    found = SampleImages(**read_arrays(path, SampleImages.__dataclass_fields__))
    if not _fits(found):
        raise Damaged(f"{path}: it does not hold images and what they were taken for")
    return found


def _fits(found: SampleImages) -> bool:
    words, images = (found.labels, found.predictions), (found.clean, found.change)
    return (
        found.positions.dtype == np.int64
        and all(each.dtype.kind == "U" for each in words)
        and [each.dtype for each in images] == [np.uint8, np.float16]
        and all(each.shape == (len(found.positions),) for each in (found.positions, *words))
        and found.clean.ndim == 4
        and found.clean.shape == found.change.shape
        and len(found.clean) == len(found.positions)
    )


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
