"""Images that are there more than once: what is learnt by heart is no evidence of what was understood."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from torch import Tensor

from benchmark.data.dataset import Dataset

#: The share of a split's images that may repeat others before it is said.
MOST_REPEATED = 0.1


def doubts(dataset: Dataset) -> list[str]:
    """What a reader of numbers should know about images of the same pixels; nothing, usually."""
    learnt = [*marks(dataset.train.images), *marks(dataset.validation.images)]
    asked = list(marks(dataset.test.images))
    known = set(learnt)
    shared = sum(mark in known for mark in asked)
    found = []
    if shared:
        are = "is also a training image" if shared == 1 else "are also training images"
        found.append(
            f"{dataset.name}: {shared:,} of {len(asked):,} test images {are}, pixel by pixel; "
            "how they are classified says little about new ones"
        )
    for which, found_marks in (("training", learnt), ("test", asked)):
        distinct = len(set(found_marks))
        if len(found_marks) - distinct > MOST_REPEATED * len(found_marks):
            are = "is" if distinct == 1 else "are"
            found.append(f"{dataset.name}: of {len(found_marks):,} {which} images only {distinct:,} {are} distinct")
    return found


def marks(images: Tensor) -> Iterator[bytes]:
    """One short digest per image; images have the same one if all their pixels are equal."""
    for image in images.contiguous().flatten(1).numpy():
        yield hashlib.blake2b(image, digest_size=16).digest()
