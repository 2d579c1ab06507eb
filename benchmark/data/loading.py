"""Datasets by name."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Any, Protocol

from benchmark.cache import at_home, cache_root
from benchmark.data.dataset import Dataset
from benchmark.data.digits import load_digits
from benchmark.data.doubts import doubts
from benchmark.data.folder import load_folder, load_folder_on_black, load_folder_on_white
from benchmark.data.held_out import in_place_of_test
from benchmark.data.hugging_face import hugging_face
from benchmark.data.imagenet import imagenet
from benchmark.data.mini_imagenet import mini_imagenet
from benchmark.data.npz import load_npz
from benchmark.data.published import cifar10, cifar100, fashion_mnist, mnist, svhn
from benchmark.data.view import split_view
from benchmark.errors import BadInput, notice, reason, short
from benchmark.held_out_names import split_holdout
from benchmark.own.files import is_spec
from benchmark.own.functions import no_instance
from benchmark.registry import Registry


class Loader(Protocol):
    """Makes a dataset from the files under `root`, fetching them first if `download` allows it.

    With a further argument `images: int | None = None` it can read so many test images and nothing else, with
    `view: View | None = None` resize and crop them, see `benchmark.data.view`.
    """

    def __call__(self, root: Path, download: bool) -> Dataset: ...


def _fault(thing: Any) -> str:
    """What keeps another's thing from being data."""
    if isinstance(thing, Dataset):
        return ""
    if not inspect.isfunction(thing):
        return f"{no_instance(thing, 'Dataset')}, and no function of (root, download) that makes one"
    try:
        inspect.signature(thing).bind(Path(), False)
    except TypeError as error:
        return f"takes other arguments than root and download: {error}"
    return ""


DATASETS: Registry[Loader] = Registry("dataset", fault=_fault)
DATASETS.add("digits", load_digits)
DATASETS.add("cifar10", cifar10)
DATASETS.add("cifar100", cifar100)
DATASETS.add("mnist", mnist)
DATASETS.add("fashion-mnist", fashion_mnist)
DATASETS.add("svhn", svhn)
DATASETS.add("imagenet", imagenet)
DATASETS.add("mini-imagenet", mini_imagenet)
DATASETS.add("npz", load_npz)
DATASETS.add("hf", hugging_face)
DATASETS.add("folder", load_folder)
DATASETS.add("folder-on-white", load_folder_on_white)
DATASETS.add("folder-on-black", load_folder_on_black)


def load(
    name: str | Dataset, *, data_dir: str | Path | None = None, download: bool = False, images: int | None = None
) -> Dataset:
    """The dataset called `name`. What its `notes` say is said as notices, too.

    Args:
        name: a registered name such as "digits" or "cifar10"; `NAME:PATH` reads it from the folder PATH,
            so "folder:pictures" is the tree of images under pictures/. Pictures are resized and cropped as is said
            behind it, "folder:pictures?resize=256&crop=224"; "cifar10?holdout=0.2" has a part of the training images
            in place of the test images, see `benchmark.data.held_out`. Or a dataset, which is what is returned.
        data_dir: the folder that holds the files; without it and a PATH, $BENCHMARK_DATA or the
            user's cache.
        download: whether missing files may be fetched from the internet.
        images: how many test images are needed and nothing else; data that can be read in part then has no more of
            them, and no training images. None for all.

    Raises:
        BadInput: unknown name, missing files, files that are not what they should be, or no home to keep them in.
    """
    if isinstance(name, Dataset):
        return name
    if not isinstance(name, str):
        raise BadInput(
            f"dataset: a {type(name).__name__} is no data; give a name (bench list datasets) or a benchmark.Dataset, "
            "such as Dataset.from_arrays(images, labels) or Dataset.from_torch(data)"
        )
    if is_own(name):
        return _own(name, Path(data_dir or "."), download)
    whole, share = split_holdout(name)
    plain, view = split_view(whole)
    kind, colon, path = plain.partition(":")
    loader = DATASETS.get(kind)
    if colon and loader is load_digits:
        raise BadInput(f"{short(name)}: the digits come with a package and lie nowhere else; write {kind}")
    if colon and not path:  # as where a variable of the shell is not set: the user's cache would be searched
        raise BadInput(f"{short(name)} says no place behind its colon; write {kind}:PATH")
    takes = inspect.signature(loader).parameters
    if view is not None and "view" not in takes:
        raise BadInput(f"{kind} has images of one size, which are taken as they are; leave {view} out")
    # Digits come with a package, so that there need be no folder for data.
    root = Path() if loader is load_digits else at_home(path or data_dir or cache_root())
    asked = {"images": images if share is None else None, "view": view}
    dataset = loader(root, download, **{key: value for key, value in asked.items() if key in takes})
    dataset = dataset if share is None else in_place_of_test(dataset, share)
    if loader is not load_digits:  # of which no two are the same
        dataset = dataclasses.replace(dataset, notes=(*dataset.notes, *doubts(dataset)))
    for note in dataset.notes:
        notice(note)
    return dataset


def is_own(name: str) -> bool:
    """Whether data of one's own is meant, of a file of code or registered in this process."""
    if is_spec(name):
        return name.partition(":")[0] not in DATASETS.names()
    return DATASETS.is_put(name)


def _own(name: str, root: Path, download: bool) -> Dataset:
    """Data of one's own, called as it was asked for, so that it is found again by what is written down.

    Raises:
        BadInput: whatever is wrong with it.
    """
    thing: Any = DATASETS.get(name)
    try:
        dataset = thing if isinstance(thing, Dataset) else thing(root, download)
    except BadInput as error:
        raise BadInput(f"dataset {name}: {error}") from error
    except Exception as error:  # it is the user's code
        raise BadInput(f"dataset {name} failed: {reason(error)}") from error
    if not isinstance(dataset, Dataset):
        raise BadInput(f"dataset {name} returned {type(dataset).__name__}; it must return a benchmark.Dataset")
    dataset = dataclasses.replace(dataset, name=name, notes=(*dataset.notes, *doubts(dataset)))
    for note in dataset.notes:
        notice(note)
    return dataset
