"""Image data sets of the Hugging Face Hub, by name or in a folder, through the library `datasets`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmark.data.dataset import Dataset
from benchmark.data.decoding import Size, picture_of
from benchmark.data.orders import balanced_order
from benchmark.data.view import View, with_view
from benchmark.errors import BadInput, first_line, short

INSTALL = "pip install datasets"

#: The splits that are evaluated on, in the order in which they are looked for.
SPLITS = ("test", "validation", "valid", "val")
#: What label columns are called that do not say that they are classes.
LABELS = ("label", "labels", "fine_label", "class", "target")


def hugging_face(root: Path, download: bool, images: int | None = None, view: View | None = None) -> Dataset:
    """Images of the Hugging Face Hub: use as hf:NAME, or hf:FOLDER for a folder with parquet files.

    The test split is taken, or the validation split where there is none; its images come in a fixed, seeded,
    class-balanced order. To evaluate only. It takes the library `datasets`; what is not in its cache is fetched only
    with `download`, and no code of a data set is run. A folder may also be what its save_to_disk wrote.

    Args:
        root: the name, or the folder.
        download: whether it may be fetched.
        images: so many at most are decoded; None for all.
        view: how they are resized and cropped; None where all have one size.

    Raises:
        BadInput: the library is missing, there is no such data set, it has no column of images and one of labels, or
            an image can't be had as it is meant.
    """
    name = f"hf:{root}"
    table, split = _table(root, download)
    columns = _columns(name, table)
    labels = _labels(name, table, columns)
    order = balanced_order(labels)[:images]
    pixels, notes = _pixels(name, table, columns.image, order.tolist(), view)
    if split != "test":
        notes = [f"{name}: the images are those of the split {split}", *notes]
    classes = columns.classes or [*map(str, range(max(2, int(labels.max()) + 1)))]
    return Dataset.of_test_images(with_view(name, view), pixels, labels[order], classes, notes=tuple(notes))


class _Columns(NamedTuple):
    """Which columns hold the images and the labels, and what the classes are called; () where nobody says."""

    image: str
    label: str
    classes: tuple[str, ...]


def _table(root: Path, download: bool) -> tuple[Any, str]:
    """The split that is evaluated on, and what it is called.

    Raises:
        BadInput: the library, the data or the split is missing.
    """
    name = root.as_posix()
    if not root.is_dir() and (root.is_absolute() or name.startswith(".") or len(root.parts) > 2):
        raise BadInput(f"there is no folder {root}; hf:NAME names a data set of the Hub, hf:FOLDER one that is here")
    try:
        import datasets
    except ImportError as error:
        raise BadInput(
            f"hf:{name} takes the library datasets, which can't be imported ({error}); {INSTALL}"
        ) from error
    with _offline(datasets, not download):
        try:
            found = _local(datasets, root) if root.is_dir() else datasets.load_dataset(name)
        except BadInput:
            raise
        except Exception as error:  # whatever the library, its builders and the network raise
            hint = "is it called so on the Hub?" if download else "pass --download to fetch it"
            way = "it must hold parquet files, or what save_to_disk wrote" if root.is_dir() else hint
            raise BadInput(
                f"hf:{name} can't be loaded ({type(error).__name__}: {first_line(error)}); {way}"
            ) from error
    if not isinstance(found, datasets.DatasetDict):
        return found, str(getattr(found, "split", None) or "all")
    split = next((split for split in SPLITS if split in found), None)
    if split is None and len(found) == 1:
        split = next(iter(found))
    if split is None:
        raise BadInput(
            f"hf:{name} has the splits {', '.join(map(str, found))}, none of them {' or '.join(SPLITS[:2])}"
        )
    return found[split], str(split)


def _local(datasets: Any, folder: Path) -> Any:
    """What lies in a folder; only parquet and arrow files are read, whatever else is there."""
    if (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file():
        return datasets.load_from_disk(str(folder))
    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise BadInput(f"hf:{folder} has no parquet files, nor is it what the library's save_to_disk wrote")
    splits: dict[str, list[str]] = {}
    for file in files:
        words = file.relative_to(folder).as_posix().lower()
        split = next((split for split in (*SPLITS, "train") if split in words), "all")
        splits.setdefault(split, []).append(str(file))
    return datasets.load_dataset("parquet", data_files=splits)


@contextmanager
def _offline(datasets: Any, offline: bool) -> Iterator[None]:
    """Within this context the library asks nobody, if `offline`; what it says of its progress is left out."""
    names = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
    before = {name: os.environ.get(name) for name in names}
    places = [(module, name) for module in _configurations() for name in names if hasattr(module, name)]
    settings = [(module, name, getattr(module, name)) for module, name in places]
    try:
        if offline:
            os.environ.update(dict.fromkeys(names, "1"))
            for module, name in places:
                setattr(module, name, True)
        datasets.disable_progress_bars()
        yield
    finally:
        datasets.enable_progress_bars()
        for module, name, value in settings:
            setattr(module, name, value)
        for name, word in before.items():
            if word is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = word


def _configurations() -> list[Any]:
    import datasets.config
    import huggingface_hub.constants

    return [datasets.config, huggingface_hub.constants]


def _columns(name: str, table: Any) -> _Columns:
    """Where the images and labels are.

    Raises:
        BadInput: nowhere, or in several places.
    """
    features = dict(table.features)
    kinds = {column: type(feature).__name__ for column, feature in features.items()}
    pictures = [column for column, kind in kinds.items() if kind == "Image"]
    named = [column for column, kind in kinds.items() if kind == "ClassLabel"]
    if len(named) > 1 or not named:
        named = [column for column in LABELS if column in features and (not named or column in named)][:1]
    if len(pictures) != 1 or not named:
        told = ", ".join(f"{column} ({kind})" for column, kind in kinds.items())
        raise BadInput(f"{name} must have one column of images and one of labels; it has {short(told)}")
    names = getattr(features[named[0]], "names", None) or ()
    return _Columns(pictures[0], named[0], tuple(map(str, names)))


def _labels(name: str, table: Any, columns: _Columns) -> Tensor:
    """All labels, which are cheap beside the images.

    Raises:
        BadInput: one is no place of a class.
    """
    labels = list(table.select_columns([columns.label])[columns.label])
    if not labels or any(type(label) is not int or label < 0 for label in labels):
        odd = next((label for label in labels if type(label) is not int or label < 0), "nothing")
        raise BadInput(f"{name}: the label {short(odd)} is not the place of a class, from 0 on")
    return torch.tensor(labels, dtype=torch.int64)


def _pixels(name: str, table: Any, column: str, places: list[int], view: View | None) -> tuple[Tensor, list[str]]:
    """The images N×C×H×W, one after the other, and what to say of them."""
    pixels: Any = None
    size: Size | None = None
    grey = 0
    for number, place in enumerate(places):
        where = f"{name}, image {place}"
        try:
            opened = table[place][column]
        except Exception as error:  # whatever decoders raise for damaged files
            raise BadInput(f"{where} can't be read ({first_line(error)})") from error
        picture = picture_of(opened, where, None, size, view)
        height, width, _ = picture.pixels.shape
        if pixels is None:
            size = Size(width, height, where)
            pixels = np.empty((len(places), 3, height, width), np.uint8)
        pixels[number] = picture.pixels.transpose(2, 0, 1)
        grey += picture.is_grey
    if grey == len(places):
        return torch.from_numpy(pixels[:, :1].copy()), []
    note = f"{name}: {grey:,} of {len(places):,} pictures are grey and were given three equal channels"
    return torch.from_numpy(pixels), [note] if grey else []
