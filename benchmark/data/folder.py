"""Any tree of pictures `train/<class>/*`, `test/<class>/*` as a dataset; decoded once, then kept."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

from benchmark.cache import cache_root
from benchmark.data.dataset import Dataset, Split
from benchmark.data.orders import balanced_order
from benchmark.data.pictures import Decoded, Tree, decode, scan
from benchmark.data.splits import hold_out_validation
from benchmark.errors import BadInput, notice
from benchmark.storage import digest, write_atomic

#: Part of the cache's key: to be raised whenever the same files would be decoded differently.
DECODER_VERSION = 2

#: Grey levels.
WHITE, BLACK = 255, 0


def load_folder(root: Path, download: bool) -> Dataset:
    """Your own pictures, `root`/train/<class>/* and `root`/test/<class>/*: use as folder:PATH.

    They are decoded once and kept in the cache; there is nothing to `download`.
    Labels follow the sorted names of the class folders. The test images come in a fixed, seeded,
    class-balanced order (in sorted order the first N would all be of one class).

    Pictures that are all grey have one channel, else all have three. No scale of published radii is theirs.

    Raises:
        BadInput: a missing or empty folder, a single class, classes that differ between train and test,
            images of mixed sizes, or one that can't be read, or not as it is meant.
    """
    return _load("folder", root, None)


def load_folder_on_white(root: Path, download: bool) -> Dataset:
    """The same where pictures are not opaque: they are put on white.

    Raises:
        BadInput: as `load_folder` does.
    """
    return _load("folder-on-white", root, WHITE)


def load_folder_on_black(root: Path, download: bool) -> Dataset:
    """The same where pictures are not opaque: they are put on black.

    Raises:
        BadInput: as `load_folder` does.
    """
    return _load("folder-on-black", root, BLACK)


def _load(kind: str, root: Path, background: int | None) -> Dataset:
    if not root.is_dir():
        raise BadInput(f"there is no folder {root}; give {kind}:PATH a tree of train/<class>/ and test/<class>/")
    trees = {part: scan(root / part) for part in ("train", "test")}
    classes = trees["train"].classes
    _check_classes(root, trees)
    images, notes = _decoded(root, trees, background)
    training, test = (
        Split(images[part], torch.tensor(tree.labels, dtype=torch.int64)) for part, tree in trees.items()
    )
    train, validation = hold_out_validation(training)
    channels, height, width = images["train"].shape[1:]
    return Dataset(
        name=f"{kind}:{root}",
        num_classes=len(classes),
        shape=(channels, height, width),
        class_names=classes,
        train=train,
        validation=validation,
        test=test[balanced_order(test.labels)],
        notes=(*(_left_out(tree) for tree in trees.values() if tree.left_out), *notes),
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


def _decoded(root: Path, trees: dict[str, Tree], background: int | None) -> tuple[dict[str, Tensor], list[str]]:
    """The images of each part and what to say of them, from the cache if these very files were decoded before."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    name = Path("decoded", f"{_fingerprint(root, trees, background)}.safetensors")
    try:
        return _kept(cache_root() / name)
    except (BadInput, OSError, SafetensorError, KeyError, ValueError):  # no home, not there, or not whole
        found = {part: decode(tree.files, background) for part, tree in trees.items()}
    images, notes = _together(root, found)
    _check_sizes(root, trees, images)
    said = {"notes": json.dumps(notes)}
    try:
        write_atomic(cache_root() / name, lambda part: save_file(images, part, said))
    except (BadInput, SafetensorError) as error:  # the latter is what the library makes of a full disk
        notice(f"the decoded images of {root} are not kept for next time: {error}")
    return images, notes


def _kept(path: Path) -> tuple[dict[str, Tensor], list[str]]:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        images = {part: file.get_tensor(part) for part in ("train", "test")}
        notes: list[str] = json.loads(file.metadata()["notes"])
    return images, notes


def _together(root: Path, found: dict[str, Decoded]) -> tuple[dict[str, Tensor], list[str]]:
    """The images of each part with one channel if all of them are grey, else with three; and what to say of them."""
    count = sum(len(part.pixels) for part in found.values())
    grey, from_cmyk = (sum(getattr(part, name) for part in found.values()) for name in ("grey", "from_cmyk"))
    images = {part: decoded.pixels for part, decoded in found.items()}
    notes = []
    if grey == count:
        images = {part: pixels[:, :1].contiguous() for part, pixels in images.items()}
    elif grey:
        notes.append(
            f"{root}: {grey:,} of {count:,} pictures are grey and the others are in colour; "
            "the grey ones were given three equal channels"
        )
    if from_cmyk:
        notes.append(
            f"{root}: {from_cmyk:,} of {count:,} pictures are made for print (CMYK); "
            "their colours were turned to RGB without a colour profile"
        )
    return images, notes


def _check_sizes(root: Path, trees: dict[str, Tree], images: dict[str, Tensor]) -> None:
    (height, width), (other_height, other_width) = (images[part].shape[2:] for part in ("train", "test"))
    if (height, width) != (other_height, other_width):
        raise BadInput(
            f"{root}: training images have {width}×{height} pixels but test images {other_width}×{other_height}; "
            "resize all images to one size"
        )


def _fingerprint(root: Path, trees: dict[str, Tree], background: int | None) -> str:
    """A digest of where the files lie, their names, sizes and times of change."""
    listing = []
    for tree in trees.values():
        for file in tree.files:
            status = file.stat()
            listing.append([str(file.relative_to(root)), status.st_size, status.st_mtime_ns])
    return digest([DECODER_VERSION, background, str(root.resolve()), listing])
