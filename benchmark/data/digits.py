"""The 8×8 scans of handwritten digits that ship inside scikit-learn."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmark.data.dataset import Dataset, Split
from benchmark.data.orders import stratified
from benchmark.data.splits import hold_out_validation

TEST_SHARE = 0.25


def load_digits(root: Path, download: bool) -> Dataset:
    """1,797 handwritten digits, 8×8 grey, that ship inside scikit-learn: no download.

    Their values 0..16 become [0, 1]; nothing is read from `root`.

    There is no published split, so a fixed, seeded, stratified one is made: 450 test images in
    class-balanced order, a tenth of the others for validation.
    """
    everything = Split(*(tensor.clone() for tensor in _scans()))
    rest, test = stratified(everything.labels, TEST_SHARE)
    train, validation = hold_out_validation(everything[rest])
    return Dataset(
        name="digits",
        num_classes=10,
        shape=(1, 8, 8),
        class_names=tuple("0123456789"),
        train=train,
        validation=validation,
        test=everything[test],
        scale="digits",
    )


@cache
def _scans() -> tuple[Tensor, Tensor]:
    """Images and labels; they are read from a text, which takes most of the time of a load."""
    rows = _rows()
    images, labels = torch.from_numpy(rows[:, :-1].copy()), torch.from_numpy(rows[:, -1].copy())
    return images.float().div_(16).view(-1, 1, 8, 8), labels.long()


def _rows() -> np.ndarray:
    """One row of 64 pixels and a label per scan.

    From scikit-learn's file itself: importing it, with scipy and pandas, takes ten times as long as reading. A
    version that keeps the file elsewhere is asked for what is in it.
    """
    found = find_spec("sklearn")
    for folder in (found.submodule_search_locations if found else None) or ():
        path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            with gzip.open(path, "rt", encoding="utf-8") as file:
                return np.loadtxt(file, delimiter=",")
    from sklearn.datasets import load_digits as embedded

    images, labels = embedded(return_X_y=True)
    return np.column_stack([images, labels])
