"""CIFAR, MNIST and SVHN, read by torchvision from the files their authors published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark.data.dataset import Dataset, Split
from benchmark.data.splits import hold_out_validation
from benchmark.errors import BadInput


@dataclass(frozen=True)
class Published:
    """Loads one torchvision dataset.

    Attributes:
        name: ours.
        torchvision_name: the class in `torchvision.datasets`.
        lies_in: where torchvision looks for the files, below the root.
        scale: the dataset whose radii apply.
    """

    name: str
    torchvision_name: str
    lies_in: str
    scale: str

    def __call__(self, root: Path, download: bool) -> Dataset:
        published = [self._open(root, download, train) for train in (True, False)]
        training, test = map(_split, published)
        train, validation = hold_out_validation(training)
        channels, height, width = training.images.shape[1:]
        names = getattr(published[0], "classes", None) or [str(label) for label in range(10)]
        return Dataset(
            name=self.name,
            num_classes=len(names),
            shape=(channels, height, width),
            class_names=tuple(names),
            train=train,
            validation=validation,
            test=test,
            scale=self.scale,
        )

    def _open(self, root: Path, download: bool, train: bool) -> Any:
        from torchvision import datasets

        part = {"split": "train" if train else "test"} if self.name == "svhn" else {"train": train}
        try:
            return getattr(datasets, self.torchvision_name)(str(root), download=download, **part)
        except Exception as error:  # reading foreign files and the network fail in many ways
            if download:
                raise BadInput(f"{self.name} can't be fetched into {root}: {error}; try again later") from error
            raise BadInput(
                f"{self.name} is not (whole) in {root / self.lies_in}; pass --download to fetch it, "
                f"or set BENCHMARK_DATA to the folder that holds {self.lies_in}"
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


PUBLISHED = (
    Published("cifar10", "CIFAR10", "cifar-10-batches-py", "cifar10"),
    Published("cifar100", "CIFAR100", "cifar-100-python", "cifar10"),
    Published("mnist", "MNIST", "MNIST/raw", "mnist"),
    Published("fashion-mnist", "FashionMNIST", "FashionMNIST/raw", "mnist"),
    Published("svhn", "SVHN", "train_32x32.mat and test_32x32.mat", "cifar10"),
)
