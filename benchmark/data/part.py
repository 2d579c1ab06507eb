"""The first pictures of a tree, which alone are read: decoded into a file that is mapped into memory, and kept."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.cache import cache_root
from benchmark.data.dataset import Dataset
from benchmark.data.decoding import GREY, PALETTE, read_picture, unreadable
from benchmark.data.orders import balanced_order
from benchmark.data.pictures import Decoded, Tree, decode
from benchmark.data.view import View
from benchmark.errors import BadInput, notice
from benchmark.storage import digest, write_atomic

#: Part of the cache's key: to be raised whenever the same files would be decoded differently.
DECODER_VERSION = 1


def first_pictures(
    name: str,
    tree: Tree,
    images: int | None,
    view: View | None = None,
    background: int | None = None,
    scale: str = "",
    notes: Sequence[str] = (),
) -> Dataset:
    """The first pictures of a tree in a fixed, seeded, class-balanced order, as data to evaluate on.

    Args:
        name: what the data is called.
        tree: where the pictures are.
        images: so many at most; None for all.
        view: what is done to each.
        background: grey level behind what is not opaque; None refuses that.
        scale, notes: of the dataset.

    Raises:
        BadInput: there is only one class, or one of these pictures can't be read as it is meant.
    """
    labels = torch.tensor(tree.labels, dtype=torch.int64)
    order = balanced_order(labels)[:images]
    files = [tree.files[place] for place in order.tolist()]
    decoded = _decoded(tree.folder, files, background, view)
    pixels, said = decoded.pixels, []
    is_grey = decoded.grey == len(files)
    if is_grey and all(_is_grey(file) for file in tree.files):  # as one channel only if all others are, too
        pixels = pixels[:, :1]
    elif decoded.grey:
        said.append(
            f"{tree.folder}: {decoded.grey:,} of {len(files):,} pictures are grey and others are in colour; the grey "
            "ones were given three equal channels"
        )
    if decoded.from_cmyk:
        said.append(
            f"{tree.folder}: {decoded.from_cmyk:,} of {len(files):,} pictures are made for print (CMYK); their "
            "colours were turned to RGB without a colour profile"
        )
    return Dataset.of_test_images(name, pixels, labels[order], tree.classes, scale, (*notes, *said))


def shared_files(tree: Tree, images: int | None, train: Tree) -> int:
    """How many of the first pictures are also training images, byte by byte; only files of one size are compared."""
    order = balanced_order(torch.tensor(tree.labels, dtype=torch.int64))[:images]
    asked = [tree.files[place] for place in order.tolist()]
    sizes: dict[int, list[Path]] = {}
    for file in asked:
        sizes.setdefault(os.stat(file).st_size, []).append(file)
    learnt = {digest(file.read_bytes()) for file in train.files if os.stat(file).st_size in sizes}
    return sum(digest(file.read_bytes()) in learnt for file in asked) if learnt else 0


def _is_grey(path: Path) -> bool:
    """Whether a picture can hold no colour, from its header alone where that tells."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            mode = picture.mode
    except Exception as error:  # Pillow's decoders raise errors of many types for damaged files
        raise unreadable(path, error) from error
    return read_picture(path).is_grey if mode in PALETTE else mode in GREY


def _decoded(folder: Path, files: Sequence[Path], background: int | None, view: View | None) -> Decoded:
    """The pictures, from the cache if these very files were decoded before."""
    try:
        kept = cache_root() / "decoded" / f"{_fingerprint(folder, files, background, view)}.npy"
    except BadInput:  # no home
        return decode(files, background, view)
    found = _kept(kept, len(files))
    if found is not None:
        return found
    result: list[Decoded] = []

    def write(path: Path) -> None:
        def room(shape: tuple[int, ...]) -> NDArray[np.uint8]:
            array: NDArray[np.uint8] = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
            if hasattr(os, "posix_fallocate"):  # on a full disk writing to mapped memory would end the process
                with path.open("rb+") as file:
                    os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
            return array

        result.append(decode(files, background, view, room))

    try:
        write_atomic(kept, write)
        told = {"grey": result[0].grey, "from_cmyk": result[0].from_cmyk}
        write_atomic(kept.with_suffix(".json"), json.dumps(told))
    except BadInput as error:
        if not result:  # no room, or a picture that can't be read: which it is shows without a file
            result.append(decode(files, background, view))
        notice(f"the decoded images of {folder} are not kept for next time: {error}")
    return _kept(kept, len(files)) or result[0]


def _kept(path: Path, images: int) -> Decoded | None:
    """What was decoded before, mapped into memory; None where nothing whole is there."""
    try:
        told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if array.dtype != np.uint8 or array.ndim != 4 or array.shape[:2] != (images, 3):
            return None
        return Decoded(_mapped(array), int(told["grey"]), int(told["from_cmyk"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _mapped(array: NDArray[np.uint8]) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it can't be written to: nobody does
        return torch.from_numpy(array)


def _fingerprint(folder: Path, files: Sequence[Path], background: int | None, view: View | None) -> str:
    """A digest of where the files lie, their names, sizes and times of change, and what is done to them."""
    listing = []
    for file in files:
        status = file.stat()
        listing.append([str(file.relative_to(folder)), status.st_size, status.st_mtime_ns])
    seen = str(view) if view else None
    return digest(["part", DECODER_VERSION, background, seen, str(folder.resolve()), listing])
