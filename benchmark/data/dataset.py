"""A dataset in memory: three splits, what their classes are called, and checks that nothing is amiss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.data.arrays import MOST_CLASSES, Array, check_range, images_of, labels_of
from benchmark.data.orders import held_out
from benchmark.data.torch_data import read_items
from benchmark.errors import BadInput, short
from benchmark.tensors import tensor_digest

#: Side lengths in pixels that a dataset may have.
SMALLEST_SIDE, LARGEST_SIDE = 8, 1024

#: Images counted in one go; counting needs eight bytes for each of theirs.
CHUNK = 512

#: Half a grey level of an 8-bit image: a channel that varies less carries nothing worth blowing up.
LEAST_STD = 0.5 / 255


@dataclass(frozen=True)
class Split:
    """Images and their labels, in a fixed order.

    Attributes:
        images: N×C×H×W, uint8 in 0..255 or float32 in [0, 1].
        labels: N class indices, int64.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        """How many images of what kind, without their pixels."""
        return f"Split({len(self)} images of {'×'.join(map(str, self.images.shape[1:]))}, {self.images.dtype})"

    def batch(self, index: slice | Tensor | Sequence[int]) -> tuple[Tensor, Tensor]:
        """The images (float32 in [0, 1]) and labels at `index`."""
        images, labels = self.images[index], self.labels[index]
        return images.float().div_(255) if images.dtype == torch.uint8 else images, labels

    def first(self, n: int) -> Split:
        """The first `n` examples.

        Raises:
            BadInput: there are not that many, or `n` is not positive.
        """
        if not 1 <= n <= len(self):
            raise BadInput(f"can't take the first {n} of {len(self)} images; choose n from 1 to {len(self)}")
        return Split(self.images[:n], self.labels[:n])

    def to(self, device: torch.device | str) -> Split:
        """The same split on `device`."""
        return Split(self.images.to(device), self.labels.to(device))

    def __getitem__(self, index: Tensor) -> Split:
        """The split of the examples at the N indices `index`, in that order."""
        return Split(self.images[index], self.labels[index])


@dataclass(frozen=True)
class Dataset:
    """Training, validation and test images of one classification problem.

    Attributes:
        name: what `benchmark.data.load` was asked for.
        num_classes: how many classes there are; labels are 0, ..., num_classes - 1.
        shape: (channels, height, width) of every image.
        class_names: one name per class, in the order of the labels.
        train, validation, test: the splits; validation was held out of the published training images. Both are empty
            where there is nothing to train on, validation alone where nothing is held out.
        scale: the row of published radii that suites and recipes have for these images; "" where there is none.
        notes: what a reader of numbers measured on them should know, such as that images were left out.
        counted: whether nobody said which classes there are, so that those of the labels were counted; a network may
            have more.

    Raises:
        BadInput: something about the tensors contradicts the above.
    """

    name: str
    num_classes: int
    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    scale: str = ""
    notes: tuple[str, ...] = ()
    counted: bool = False

    def __post_init__(self) -> None:
        if self.num_classes < 2:
            raise BadInput(f"{self.name}: there is only one class; classification needs two or more")
        if len(self.class_names) != self.num_classes:
            raise BadInput(
                f"{self.name}: {len(self.class_names)} class names for {self.num_classes} classes; "
                "give each class one name"
            )
        if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in self.shape[1:]):
            raise BadInput(
                f"{self.name}: images are {self.shape[1]}×{self.shape[2]} pixels; "
                f"resize them so that each side has {SMALLEST_SIDE} to {LARGEST_SIDE}"
            )
        for which in ("train", "validation", "test"):
            if which == "test" or (self.can_train and (which == "train" or len(self.validation))):
                _check_split(getattr(self, which), self.num_classes, self.shape, f"{self.name}, {which} split")

    @classmethod
    def from_arrays(
        cls,
        images: Array,
        labels: Array,
        *,
        name: str = "arrays",
        classes: Sequence[str] | int | None = None,
        layout: str | None = None,
        scale: str = "",
        train: tuple[Array, Array] | None = None,
    ) -> Dataset:
        """Test images that are in memory, in the order in which they are given.

        Args:
            images: N×C×H×W or N×H×W×C, or N×H×W if they are grey: uint8 in 0..255, or floating-point in [0, 1]. They
                are not copied where they fit as they are.
            labels: N whole numbers, the places of the classes.
            name: what tables call the data; what it is in the ledger is decided by its content.
            classes: their names, or how many there are; None for as many as the labels tell of, or as many as the
                network has that is tried on them.
            layout: "NCHW" or "NHWC"; None where the shape leaves no doubt.
            scale: the row of published radii that suits them, such as "cifar10"; "" for none.
            train: images and labels to train on, a part of which is held out for validation; None to evaluate only.

        Raises:
            BadInput: they are no such images or labels, or their layout can't be told.
        """
        if not isinstance(name, str) or not name.strip():
            raise BadInput(f"name={short(name)} is no name; give the data a word, which tables call it")
        test = _read(images, labels, "", layout)
        if train is None:
            return cls.of_test_images(name, test.images, test.labels, classes, scale)
        if not isinstance(train, tuple | list) or len(train) != 2:
            raise BadInput("train must be a pair, (images, labels)")
        return cls._of_splits(name, test, _read(*train, "train ", layout), classes, scale)

    @classmethod
    def from_torch(
        cls,
        data: Any,
        *,
        name: str | None = None,
        classes: Sequence[str] | int | None = None,
        images: int | None = None,
        scale: str = "",
        train: Any = None,
    ) -> Dataset:
        """The first images of a `torch.utils.data.Dataset`, in a fixed, seeded, class-balanced order.

        Where the labels are known only from the items, the order is a seeded random one; that of an iterable dataset
        is its own.

        Args:
            data: its items are (image, label), or mappings with an image and a label. An image is C×H×W in [0, 1]
                without normalisation, H×W or H×W×C bytes, or a PIL image.
            name, classes, scale: as for `from_arrays`; None for the name of its class, and what it says itself.
            images: read so many at most; None for all.
            train: another one to train on, all of which is read; None to evaluate only.

        Raises:
            BadInput: its items are something else, of several sizes, or not the same when they are read twice.
        """
        pixels, labels, own = read_items(data, images)
        counted = classes is None and not isinstance(own, tuple)
        called, classes = name or type(data).__name__, own if classes is None else classes
        if train is None:
            found = cls.of_test_images(called, pixels, labels, classes, scale)
        else:
            read, known, _ = read_items(train)
            found = cls._of_splits(called, Split(pixels, labels), Split(read, known), classes, scale)
        return replace(found, counted=counted)

    def widened(self, classes: int) -> Dataset:
        """The same with so many classes, where those of the labels were counted and are fewer."""
        if not self.counted or classes <= self.num_classes:
            return self
        return replace(self, num_classes=classes, class_names=tuple(map(str, range(classes))))

    @classmethod
    def of_test_images(
        cls,
        name: str,
        images: Tensor,
        labels: Tensor,
        classes: Sequence[str] | int | None = None,
        scale: str = "",
        notes: tuple[str, ...] = (),
    ) -> Dataset:
        """A dataset without training images; `classes` as for `from_arrays`."""
        nothing = Split(images[:0], labels[:0])
        return cls._of_splits(name, Split(images, labels), nothing, classes, scale, notes)

    @classmethod
    def _of_splits(
        cls,
        name: str,
        test: Split,
        train: Split,
        classes: Sequence[str] | int | None,
        scale: str,
        notes: tuple[str, ...] = (),
    ) -> Dataset:
        counted = classes is None
        if classes is None:
            classes = max(2, *(int(split.labels.max()) + 1 for split in (test, train) if len(split)))
        if isinstance(classes, str) or not isinstance(classes, int | Sequence):
            raise BadInput(f"{name}: classes must be a list of names, or how many there are, not {short(classes)}")
        if isinstance(classes, int) and classes > MOST_CLASSES:
            raise BadInput(f"{name}: {classes:,} classes are more than the {MOST_CLASSES:,} that a network may have")
        names = tuple(map(str, range(classes) if isinstance(classes, int) else classes))
        _check_names(names, name)
        channels, height, width = test.images.shape[1:]
        rest, part = held_out(train.labels) if len(train) else (torch.arange(0), torch.arange(0))
        shape = (channels, height, width)
        return cls(name, len(names), shape, names, train[rest], train[part], test, scale, notes, counted)

    @property
    def can_train(self) -> bool:
        """Whether there are training images."""
        return len(self.train) > 0 or len(self.validation) > 0

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the test images and labels: two ledgers with one digest saw the same data."""
        return tensor_digest({"images": self.test.images, "labels": self.test.labels})

    @property
    def nbytes(self) -> int:
        """How much memory the images and labels take."""
        splits = (self.train, self.validation, self.test)
        return sum(tensor.nbytes for split in splits for tensor in (split.images, split.labels))

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean of each channel over the training split."""
        return self._moments[0]

    @property
    def std(self) -> tuple[float, ...]:
        """Standard deviation of each channel over the training split; 1 for a constant channel."""
        return self._moments[1]

    @cached_property
    def _moments(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        moments = [_channel_moments(self.train.images[:, channel]) for channel in range(self.shape[0])]
        mean, std = zip(*moments, strict=True)
        return mean, tuple(value if value >= LEAST_STD else 1.0 for value in std)


def _check_names(names: Sequence[str], where: str) -> None:
    """Refuse names of classes that can't be told apart, or not be seen.

    Raises:
        BadInput: naming the first.
    """
    seen = set[str]()
    for name in names:
        if name in seen:
            raise BadInput(f"{where}: two classes are called {short(name)}; give each a name of its own")
        if not name.isprintable() or not name.strip():
            raise BadInput(
                f"{where}: the class name {short(name)} has something that can't be seen; use plain letters"
            )
        seen.add(name)


def _channel_moments(values: Tensor) -> tuple[float, float]:
    """Mean and standard deviation, in units of [0, 1], of one channel N×H×W."""
    if values.dtype != torch.uint8:
        return float(values.double().mean()), float(values.double().std(correction=0))
    counts = sum(np.bincount(part.numpy().ravel(), minlength=256) for part in values.split(CHUNK))
    weights, levels = counts / values.numel(), np.arange(256) / 255
    mean = float((weights * levels).sum())
    return mean, float((weights * (levels - mean) ** 2).sum() ** 0.5)


def _read(images: Array, labels: Array, which: str, layout: str | None) -> Split:
    """Images and labels in memory as a split on the CPU."""
    pixels = images_of(images, f"{which}images", layout)
    return Split(pixels.cpu(), labels_of(labels, len(pixels), f"{which}labels").cpu())


def _check_split(split: Split, num_classes: int, shape: tuple[int, int, int], where: str) -> None:
    images, labels = split.images, split.labels
    if images.dtype not in (torch.uint8, torch.float32):
        raise BadInput(f"{where}: images are {images.dtype}; convert them to uint8 or to float32 in [0, 1]")
    if labels.dtype != torch.int64 or labels.dim() != 1:
        raise BadInput(f"{where}: labels must be one int64 per image, not {labels.dtype} {list(labels.shape)}")
    if len(images) != len(labels):
        raise BadInput(f"{where}: {len(images)} images but {len(labels)} labels; give each image one label")
    if not len(labels):
        raise BadInput(f"{where}: it has no images; add some")
    if tuple(images.shape[1:]) != tuple(shape):
        raise BadInput(f"{where}: images have shape {list(images.shape[1:])}, not {list(shape)}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        raise BadInput(
            f"{where}: labels run from {low} to {high}, but the {num_classes} classes are 0 to {num_classes - 1}"
        )
    if images.dtype == torch.float32:
        check_range(images, where)
