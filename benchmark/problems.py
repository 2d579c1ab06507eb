"""What is known of published image classification problems without reading an image: classes, shapes, radii."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class PublishedProblem(NamedTuple):
    """How many classes there are, (C, H, W) of the images, and the row of published radii that suits them."""

    num_classes: int
    shape: tuple[int, int, int]
    scale: str


PUBLISHED: Mapping[str, PublishedProblem] = {
    "digits": PublishedProblem(10, (1, 8, 8), "digits"),
    "cifar10": PublishedProblem(10, (3, 32, 32), "cifar10"),
    "cifar100": PublishedProblem(100, (3, 32, 32), "cifar10"),
    "svhn": PublishedProblem(10, (3, 32, 32), "cifar10"),
    "mnist": PublishedProblem(10, (1, 28, 28), "mnist"),
    "fashion-mnist": PublishedProblem(10, (1, 28, 28), "mnist"),
}


def likely(num_classes: int, channels: int) -> list[str]:
    """Which of them have so many classes and channels."""
    return [name for name, it in PUBLISHED.items() if (it.num_classes, it.shape[0]) == (num_classes, channels)]
