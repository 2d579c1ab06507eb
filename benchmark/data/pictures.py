"""Trees of picture files: which there are, and what is in them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmark.data.dataset import LARGEST_SIDE, SMALLEST_SIDE
from benchmark.data.walk import SUFFIXES, LeftOut, classes_in, pictures_below
from benchmark.errors import BadInput

#: Pillow modes of more than 8 bits, which a conversion to RGB would cut off without a word.
DEEP_MODES = ("I", "F", "I;16", "I;16B", "I;16L")


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


def decode(files: Sequence[Path]) -> Tensor:
    """The pictures as RGB bytes, N×3×H×W uint8.

    Raises:
        BadInput: one can't be read, has another size than the first, or one that is out of bounds.
    """
    width, height = _size(files[0])
    if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in (width, height)):
        raise BadInput(
            f"{files[0]} has {width}×{height} pixels; "
            f"resize all images to one size with sides of {SMALLEST_SIDE} to {LARGEST_SIDE}"
        )
    pixels = np.empty((len(files), 3, height, width), dtype=np.uint8)

    def read(index: int) -> None:
        picture = _read(files[index], (width, height), files[0])
        pixels[index] = picture.transpose(2, 0, 1)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        try:
            for _ in threads.map(read, range(len(files))):
                pass
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    return torch.from_numpy(pixels)


def _size(path: Path) -> tuple[int, int]:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return picture.size
    except Exception as error:  # Pillow's decoders raise errors of many types for damaged files
        raise _unreadable(path, error) from error


def _read(path: Path, size: tuple[int, int], first: Path) -> np.ndarray:
    """One picture as H×W×3 bytes; its size is compared before anything is decoded."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            if picture.size == size and picture.mode not in DEEP_MODES:
                return np.asarray(picture.convert("RGB"))
            found, mode = picture.size, picture.mode
    except Exception as error:  # as above
        raise _unreadable(path, error) from error
    if found != size:
        raise BadInput(
            f"{path} has {found[0]}×{found[1]} pixels but {first} has {size[0]}×{size[1]}; "
            "resize all images to one size"
        )
    raise BadInput(f"{path} has more than 8 bits per channel (mode {mode}); convert it to 8 bits")


def _unreadable(path: Path, error: Exception) -> BadInput:
    return BadInput(f"{path} can't be read as an image ({error}); replace or remove it")
