"""Images and labels in an .npz file of NumPy: arrays are read as far as they are used, and nothing in it is run."""

from __future__ import annotations

import math
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.data.arrays import MOST_CLASSES, UnclearLayout
from benchmark.data.dataset import LARGEST_SIDE, Dataset
from benchmark.errors import BadInput, first_line, short

#: What test images and their labels are called, in the order in which they are looked for; capitals don't matter.
TEST = (("test_images", "test_labels"), ("x_test", "y_test"), ("images", "labels"), ("x", "y"), ("image", "label"))
TRAIN = (("train_images", "train_labels"), ("x_train", "y_train"))
NAMES = ("classes", "class_names")

#: What to do where a file's layout can't be told: no option of a command says it.
IN_PYTHON = "in Python say which: benchmark.Dataset.from_arrays(images, labels, layout='NCHW'), or layout='NHWC'"

#: More images, or more numbers in one of them, are not believed.
MOST_IMAGES, MOST_VALUES = 10**8, 16 * LARGEST_SIDE**2


def load_npz(root: Path, download: bool, images: int | None = None) -> Dataset:
    """Arrays in an .npz file: use as npz:FILE. The images keep their order.

    Test images and labels are called test_images and test_labels, x_test and y_test, images and labels, or x and
    y; what to train on, if anything, train_images and train_labels, or x_train and y_train; the names of the classes,
    if there are any, classes. Images are N×C×H×W, N×H×W×C or N×H×W, uint8 or floating-point in [0, 1]. No scale of
    published radii is theirs, and there is nothing to `download`.

    Args:
        root: the file.
        download: without meaning here.
        images: of the test images the first so many are read, and no training images; None for all of both.

    Raises:
        BadInput: there is no such file, it holds no such arrays, they are objects or larger than they can be.
    """
    if not root.is_file():
        raise BadInput(f"there is no file {root}; npz:FILE names an .npz file with images and labels")
    with reading(root), zipfile.ZipFile(root) as archive:
        headers = {name: header for entry in archive.infolist() for name, header in header_of(root, archive, entry)}
        test = pair_of(headers, TEST)
        if test is None:
            there = ", ".join(headers) or "nothing"
            raise BadInput(f"{root} has {short(there)}; name its arrays images and labels, or x_test and y_test")
        pixels, labels = _read(root, archive, test, images)
        train = pair_of(headers, TRAIN) if images is None else None
        learnt = None if train is None else _read(root, archive, train, None)
        named = _classes(root, archive, headers)
    classes = named or _count(labels, learnt)
    labels = labels[: len(pixels)]
    name = f"npz:{root}"
    try:
        found = Dataset.from_arrays(pixels, labels, name=name, classes=classes, train=learnt)
    except UnclearLayout as error:
        raise UnclearLayout(f"{root}: {error.what}", IN_PYTHON) from error
    except BadInput as error:
        raise BadInput(str(error) if str(root) in str(error) else f"{root}: {error}") from error
    return replace(found, counted=named is None)


class Header(NamedTuple):
    """What an array in the file says of itself.

    Attributes:
        entry: where it is.
        shape, kind: of the array.
        is_fortran: whether its first index runs fastest.
        start: bytes before its numbers.
    """

    entry: zipfile.ZipInfo
    shape: tuple[int, ...]
    kind: np.dtype[Any]
    is_fortran: bool
    start: int


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Within this context whatever fails is the reading of that file."""
    try:
        yield
    except BadInput:
        raise
    except MemoryError as error:
        raise BadInput(f"{path}: its arrays don't fit into memory; read fewer images with --n") from error
    except (
        OSError,
        ValueError,
        RuntimeError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
    ) as error:
        raise BadInput(
            f"{path} can't be read as an .npz file ({type(error).__name__}: {first_line(error)})"
        ) from error


def header_of(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[tuple[str, Header]]:
    """The header of an entry under its name, if it is an array.

    Raises:
        BadInput: it claims to hold more or less than it does.
    """
    if not entry.filename.endswith(".npy"):
        return
    name = entry.filename.removesuffix(".npy")
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, is_fortran, kind = read(file)
        start = file.tell()
    held, told = entry.file_size - start, math.prod(shape) * kind.itemsize
    if kind.hasobject:
        raise BadInput(f"{path}: {short(name)} holds Python objects, which are not read; save it as plain numbers")
    if held != told:
        raise BadInput(f"{path}: {short(name)} claims to hold {told:,} bytes and has {held:,}; it is damaged")
    yield name, Header(entry, shape, kind, is_fortran, start)


def pair_of(headers: Mapping[str, Header], names: tuple[tuple[str, str], ...]) -> tuple[Header, Header] | None:
    """The arrays of the first pair of these names that is there."""
    lower = {name.lower(): header for name, header in headers.items()}
    return next(((lower[x], lower[y]) for x, y in names if x in lower and y in lower), None)


def _read(
    path: Path, archive: zipfile.ZipFile, pair: tuple[Header, Header], images: int | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The first images of a pair, with all labels, which tell how many classes there are.

    Raises:
        BadInput: they are not as many as each other, or too large.
    """
    pixels, labels = pair
    count = count_of(path, pair)
    rows = count if images is None else min(images, count)
    return _rows(path, archive, pixels, rows), _rows(path, archive, labels, count)


def count_of(path: Path, pair: tuple[Header, Header]) -> int:
    """How many images and labels there are, as their headers say, before any of them is read.

    Raises:
        BadInput: they are not as many as each other, or larger than images and labels can be.
    """
    pixels, labels = pair
    lengths = [header.shape[0] if header.shape else 0 for header in pair]
    if lengths[0] != lengths[1]:
        raise BadInput(
            f"{path}: {pixels.entry.filename} has {lengths[0]:,} images but {labels.entry.filename} {lengths[1]:,} "
            "labels"
        )
    if lengths[0] > MOST_IMAGES or math.prod(pixels.shape[1:]) > MOST_VALUES:
        told = "×".join(map(str, pixels.shape))
        raise BadInput(f"{path}: {pixels.entry.filename} claims to hold {told} numbers, more than images can have")
    if labels.kind.itemsize * math.prod(labels.shape[1:]) > 64:
        raise BadInput(
            f"{path}: {labels.entry.filename} is no list of labels, one per image; of scores take argmax(1)"
        )
    return lengths[0]


def _rows(path: Path, archive: zipfile.ZipFile, header: Header, rows: int) -> NDArray[Any]:
    """The first rows of an array; all of it is read where they are not together.

    Raises:
        BadInput: they are more than the machine has memory for.
    """
    wanted = header.shape[0] if header.is_fortran else rows
    size = wanted * math.prod(header.shape[1:]) * header.kind.itemsize
    if size > _memory():
        raise BadInput(f"{path}: {header.entry.filename} takes {size:,} bytes, more than this machine's memory")
    with archive.open(header.entry) as file:
        file.read(header.start)
        content = file.read(size)
    flat = np.frombuffer(content, header.kind)
    shape = (wanted, *header.shape[1:])
    return (flat.reshape(shape, order="F") if header.is_fortran else flat.reshape(shape))[:rows]


def _memory() -> int:
    """Bytes of memory that this machine has; much, where nobody knows."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**36


def _count(labels: NDArray[Any], learnt: tuple[NDArray[Any], NDArray[Any]] | None) -> int | None:
    """How many classes there are by the labels; None where these are none, which is said when they are taken."""
    every = [labels, *([] if learnt is None else [learnt[1]])]
    if not all(each.size and each.dtype.kind in "iu" for each in every):
        return None
    largest = max(int(each.max()) for each in every)
    return max(2, largest + 1) if largest < MOST_CLASSES else None


def _classes(path: Path, archive: zipfile.ZipFile, headers: Mapping[str, Header]) -> tuple[str, ...] | None:
    """The names of the classes, if they are there."""
    header = next((headers[name] for name in NAMES if name in headers), None)
    if header is None:
        return None
    if header.kind.kind not in "US" or len(header.shape) != 1 or header.entry.file_size > 2**22:
        raise BadInput(f"{path}: {header.entry.filename} is no list of names, as np.array of words is")
    names = _rows(path, archive, header, header.shape[0])
    return tuple(name.decode() if isinstance(name, bytes) else name for name in names.tolist())
