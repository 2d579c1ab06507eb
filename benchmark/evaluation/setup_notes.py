"""What a reader should know about how a network and its images were put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmark.data import Dataset
from benchmark.models.class_order import listed


def in_network(outputs: Sequence[int], class_names: Sequence[str]) -> list[str]:
    """What the outputs of a network stand for, in its own order."""
    return [name for _, name in sorted(zip(outputs, class_names, strict=False))]


def about_order(outputs: Sequence[int], class_names: Sequence[str], given: Sequence[str]) -> Iterator[str]:
    """What to say of the order in which a network's outputs stand for the classes, if it is not the data's."""
    own = in_network(outputs, class_names)
    if outputs and own != list(class_names):
        yield (
            f"the network's outputs stand for {listed(own)}, in this order; they were put into that of the data, "
            f"{listed(class_names)}"
        )
    if given and list(given) != own:
        yield "the network says itself what its outputs stand for, so that the given classes were not used for it"


def about_classes(dataset: Dataset, images: int) -> Iterator[str]:
    """What to say of the classes of the first so many test images, if most are not among them.

    That all are of one class is said with the results.
    """
    shown = len(dataset.test.labels[:images].unique())
    if 1 < shown < min(images, dataset.num_classes) / 2:
        yield (
            f"the first {images:,} test images are of only {shown:,} of the {dataset.num_classes:,} classes; the "
            "results say nothing about the others"
        )
