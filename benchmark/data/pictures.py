"""Trees of picture files: which there are, and what is in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark import cores
from benchmark.data.dataset import LARGEST_SIDE, SMALLEST_SIDE
from benchmark.data.decoding import Size, read_picture, unreadable
from benchmark.data.view import View
from benchmark.data.walk import SUFFIXES, LeftOut, classes_in, pictures_below
from benchmark.errors import BadInput


@dataclass(frozen=True)
class Tree:
    """The pictures below `folder`, whose subfolders are the classes.

    Attributes:
        classes: the subfolders' names, sorted; a picture's label is its class's position here.
        files: every picture's path, class by class and sorted within.
        labels: one label per file.
        left_out: what else lies there, in words; "" if nothing does.
    """

    folder: Path
    classes: tuple[str, ...]
    files: tuple[Path, ...]
    labels: tuple[int, ...]
    left_out: str = ""


def scan(folder: Path) -> Tree:
    """The pictures in `folder`/<class>/..., by the rules of torchvision's ImageFolder, links followed.

    Unlike there, hidden files are passed over, no link is followed back to a folder that it is in, and what is left
    out is counted.

    Raises:
        BadInput: there is no such folder, no class in it, a class without pictures, or a link that leads to no class.
    """
    if not folder.is_dir():
        raise BadInput(f"there is no folder {folder}; pictures must lie in {folder}/<class>/")
    left_out = LeftOut(folder)
    classes = classes_in(folder, left_out)
    if not classes:
        raise BadInput(f"{folder} has no subfolders; put the pictures into one folder per class there")
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = pictures_below(folder / name, left_out)
        if not found:
            but = f"; left out: {left_out}" if left_out.found else ""
            raise BadInput(
                f"{folder / name} has no images ({', '.join(SUFFIXES)}); add some or remove the folder{but}"
            )
        files += found
        labels += [label] * len(found)
    return Tree(folder, tuple(classes), tuple(files), tuple(labels), str(left_out))


#: Makes an array of bytes of that shape.
Room = Callable[[tuple[int, ...]], NDArray[np.uint8]]


def in_memory(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Room in memory."""
    return np.empty(shape, np.uint8)


@dataclass(frozen=True)
class Decoded:
    """What is in several files.

    Attributes:
        pixels: N×3×H×W uint8, red, green and blue.
        grey: how many of them can hold no colour.
        from_cmyk: how many were made for print.
    """

    pixels: Tensor
    grey: int
    from_cmyk: int


def decode(
    files: Sequence[Path], background: int | None = None, view: View | None = None, room: Room = in_memory
) -> Decoded:
    """The pictures, read as `decoding.read_picture` does.

    Args:
        files: where they are; the size of the first is that of all.
        background: grey level behind what is not opaque; None refuses that.
        view: what is done to each of them.
        room: makes the array that the pixels are put into.

    Raises:
        BadInput: one can't be had as it is meant, has another size than the first, or one that is out of bounds.
    """
    size = _size(files[0], background, view)
    pixels = room((len(files), 3, size.height, size.width))

    def read(index: int) -> tuple[bool, bool]:
        picture = read_picture(files[index], background, size, view)
        pixels[index] = picture.pixels.transpose(2, 0, 1)
        return picture.is_grey, picture.from_cmyk

    with ThreadPoolExecutor(cores.available()) as threads:
        try:
            kinds = list(threads.map(read, range(len(files))))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    grey, from_cmyk = (sum(kind) for kind in zip(*kinds, strict=True))
    return Decoded(torch.from_numpy(pixels), grey, from_cmyk)


def _size(path: Path, background: int | None, view: View | None) -> Size:
    """The size of one picture when it stands upright; what is out of bounds is not decoded for that."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            width, height = picture.size
    except Exception as error:  # Pillow's decoders raise errors of many types for damaged files
        raise unreadable(path, error) from error
    if view is None and not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in (width, height)):
        raise BadInput(
            f"{path} has {width}×{height} pixels; "
            f"resize all images to one size with sides of {SMALLEST_SIDE} to {LARGEST_SIDE}, or have it done: "
            "--resize 256 --crop 224"
        )
    height, width, _ = read_picture(path, background, view=view).pixels.shape
    return Size(width, height, path)
