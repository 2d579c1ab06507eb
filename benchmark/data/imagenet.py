"""The validation images of ImageNet (ILSVRC 2012) as they are published or as most keep them, to evaluate on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from benchmark.data.dataset import Dataset
from benchmark.data.part import first_pictures
from benchmark.data.pictures import Tree, scan
from benchmark.data.view import View, with_view
from benchmark.data.walk import LeftOut, pictures_below
from benchmark.errors import BadInput, reason
from benchmark.storage import read_text

CLASSES = 1000

#: How the classes are called (WordNet's number of a noun), and the published files.
_CLASS, _FILE = re.compile(r"n\d{8}"), re.compile(r"ILSVRC2012_val_(\d{8})\.JPE?G", re.IGNORECASE)

#: What comes with the published files: the classes by number, and the number of each validation image.
DEVKIT = "ILSVRC2012_devkit_t12"
_META, _TRUTH = "meta.mat", "ILSVRC2012_validation_ground_truth.txt"


def imagenet(root: Path, download: bool, images: int | None = None, view: View | None = None) -> Dataset:
    """The 50,000 validation photographs of ImageNet in 1,000 classes, to evaluate on (Russakovsky et al. 2015).

    They lie in `root`/imagenet/val, `root`/val or `root`: in a folder per class, n01440764 to n15075141, or as
    published, ILSVRC2012_val_00000001.JPEG to 00050000, with the folder ILSVRC2012_devkit_t12 beside them. There is
    nothing to `download`. Classes are in the order of their names, as in torchvision and timm. The images come in a
    fixed, seeded, class-balanced order.

    Raises:
        BadInput: they are not there, not all classes are, or nothing says how to resize them.
    """
    folder = _folder(root)
    if view is None or (view.resize is None and view.crop is None):
        raise BadInput(
            "the images of imagenet are of many sizes, and nothing says which one the network takes: give "
            "--resize 256 --crop 224, or whatever its weights were made for"
        )
    return first_pictures(with_view("imagenet", view), _tree(folder), images, view, scale="imagenet")


def _folder(root: Path) -> Path:
    """Where the images are.

    Raises:
        BadInput: nowhere.
    """
    for folder in (root / "imagenet" / "val", root / "val", root / "imagenet", root):
        if folder.is_dir() and any(
            _CLASS.fullmatch(path.name) or _FILE.fullmatch(path.name) for path in _some(folder)
        ):
            return folder
    raise BadInput(
        f"there are no validation images of ImageNet in {root}: neither folders of classes (n01440764, ...) nor "
        "ILSVRC2012_val_00000001.JPEG and so on, in itself, in val or in imagenet/val; name the folder as "
        "imagenet:PATH or by --data-dir"
    )


def _is_ours(path: Path) -> bool:
    return bool(_CLASS.fullmatch(path.name) or _FILE.fullmatch(path.name))


def _some(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise BadInput(f"can't read the folder {folder}: {error.strerror or error}") from error


def _tree(folder: Path) -> Tree:
    """The images with their labels.

    Raises:
        BadInput: not all classes are there, or nothing tells the classes of images without folders.
    """
    if not any(_CLASS.fullmatch(path.name) for path in _some(folder)):
        return _published(folder)
    tree = scan(folder)
    strangers = [name for name in tree.classes if not _CLASS.fullmatch(name)]
    if strangers or len(tree.classes) != CLASSES:
        raise BadInput(
            f"{folder} has {len(tree.classes):,} folders of classes"
            + (f", among them {strangers[0]}" if strangers else "")
            + f", ImageNet {CLASSES:,}; a part of it, or other classes, can be read as folder:{folder}"
        )
    return tree


def _published(folder: Path) -> Tree:
    """The images by their numbers, with the classes that the development kit tells."""
    kits = [place / DEVKIT / "data" for place in (folder, folder.parent, folder.parent.parent)]
    kit = next((kit for kit in kits if (kit / _TRUTH).is_file() and (kit / _META).is_file()), None)
    if kit is None:
        raise BadInput(
            f"{folder} has no folders of classes, and {DEVKIT}/data with {_TRUTH} and {_META} is not beside it; "
            "unpack the development kit there, or sort the images into folders of classes"
        )
    names = _names(kit / _META)
    try:
        numbers = [int(line) for line in read_text(kit / _TRUTH).split()]
    except ValueError as error:
        raise BadInput(f"{kit / _TRUTH}: a line is no number: {error}") from error
    left_out = LeftOut(folder)
    files = {
        int(found[1]): path for path in pictures_below(folder, left_out) if (found := _FILE.fullmatch(path.name))
    }
    unknown = next((number for number in files if not 1 <= number <= len(numbers)), None)
    wrong = next((number for number in numbers if number not in names), None)
    if unknown is not None or wrong is not None:
        raise BadInput(
            f"{kit / _TRUTH} does not tell the class of {files[unknown].name}"
            if unknown is not None
            else f"{kit / _TRUTH} names the class {wrong}, which {_META} does not have"
        )
    classes = tuple(sorted(names.values()))
    label = {number: classes.index(name) for number, name in names.items()}
    order = sorted(files, key=lambda number: (label[numbers[number - 1]], number))
    return Tree(folder, classes, tuple(files[n] for n in order), tuple(label[numbers[n - 1]] for n in order))


def _names(path: Path) -> dict[int, str]:
    """The names of the classes by the kit's numbers, 1 to 1000; beyond these it has groups of classes.

    Raises:
        BadInput: it can't be read, or has others.
    """
    from scipy.io import loadmat

    try:
        table: Any = loadmat(path, squeeze_me=True)["synsets"]
        pairs = [(int(row["ILSVRC2012_ID"]), str(row["WNID"])) for row in table]
    except Exception as error:  # whatever a damaged file makes the parser raise
        raise BadInput(f"{path} can't be read: {reason(error)}") from error
    names = {number: name for number, name in pairs if 1 <= number <= CLASSES}
    if len(set(names.values())) != CLASSES or not all(map(_CLASS.fullmatch, names.values())):
        raise BadInput(f"{path} names {len(names):,} classes, ImageNet has {CLASSES:,}")
    return names
