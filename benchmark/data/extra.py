"""Images that are trained on beside the data set's own, such as a million generated ones: read as they are drawn.

Only an .npz file is taken, with arrays `image` and `label` as the field distributes them (Rebuffi et al. 2021,
arXiv:2103.01946; Wang et al. 2023, arXiv:2302.04638), or called as the training images of `npz:FILE` may be.
"""

from __future__ import annotations

import hashlib
import shutil
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmark.cache import at_home, cache_root
from benchmark.data.arrays import check_range, labels_of
from benchmark.data.dataset import Dataset
from benchmark.data.doubts import marks
from benchmark.data.npz import NAMES, TEST, TRAIN, Header, count_of, header_of, pair_of, reading
from benchmark.errors import BadInput, notice, short
from benchmark.storage import canonical_json, digest, write_atomic

#: Rows read in one go where all of them are looked at.
CHUNK = 4096
#: How long what stands before the name of an entry of a zip file is, and where the lengths of what follows are told.
_LOCAL, _LENGTHS = 30, slice(26, 30)


class Place(NamedTuple):
    """Where an array lies in a file, row after row: the position of its first byte, its shape and kind of numbers."""

    path: Path
    start: int
    shape: tuple[int, ...]
    kind: str


@dataclass(frozen=True)
class ExtraImages:
    """Images and labels in a file, of which only those that are asked for are in memory.

    Attributes:
        name: "npz:FILE".
        place: of the images.
        channels_last: whether they are N×H×W×C.
        shape: (C, H, W).
        labels: N class indices, int64.
        digest: SHA-256 (hex) of images and labels.
        test_images, validation_images: how many of them are test or held-out images of the data set, pixel by pixel.
    """

    name: str
    place: Place
    channels_last: bool
    shape: tuple[int, int, int]
    labels: Tensor
    digest: str = ""
    test_images: int = 0
    validation_images: int = 0

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """The images (float32 in [0, 1], N×C×H×W) and labels at `index`, on the CPU."""
        rows, size = index.tolist(), self._row_size
        with self.place.path.open("rb") as file:
            content = b"".join(_at(file, self.place.start + row * size, size) for row in rows)
        return _as_float(self._images(content, len(rows))), self.labels[index.cpu()]

    def chunks(self) -> Iterator[tuple[bytes, Tensor]]:
        """All images in their order, some at a time: as they lie in the file, and as N×C×H×W in their own numbers."""
        with self.place.path.open("rb") as file:
            for first in range(0, len(self), CHUNK):
                count = min(CHUNK, len(self) - first)
                content = _at(file, self.place.start + first * self._row_size, count * self._row_size)
                yield content, self._images(content, count)

    @property
    def _row_size(self) -> int:
        return int(np.prod(self.place.shape[1:])) * np.dtype(self.place.kind).itemsize

    def _images(self, content: bytes, count: int) -> Tensor:
        kind = np.dtype(self.place.kind)
        array = np.frombuffer(content, kind).reshape(count, *self.place.shape[1:])
        images = torch.from_numpy(array.astype(kind.newbyteorder("="), copy=True))
        if self.channels_last:
            images = images.reshape(count, *self.shape[1:], self.shape[0]).permute(0, 3, 1, 2)
        images = images.reshape(count, *self.shape)
        return images if images.dtype == torch.uint8 else images.float()


def load_extra(name: str | Path, dataset: Dataset) -> ExtraImages:
    """The images and labels that `name` says, checked against the data set they are trained on with.

    Args:
        name: "npz:FILE".
        dataset: whose classes and image shape they must have; its test and held-out images are looked for among them,
            and what is found is said.

    Raises:
        BadInput: it is something else, or does not fit.
    """
    kind, _, file = str(name).partition(":")
    if kind != "npz" or not file:
        raise BadInput(f"extra data {short(str(name))}: only npz:FILE is taken, with arrays image and label")
    path = at_home(file)
    if not path.is_file():
        raise BadInput(f"extra data: there is no file {path}")
    found = _opened(path, f"npz:{file}", dataset)
    total, seen = hashlib.sha256(), {"test": 0, "validation": 0}
    total.update(canonical_json([*found.place.shape, found.place.kind, found.channels_last]).encode())
    total.update(found.labels.numpy().tobytes())
    known = {which: set(marks(getattr(dataset, which).images)) for which in seen}
    like = dataset.test.images.dtype
    with reading(path):
        for content, images in found.chunks():
            total.update(content)
            if images.dtype != torch.uint8:
                check_range(images, str(path))
            for mark in marks(_as(images, like)):
                for which in seen:
                    seen[which] += mark in known[which]
    for which, words in (
        ("test", f"test images of {dataset.name}"),
        ("validation", f"held-out images of {dataset.name}, by which weights are selected"),
    ):
        if seen[which]:
            notice(f"{path}: {seen[which]:,} of {len(found):,} extra images are {words}")
    return replace(found, digest=total.hexdigest(), test_images=seen["test"], validation_images=seen["validation"])


def _opened(path: Path, name: str, dataset: Dataset) -> ExtraImages:
    with reading(path), zipfile.ZipFile(path) as archive:
        headers = {key: header for entry in archive.infolist() for key, header in header_of(path, archive, entry)}
        pair = pair_of(headers, (*TRAIN, *TEST[2:]))
        if pair is None:
            there = ", ".join(headers) or "nothing"
            raise BadInput(
                f"{path} has {short(there)}; extra data are arrays image and label, the latter pseudo-labels where "
                "there are no others"
            )
        pixels, labels = pair
        if pixels.is_fortran or labels.is_fortran:
            raise BadInput(f"{path}: its arrays are in Fortran's order; save them with np.ascontiguousarray")
        if not count_of(path, pair):
            raise BadInput(f"{path}: {pixels.entry.filename} holds no images")
        if pixels.kind.kind not in "f" and pixels.kind != np.uint8:
            raise BadInput(f"{path}: images are {pixels.kind}; give uint8, or floating-point numbers in [0, 1]")
        channels_last = _layout(path, pixels.shape, dataset)
        numbers = np.frombuffer(archive.read(labels.entry)[labels.start :], labels.kind).reshape(labels.shape)
        classes = labels_of(numbers, pixels.shape[0], f"{path}: {labels.entry.filename}").cpu()
        if int(classes.max()) >= dataset.num_classes:
            raise BadInput(
                f"{path}: labels run up to {int(classes.max())}, but {dataset.name} has the classes 0 to "
                f"{dataset.num_classes - 1}"
            )
        _check_names(path, archive, headers, dataset)
        place = _placed(path, archive, pixels)
    return ExtraImages(name, place, channels_last, dataset.shape, classes)


def _layout(path: Path, shape: tuple[int, ...], dataset: Dataset) -> bool:
    """Whether images of that shape are N×H×W×C."""
    channels, *sides = dataset.shape
    if shape[1:] == dataset.shape or (channels == 1 and list(shape[1:]) == sides):
        return False
    if list(shape[1:]) == [*sides, channels]:
        return True
    told, own = ("×".join(map(str, each)) for each in (shape[1:], dataset.shape))
    raise BadInput(f"{path}: images are {told}, and those of {dataset.name} are {own}; bring them to one size")


def _check_names(path: Path, archive: zipfile.ZipFile, headers: dict[str, Header], dataset: Dataset) -> None:
    """Refuse labels that say of themselves that they mean something else."""
    named = next((headers[key] for key in NAMES if key in headers), None)
    if named is None or named.kind.kind != "U" or named.entry.file_size > 2**22:
        return
    words = np.frombuffer(archive.read(named.entry)[named.start :], named.kind).reshape(named.shape).tolist()
    if tuple(words) != tuple(dataset.class_names):
        raise BadInput(
            f"{path}: its classes are {short(', '.join(map(str, words)))}, and those of {dataset.name} are "
            f"{short(', '.join(dataset.class_names))}, in this order; put its labels right"
        )


def _placed(path: Path, archive: zipfile.ZipFile, header: Header) -> Place:
    """Where the array's rows can be read one by one: in the file itself, or in an unpacked copy that is kept."""
    entry = header.entry
    if entry.compress_type == zipfile.ZIP_STORED and not entry.flag_bits & 1:
        with path.open("rb") as file:
            lengths = struct.unpack("<2H", _at(file, entry.header_offset, _LOCAL)[_LENGTHS])
        return Place(path, entry.header_offset + _LOCAL + sum(lengths) + header.start, header.shape, header.kind.str)
    status = path.stat()
    mark = digest([str(path.resolve()), status.st_size, status.st_mtime_ns, entry.filename, entry.CRC])
    kept = cache_root() / "extra" / f"{mark}.npy"

    def unpack(target: Path) -> None:
        with archive.open(entry) as packed, target.open("wb") as file:
            shutil.copyfileobj(packed, file, 2**22)

    if not (kept.is_file() and kept.stat().st_size == entry.file_size):
        notice(f"{path} is compressed; its images ({entry.file_size / 1e9:.1f} GB) are unpacked to {kept}, once")
        write_atomic(kept, unpack)
    return Place(kept, header.start, header.shape, header.kind.str)


def _at(file: object, start: int, size: int) -> bytes:
    file.seek(start)  # type: ignore[attr-defined]
    content: bytes = file.read(size)  # type: ignore[attr-defined]
    if len(content) != size:
        raise BadInput(f"{getattr(file, 'name', 'the extra data')} has become shorter while it is read; make it anew")
    return content


def _as_float(images: Tensor) -> Tensor:
    return images.float().div_(255) if images.dtype == torch.uint8 else images


def _as(images: Tensor, kind: torch.dtype) -> Tensor:
    """Images in the numbers of the data set, so that equal ones are found."""
    if kind == torch.uint8 and images.dtype != torch.uint8:
        return (images * 255).round().clamp(0, 255).to(torch.uint8)
    return images if kind == torch.uint8 else _as_float(images)
