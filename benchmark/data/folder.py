"""Any tree of pictures as a dataset, `train/<class>/*` and `test/<class>/*`, or test images alone; decoded once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import torch
from torch import Tensor

from benchmark.cache import cache_root
from benchmark.data.dataset import Dataset, Split
from benchmark.data.orders import balanced_order
from benchmark.data.part import first_pictures, shared_files
from benchmark.data.pictures import Decoded, Tree, decode, scan
from benchmark.data.splits import hold_out_validation
from benchmark.data.view import View, with_view
from benchmark.errors import BadInput, notice
from benchmark.storage import digest, write_atomic

#: Part of the cache's key: to be raised whenever the same files would be decoded differently.
DECODER_VERSION = 2

#: What folders are called that hold parts of a dataset, and no class.
_PARTS = {"train", "training", "val", "valid", "validation", "dev", "test", "testing"}

#: Grey levels.
WHITE, BLACK = 255, 0


def load_folder(root: Path, download: bool, images: int | None = None, view: View | None = None) -> Dataset:
    """Your own pictures, `root`/train/<class>/* and `root`/test/<class>/*: use as folder:PATH.

    To evaluate, `root`/test/<class>/* alone will do, or `root`/<class>/*.
    They are decoded once and kept in the cache; there is nothing to `download`.
    Labels follow the sorted names of the class folders. The test images come in a fixed, seeded,
    class-balanced order (in sorted order the first N would all be of one class).

    Pictures that are all grey have one channel, else all have three. No scale of published radii is theirs.

    Args:
        root: the folder.
        download: without meaning here.
        images: of the test images so many at most are read, and no training images; None for all of both.
        view: how they are resized and cropped; None where all have one size.

    Raises:
        BadInput: a missing or empty folder, a single class, classes that differ between train and test,
            images of mixed sizes, or one that can't be read, or not as it is meant.
    """
    return _load("folder", root, None, images, view)


def load_folder_on_white(root: Path, download: bool, images: int | None = None, view: View | None = None) -> Dataset:
    """The same where pictures are not opaque: they are put on white.

    Raises:
        BadInput: as `load_folder` does.
    """
    return _load("folder-on-white", root, WHITE, images, view)


def load_folder_on_black(root: Path, download: bool, images: int | None = None, view: View | None = None) -> Dataset:
    """The same where pictures are not opaque: they are put on black.

    Raises:
        BadInput: as `load_folder` does.
    """
    return _load("folder-on-black", root, BLACK, images, view)


def _load(kind: str, root: Path, background: int | None, part: int | None, view: View | None) -> Dataset:
    if not root.is_dir():
        raise BadInput(f"there is no folder {root}; give {kind}:PATH a tree of train/<class>/ and test/<class>/")
    name = with_view(f"{kind}:{root}", view)
    there = {which for which in ("train", "test") if (root / which).is_dir()}
    if "train" not in there or (part is not None and "test" in there):
        return _to_evaluate(name, root, there, background, part, view)
    trees = {which: scan(root / which) for which in ("train", "test")}
    classes = trees["train"].classes
    _check_classes(root, trees)
    images, notes = decoded_parts(root, trees, background, view)
    training, test = (
        Split(images[part], torch.tensor(tree.labels, dtype=torch.int64)) for part, tree in trees.items()
    )
    train, validation = hold_out_validation(training)
    channels, height, width = images["train"].shape[1:]
    return Dataset(
        name=name,
        num_classes=len(classes),
        shape=(channels, height, width),
        class_names=classes,
        train=train,
        validation=validation,
        test=test[balanced_order(test.labels)],
        notes=(*(_left_out(tree) for tree in trees.values() if tree.left_out), *notes),
    )


def _to_evaluate(
    name: str, root: Path, there: set[str], background: int | None, images: int | None, view: View | None
) -> Dataset:
    """The first test images alone: those in `root`/test, or in `root` itself where it is a flat tree of classes.

    Raises:
        BadInput: there is no such tree, or `root`/train has other classes.
    """
    place = root / "test" if there else root
    tree = scan(place)
    notes = [_left_out(tree)] if tree.left_out else []
    if len(tree.classes) < 2:
        inner = place / tree.classes[0]
        deeper = inner.is_dir() and any(entry.is_dir() for entry in inner.iterdir())
        hint = f"; are the classes in {inner}? Then name that" if deeper else ""
        raise BadInput(
            f"{tree.folder}: there is only one class, {tree.classes[0]}; classification needs two or more{hint}"
        )
    if not there and set(map(str.lower, tree.classes)) <= _PARTS:
        raise BadInput(
            f"{root} has the folders {', '.join(tree.classes)}, which are hardly classes; name the one to evaluate "
            f"on, such as folder:{root / tree.classes[0]}"
        )
    if "train" in there:
        train = scan(root / "train")
        _check_same_classes(root, train, tree)
        shared = shared_files(tree, images, train)
        if shared:
            are = "is also a training image" if shared == 1 else "are also training images"
            taken = min(len(tree.files), images or len(tree.files))
            notes.append(
                f"{name}: {shared:,} of {taken:,} test images {are}, byte by byte; how they are classified says "
                "little about new ones"
            )
    return first_pictures(name, tree, images, view, background, notes=notes)


def _left_out(tree: Tree) -> str:
    return f"{tree.folder}: {len(tree.files):,} pictures are used; left out: {tree.left_out}"


def _check_classes(root: Path, trees: dict[str, Tree]) -> None:
    _check_same_classes(root, trees["train"], trees["test"])
    classes = trees["train"].classes
    if len(classes) < 2:
        raise BadInput(f"{root}: there is only one class, {classes[0]}; classification needs two or more")
    counts = Counter(trees["train"].labels)
    for number, name in enumerate(classes):
        if counts[number] < 2:
            raise BadInput(f"{root / 'train' / name} has a single image; add one, as one is held out")


def _check_same_classes(root: Path, train: Tree, test: Tree) -> None:
    if differing := sorted(set(train.classes) ^ set(test.classes)):
        only = ", ".join(differing[:5])
        raise BadInput(f"{root}: train and test have different classes; only one of them has {only}")


def decoded_parts(
    root: Path, trees: dict[str, Tree], background: int | None, view: View | None
) -> tuple[dict[str, Tensor], list[str]]:
    """The images of each part and what to say of them, from the cache if these very files were decoded before."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    name = Path("decoded", f"{_fingerprint(root, trees, background, view)}.safetensors")
    try:
        return _kept(cache_root() / name)
    except (BadInput, OSError, SafetensorError, KeyError, ValueError):  # no home, not there, or not whole
        found = {part: decode(tree.files, background, view) for part, tree in trees.items()}
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


def _fingerprint(root: Path, trees: dict[str, Tree], background: int | None, view: View | None) -> str:
    """A digest of where the files lie, their names, sizes and times of change, and what is done to them."""
    listing = []
    for tree in trees.values():
        for file in tree.files:
            status = file.stat()
            listing.append([str(file.relative_to(root)), status.st_size, status.st_mtime_ns])
    seen = [str(view)] if view else []
    return digest([DECODER_VERSION, background, str(root.resolve()), listing, *seen])
