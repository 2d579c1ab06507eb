"""The classes that a network predicts, as records keep them: a byte for each image, more only for many classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.ledger.classes import NONE

#: The class of an image that nobody was asked about: the attack did not try it, or the record is of older versions.
UNKNOWN = -2

#: N class indices, `NONE` or `UNKNOWN`, in a type that says how many classes there may be.
Classes = NDArray[np.signedinteger[Any]]

#: By how an array is kept in a file, how it is in memory: signed, and wide enough for all that the file's may say.
_WIDTHS: dict[np.dtype[Any], Any] = {
    np.dtype(np.uint8): np.int16,
    np.dtype(np.uint16): np.int32,
    np.dtype(np.uint32): np.int64,
}


def fitting(classes: Classes, count: int) -> Classes:
    """N classes of `count`, in the type that `packed` keeps in as few bytes as any class of so many takes.

    The two highest numbers of a type stand for `NONE` and `UNKNOWN`: one byte is enough for 254 classes.
    """
    stored = next(kind for kind in _WIDTHS if count <= np.iinfo(kind).max - 1)
    return np.asarray(classes).astype(_WIDTHS[stored])


def packed(classes: Classes) -> NDArray[np.unsignedinteger[Any]]:
    """N class indices, `NONE` or `UNKNOWN`, as a file keeps them: in half the bytes that they have in memory.

    Raises:
        ValueError: one is none of these, or too large for that.
    """
    stored = next((kind for kind, own in _WIDTHS.items() if own == classes.dtype), None)
    if stored is None or int(np.max(classes, initial=0)) > np.iinfo(stored).max - 2:
        raise ValueError(f"predicted classes are {classes.dtype}, up to {np.max(classes, initial=0)}")
    if int(np.min(classes, initial=0)) < UNKNOWN:
        raise ValueError("a predicted class is no class")
    return classes.astype(stored)  # −1 and −2 become the highest numbers


def unpacked(classes: NDArray[Any]) -> NDArray[Any]:
    """What `packed` was given; anything else as it is."""
    if classes.dtype not in _WIDTHS:
        return classes
    size, found = 1 + int(np.iinfo(classes.dtype).max), classes.astype(_WIDTHS[classes.dtype])
    found[found >= size - 2] -= size
    return found


def misfit_of_classes(images: int, clean: Classes | None, adversarial: Classes | None) -> str | None:
    """What no record can say of the classes of so many images, clean and adversarial, if it says so."""
    if clean is None or adversarial is None:
        return None if clean is adversarial else "it knows some classes of its images only"
    for array in (clean, adversarial):
        if array.shape != (images,) or array.dtype not in _WIDTHS.values():
            return f"predicted classes are {array.dtype} {list(array.shape)} for {images} images"
    return "an image has no predicted class" if bool((clean < NONE).any()) else None


def known_classes(classes: Classes | None) -> int:
    """Of how many images the class is known."""
    return 0 if classes is None else int((classes != UNKNOWN).sum())


def agree(first: Classes | None, second: Classes | None) -> bool:
    """Whether two records say the same of all images of which both know the class."""
    if first is None or second is None:
        return True
    known = (first != UNKNOWN) & (second != UNKNOWN)
    return bool((first[known] == second[known]).all())
