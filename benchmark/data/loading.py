"""Datasets by name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import platformdirs

from benchmark.data.dataset import Dataset
from benchmark.data.digits import load_digits
from benchmark.registry import Registry


class Loader(Protocol):
    """Makes a dataset from the files under `root`, fetching them first if `download` allows it."""

    def __call__(self, root: Path, download: bool) -> Dataset: ...


DATASETS: Registry[Loader] = Registry("dataset")
DATASETS.add("digits", load_digits)


def default_root() -> Path:
    """Where datasets lie unless told otherwise: $BENCHMARK_DATA, or a folder in the user's cache."""
    named = os.environ.get("BENCHMARK_DATA")
    return Path(named).expanduser() if named else Path(platformdirs.user_cache_dir("robustness-benchmark"))


def load(name: str, *, root: str | Path | None = None, download: bool = False) -> Dataset:
    """The dataset called `name`.

    Args:
        name: a registered name such as "digits" or "cifar10"; `NAME:PATH` reads it from the folder PATH,
            so "folder:pictures" is the tree of images under pictures/.
        root: the folder that holds the files; `default_root()` if neither this nor a PATH is given.
        download: whether missing files may be fetched from the internet.

    Raises:
        BadInput: unknown name, missing files, or files that are not what they should be.
    """
    kind, _, path = name.partition(":")
    loader = DATASETS.get(kind)
    return loader(Path(path or root or default_root()).expanduser(), download)
