"""Which normalisation a network from elsewhere expects: what it gets right on a few hundred test images tells.

A file of weights seldom says what was done to the images before the network saw them, and every number depends on
it. So it is given by whoever imports the file, or it stands in the file, or the usual ones are tried: if one is right
more often than each of the others, and not by luck, it is taken, and that is said; else whoever imports it chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmark.data import Dataset
from benchmark.memory import halve_on_out_of_memory
from benchmark.models.input_range import LUCK, tail

Numbers = tuple[float, ...]

#: What is commonly done, beside the statistics of the data itself, as mean and standard deviation per channel.
USUAL: dict[int, tuple[tuple[str, Numbers, Numbers], ...]] = {
    3: (
        ("CIFAR-10's, as many write them", (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.201)),
        ("CIFAR-10's", (0.4914, 0.4822, 0.4465), (0.2471, 0.2435, 0.2616)),
        ("CIFAR-100's", (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)),
        ("ImageNet's", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ),
    1: (("MNIST's", (0.1307,), (0.3081,)),),
}


@dataclass(frozen=True)
class Normalization:
    """What is subtracted from images in [0, 1], and then divided by, per channel.

    Attributes:
        name: what it is known as, for messages.
        mean, std: one number per channel.
        right: N bools, which of the images tried are classified correctly with it; None if none were.
    """

    name: str
    mean: Numbers
    std: Numbers
    right: Tensor | None = None

    @property
    def options(self) -> str:
        """The words of the command line that say it."""
        if self.is_identity:
            return "--normalization none"
        mean, std = (",".join(f"{number:.7g}" for number in numbers) for numbers in (self.mean, self.std))
        return f"--mean {mean} --std {std}"

    @property
    def is_identity(self) -> bool:
        """Whether images go into the network as they are."""
        return set(self.mean) == {0.0} and set(self.std) == {1.0}

    def is_like(self, other: Normalization) -> bool:
        """Whether no accuracy could tell them apart."""
        pairs = zip(self.mean + self.std, other.mean + other.std, strict=True)
        return all(abs(a - b) <= 2e-3 for a, b in pairs)

    @property
    def accuracy(self) -> float:
        """The share of the images tried that are classified correctly."""
        return 0.0 if self.right is None else float(self.right.float().mean())


def none(channels: int) -> Normalization:
    """Images go into the network as they are."""
    return Normalization("none, images in [0, 1]", (0.0,) * channels, (1.0,) * channels)


def candidates(channels: int, dataset: Dataset | None) -> list[Normalization]:
    """What is tried where nobody says: none, the training images' statistics, what published code has."""
    found = [none(channels)]
    if dataset is not None and dataset.can_train:
        mean, std = (tuple(round(number, 4) for number in numbers) for numbers in (dataset.mean, dataset.std))
        found.append(Normalization(f"the statistics of {dataset.name}", mean, std))
    found += [Normalization(*usual) for usual in USUAL.get(channels, ())]
    found += [
        Normalization("images in [-1, 1]", (0.5,) * channels, (0.5,) * channels),
        Normalization("images from 0 to 255", (0.0,) * channels, (1 / 255,) * channels),
    ]
    kept: list[Normalization] = []
    for each in found:
        if not any(each.is_like(other) for other in kept):
            kept.append(each)
    return kept


def tried(network: nn.Module, tries: Sequence[Normalization], x: Tensor, y: Tensor) -> list[Normalization]:
    """The normalisations with what the network gets right under each, best first.

    Args:
        network: images that are normalised already, N×C×H×W → N×K logits; on the images' device.
        tries: what to try.
        x, y: images in [0, 1] and their labels N.
    """

    def right(each: Normalization) -> Tensor:
        mean, std = (x.new_tensor(numbers).view(1, -1, 1, 1) for numbers in (each.mean, each.std))
        with torch.no_grad():
            return halve_on_out_of_memory(lambda rows: network((x[rows] - mean) / std).argmax(1) == y[rows], len(x))

    found = [Normalization(each.name, each.mean, each.std, right(each).cpu()) for each in tries]
    return sorted(found, key=lambda each: -each.accuracy)


def significantly_better(one: Normalization, other: Normalization) -> bool:
    """Whether the network is right more often with `one`, and not by luck."""
    assert one.right is not None
    assert other.right is not None
    gained, lost = int((one.right & ~other.right).sum()), int((other.right & ~one.right).sum())
    return gained > lost and tail(gained, gained + lost, 0.5) < LUCK


def beats_chance(found: Normalization, y: Tensor, num_classes: int) -> bool:
    """Whether the network is right more often than whoever always names the commonest class of these images."""
    assert found.right is not None
    chance = max(1 / num_classes, float(y.bincount().max()) / len(y))
    return tail(int(found.right.sum()), len(y), chance) < LUCK
