"""The images that a network from elsewhere was made for: its test set, or only what is known about that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.data import DATASETS, Dataset, load
from benchmark.errors import BadInput
from benchmark.problems import PUBLISHED

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Problem:
    """What a network is made for.

    Attributes:
        name: of the data set.
        num_classes: K.
        shape: (C, H, W) of the images.
        scale: its row of radii; "" for none.
        dataset: the images, if they are here.
        absent: why they are not, a sentence; "" if they are.
    """

    name: str
    num_classes: int
    shape: Shape
    scale: str
    dataset: Dataset | None = None
    absent: str = ""


def open_problem(name: str, data_dir: str | Path | None, download: bool) -> Problem:
    """The data set called `name`; for a published one its shape is enough.

    Raises:
        BadInput: there is no such data set, or it is not here and nothing is known about it.
    """
    try:
        dataset = load(name, data_dir=data_dir, download=download)
    except BadInput as error:
        if name not in PUBLISHED or name not in DATASETS or download:
            raise
        return Problem(name, *PUBLISHED[name], absent=str(error))
    return Problem(name, dataset.num_classes, dataset.shape, dataset.scale, dataset)
