"""mini-ImageNet as its users have it: 600 photographs of each of 100 classes of ImageNet (Vinyals et al. 2016).

It was made for few-shot learning, where the classes themselves are divided: 64 to train on, 16 to validate, 20 to
test (Ravi and Larochelle 2017). To classify all 100, a part of each class's pictures is needed for the test: here a
sixth, so 500 and 100 of 600, by an order that is the same on every machine.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from torch import Tensor, tensor

from benchmark.data.dataset import Dataset, Split
from benchmark.data.folder import decoded_parts
from benchmark.data.orders import stratified
from benchmark.data.pictures import Tree, scan
from benchmark.data.splits import hold_out_validation
from benchmark.data.view import View, with_view
from benchmark.errors import BadInput, short
from benchmark.storage import read_text

#: The parts into which few-shot learning divides the classes.
PARTS = ("train", "val", "test")

#: The share of each class that is tested on, and the draw.
TEST_SHARE, SEED = 1 / 6, 2

#: Bytes that a list of files may have; the largest that is known has two million.
LARGEST_LIST = 2**24


def mini_imagenet(root: Path, download: bool, view: View | None = None) -> Dataset:
    """60,000 photographs in 100 classes of ImageNet (Vinyals et al. 2016): use as mini-imagenet:PATH.

    PATH, or PATH/mini-imagenet, holds either images/*.jpg with train.csv, val.csv and test.csv (filename, label), or
    train/<class>/*, val/<class>/* and test/<class>/*. The parts are put together, and a sixth of each class is tested
    on. There is nothing to `download`. Pictures of many sizes need a view: mini-imagenet:PATH?resize=84&crop=84.

    Raises:
        BadInput: there is no such folder, a list names what is not there, a class is in two parts, or the pictures
            have several sizes.
    """
    folder, files, labels, classes = _found(root)
    order = tensor(labels)
    parts = dict(zip(("train", "test"), stratified(order, TEST_SHARE, SEED), strict=True))
    trees = {part: _tree(folder, files, labels, classes, rows) for part, rows in parts.items()}
    images, notes = decoded_parts(folder, trees, None, view)
    training, test = (Split(images[part], order[rows]) for part, rows in parts.items())
    train, validation = hold_out_validation(training)
    channels, height, width = training.images.shape[1:]
    called = f"mini-imagenet:{root}"
    return Dataset(
        name=with_view(called, view),
        num_classes=len(classes),
        shape=(channels, height, width),
        class_names=classes,
        train=train,
        validation=validation,
        test=test,
        notes=tuple(notes),
    )


def _found(root: Path) -> tuple[Path, list[Path], list[int], tuple[str, ...]]:
    """The folder, its pictures, their labels, and the classes in the order of their names."""
    for folder in (root / "mini-imagenet", root):
        if (folder / "images").is_dir() and all((folder / f"{part}.csv").is_file() for part in PARTS):
            return (folder, *_together([_listed(folder, part) for part in PARTS]))
        if all((folder / part).is_dir() for part in PARTS):
            trees = [scan(folder / part) for part in PARTS]
            return (folder, *_together([_by_class(tree) for tree in trees]))
    raise BadInput(
        f"there is no mini-ImageNet in {root}: neither images/ with train.csv, val.csv and test.csv nor the folders "
        "train, val and test, in itself or in mini-imagenet; name the folder as mini-imagenet:PATH"
    )


def _by_class(tree: Tree) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {name: [] for name in tree.classes}
    for file, label in zip(tree.files, tree.labels, strict=True):
        found[tree.classes[label]].append(file)
    return found


def _listed(folder: Path, part: str) -> dict[str, list[Path]]:
    """The pictures of each class that a list names.

    Raises:
        BadInput: it has no such columns, or names a file that is not there.
    """
    path = folder / f"{part}.csv"
    rows = csv.DictReader(io.StringIO(read_text(path, LARGEST_LIST), newline=""))
    if not {"filename", "label"} <= set(rows.fieldnames or ()):
        raise BadInput(f"{path}:1: the columns must be filename and label")
    found: dict[str, list[Path]] = {}
    for line, row in enumerate(rows, start=2):
        name, label = row["filename"], row["label"]
        if not name or not label or Path(name).name != name:
            raise BadInput(f"{path}:{line}: {short(name)} and {short(label)} are no name of a picture and its class")
        if not (folder / "images" / name).is_file():
            raise BadInput(f"{path}:{line}: there is no picture {folder / 'images' / name}")
        found.setdefault(label, []).append(folder / "images" / name)
    return found


def _together(parts: list[dict[str, list[Path]]]) -> tuple[list[Path], list[int], tuple[str, ...]]:
    names = [name for part in parts for name in part]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(
            f"the class {twice[0]} is in several of {', '.join(PARTS)}, which divide mini-ImageNet's classes; "
            "pictures that are divided within each class are read by folder:PATH"
        )
    pictures = {name: files for part in parts for name, files in part.items()}
    classes = tuple(sorted(pictures))
    files = [file for name in classes for file in sorted(pictures[name])]
    return files, [label for label, name in enumerate(classes) for _ in pictures[name]], classes


def _tree(folder: Path, files: list[Path], labels: list[int], classes: tuple[str, ...], rows: Tensor) -> Tree:
    chosen = rows.tolist()
    return Tree(folder, classes, tuple(files[row] for row in chosen), tuple(labels[row] for row in chosen))
