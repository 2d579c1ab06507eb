"""Whether a network was made for the images of a dataset."""

from __future__ import annotations

from typing import Protocol

from benchmark.errors import UnfitNetwork

Shape = tuple[int, int, int]


class ImageProblem(Protocol):
    """What a dataset must state so that a network can be held against it."""

    @property
    def name(self) -> str: ...
    @property
    def num_classes(self) -> int: ...
    @property
    def shape(self) -> Shape: ...


def check_fits(model: str, num_classes: int | None, shape: Shape | None, dataset: ImageProblem) -> None:
    """Refuse a dataset of other classes or image shape than `model` was made for (None: not known).

    Raises:
        UnfitNetwork: it doesn't fit; the message states both sides.
    """
    way = "choose a network made for such images"
    if num_classes is not None and num_classes != dataset.num_classes:
        mine, theirs = f"{num_classes} classes", f"{dataset.num_classes}"
    elif shape is not None and tuple(shape) != tuple(dataset.shape):
        mine, theirs = ("images " + "×".join(map(str, size)) for size in (shape, dataset.shape))
        if (shape[0], dataset.shape[0]) == (3, 1) and tuple(shape[1:]) == tuple(dataset.shape[1:]):
            way += ", let it repeat the grey channel in a module of your own, or save the pictures as RGB"
    else:
        return
    raise UnfitNetwork(f"{model} was made for {mine}, but {dataset.name} has {theirs}; {way}")
