"""The classes that a network predicts, as records keep them: a byte for each image, more only where it takes more."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.ledger.classes import NONE

#: The class of an image that nobody was asked about: the attack did not try it, or the record is of older versions.
UNKNOWN = -2

#: The two highest numbers of a type stand for these.
_SPECIAL = (UNKNOWN, NONE)


def packed(classes: NDArray[np.integer[Any]]) -> NDArray[np.unsignedinteger[Any]]:
    """N class indices, `NONE` or `UNKNOWN`, as the smallest unsigned type that holds them: up to class 253 one byte.

    Raises:
        ValueError: one is none of these, or 2³² − 2 or above.
    """
    highest = int(np.max(classes, initial=0))
    kinds = [kind for kind in (np.uint8, np.uint16, np.uint32) if highest <= np.iinfo(kind).max - len(_SPECIAL)]
    if not kinds or int(np.min(classes, initial=0)) < UNKNOWN:
        raise ValueError("a predicted class is no class")
    return np.asarray(classes).astype(np.int64).astype(kinds[0])  # −1 and −2 become the highest numbers


def unpacked(stored: NDArray[Any]) -> NDArray[np.int64]:
    """What `packed` was given.

    Raises:
        ValueError: it gave something else.
    """
    if stored.dtype not in (np.uint8, np.uint16, np.uint32):
        raise ValueError(f"predicted classes are {stored.dtype}")
    classes = stored.astype(np.int64)
    size = 1 + int(np.iinfo(stored.dtype).max)
    return np.where(classes >= size - len(_SPECIAL), classes - size, classes)


def misfit_of_classes(clean: NDArray[np.int64] | None, adversarial: NDArray[np.int64] | None) -> str | None:
    """What no record can say of its images' classes, clean and adversarial, if it says so."""
    if clean is None or adversarial is None:
        return None if clean is adversarial else "it knows some classes of its images only"
    return "an image has no predicted class" if bool((clean < NONE).any()) else None


def known_classes(classes: NDArray[np.int64] | None) -> int:
    """Of how many images the class is known."""
    return 0 if classes is None else int((classes != UNKNOWN).sum())


def agree(first: NDArray[np.int64] | None, second: NDArray[np.int64] | None) -> bool:
    """Whether two records say the same of all images of which both know the class."""
    if first is None or second is None:
        return True
    known = (first != UNKNOWN) & (second != UNKNOWN)
    return bool((first[known] == second[known]).all())
