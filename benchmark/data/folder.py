"""Any tree of pictures `train/<class>/*`, `test/<class>/*` as a dataset; decoded once, then kept."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from benchmark.cache import cache_root
from benchmark.data.dataset import Dataset, Split
from benchmark.data.pictures import Tree, decode, scan
from benchmark.data.splits import balanced_order, hold_out_validation
from benchmark.errors import BadInput, notice
from benchmark.storage import digest, write_atomic

#: Part of the cache's key: to be raised whenever the same files would be decoded differently.
DECODER_VERSION = 1


def load_folder(root: Path, download: bool) -> Dataset:
    """Your own pictures, `root`/train/<class>/* and `root`/test/<class>/*: use as folder:PATH.

    They are decoded once and kept in the cache; there is nothing to `download`.
    Labels follow the sorted names of the class folders. The test images come in a fixed, seeded,
    class-balanced order (in sorted order the first N would all be of one class).

    Raises:
        BadInput: a missing or empty folder, a single class, classes that differ between train and test,
            images of mixed sizes, or one that can't be read.
    """
    if not root.is_dir():
        raise BadInput(f"there is no folder {root}; give folder:PATH a tree of train/<class>/ and test/<class>/")
    trees = {part: scan(root / part) for part in ("train", "test")}
    classes = trees["train"].classes
    _check_classes(root, trees)
    notes = tuple(_left_out(tree) for tree in trees.values() if tree.left_out)
    for note in notes:
        notice(note)
    images = _decoded(root, trees)
    training, test = (
        Split(images[part], torch.tensor(tree.labels, dtype=torch.int64)) for part, tree in trees.items()
    )
    train, validation = hold_out_validation(training)
    return Dataset(
        name=f"folder:{root}",
        num_classes=len(classes),
        shape=(3, *images["train"].shape[2:]),
        class_names=classes,
        train=train,
        validation=validation,
        test=test[balanced_order(test.labels)],
        scale="cifar10",
        notes=notes,
    )


def _left_out(tree: Tree) -> str:
    return f"{tree.folder}: {len(tree.files):,} pictures are used; left out are {tree.left_out}"


def _check_classes(root: Path, trees: dict[str, Tree]) -> None:
    train, test = (set(tree.classes) for tree in trees.values())
    if train != test:
        only = ", ".join(sorted(train ^ test)[:5])
        raise BadInput(f"{root}: train and test have different classes; only one of them has {only}")
    if len(train) < 2:
        raise BadInput(f"{root}: there is only one class, {min(train)}; classification needs two or more")
    for number, name in enumerate(trees["train"].classes):
        if trees["train"].labels.count(number) < 2:
            raise BadInput(f"{root / 'train' / name} has a single image; add one, as one is held out")


def _decoded(root: Path, trees: dict[str, Tree]) -> dict[str, Tensor]:
    """The images of each part, from the cache if these very files were decoded before."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file

    name = Path("decoded", f"{_fingerprint(root, trees)}.safetensors")
    try:
        return load_file(cache_root() / name)
    except (BadInput, OSError, SafetensorError):  # no home, not there, or not whole: decode again
        images = {part: decode(tree.files) for part, tree in trees.items()}
    _check_sizes(root, trees, images)
    try:
        write_atomic(cache_root() / name, lambda part: save_file(images, part))
    except (BadInput, SafetensorError) as error:  # the latter is what the library makes of a full disk
        notice(f"the decoded images of {root} are not kept for next time: {error}")
    return images


def _check_sizes(root: Path, trees: dict[str, Tree], images: dict[str, Tensor]) -> None:
    (height, width), (other_height, other_width) = (images[part].shape[2:] for part in ("train", "test"))
    if (height, width) != (other_height, other_width):
        raise BadInput(
            f"{root}: training images have {width}×{height} pixels but test images {other_width}×{other_height}; "
            "resize all images to one size"
        )


def _fingerprint(root: Path, trees: dict[str, Tree]) -> str:
    """A digest of where the files lie, their names, sizes and times of change."""
    listing = []
    for tree in trees.values():
        for file in tree.files:
            status = file.stat()
            listing.append([str(file.relative_to(root)), status.st_size, status.st_mtime_ns])
    return digest([DECODER_VERSION, str(root.resolve()), listing])
