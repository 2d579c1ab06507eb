"""CIFAR, MNIST and SVHN, read by torchvision from the files their authors published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark.data.dataset import Dataset, Split
from benchmark.data.splits import hold_out_validation
from benchmark.errors import BadInput


def cifar10(root: Path, download: bool) -> Dataset:
    """60,000 photographs of animals and vehicles in 10 classes, 32×32 RGB (Krizhevsky 2009)."""
    return _load("cifar10", "CIFAR10", "cifar-10-batches-py", "cifar10", root, download)


def cifar100(root: Path, download: bool) -> Dataset:
    """60,000 photographs in 100 fine classes, 32×32 RGB (Krizhevsky 2009)."""
    return _load("cifar100", "CIFAR100", "cifar-100-python", "cifar10", root, download)


def mnist(root: Path, download: bool) -> Dataset:
    """70,000 handwritten digits, 28×28 grey (LeCun et al. 1998)."""
    return _load("mnist", "MNIST", "MNIST/raw", "mnist", root, download)


def fashion_mnist(root: Path, download: bool) -> Dataset:
    """70,000 pictures of clothes in 10 classes, 28×28 grey (Xiao et al. 2017)."""
    return _load("fashion-mnist", "FashionMNIST", "FashionMNIST/raw", "mnist", root, download)


def svhn(root: Path, download: bool) -> Dataset:
    """99,289 digits of house numbers, 32×32 RGB, without the extra part (Netzer et al. 2011)."""
    return _load("svhn", "SVHN", "train_32x32.mat, test_32x32.mat", "cifar10", root, download)


def _load(name: str, kind: str, files: str, scale: str, root: Path, download: bool) -> Dataset:
    """The dataset that torchvision's class `kind` reads from `files` below `root`."""
    published = [_open(name, kind, files, root, download, train) for train in (True, False)]
    training, test = map(_split, published)
    train, validation = hold_out_validation(training)
    classes = getattr(published[0], "classes", None) or [str(label) for label in range(10)]
    channels, height, width = training.images.shape[1:]
    return Dataset(
        name=name,
        num_classes=len(classes),
        shape=(channels, height, width),
        class_names=tuple(classes),
        train=train,
        validation=validation,
        test=test,
        scale=scale,
    )


def _open(name: str, kind: str, files: str, root: Path, download: bool, train: bool) -> Any:
    from torchvision import datasets

    part = {"split": "train" if train else "test"} if kind == "SVHN" else {"train": train}
    try:
        return getattr(datasets, kind)(str(root), download=download, **part)
    except Exception as error:  # reading foreign files and the network fail in many ways
        if download:
            raise BadInput(f"{name} can't be fetched into {root}: {error}; try again later") from error
        raise BadInput(
            f"{name} is not (whole) in {root}, where {files} should be; pass --download to fetch it, "
            "or set BENCHMARK_DATA to the folder that holds it"
        ) from error


def _split(published: Any) -> Split:
    """N×H×W (grey), N×H×W×3 (CIFAR) or N×3×H×W (SVHN) bytes → a split in the published order."""
    images = torch.as_tensor(published.data)
    if images.dim() == 3:
        images = images.unsqueeze(1)
    elif images.shape[-1] == 3:
        images = images.permute(0, 3, 1, 2)
    labels = published.labels if hasattr(published, "labels") else published.targets
    return Split(images.contiguous(), torch.as_tensor(np.asarray(labels), dtype=torch.int64))
