"""Files of named arrays that lie beside a record: written whole, and read without running anything in them."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.damage import Damaged, check_regular, naming
from benchmark.errors import BadInput
from benchmark.limits import ARRAYS
from benchmark.storage import write_atomic


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write to `path`, an npz file, compressed, whole or not at all.

    Raises:
        BadInput: they take more room than is read, the folder can't be written or the disk is full.
    """
    size = sum(array.nbytes for array in arrays.values())
    if size > ARRAYS:
        raise BadInput(f"can't write {path}: its arrays would take {size:,} bytes, {ARRAYS:,} are the most")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_atomic(path, buffer.getvalue())


def read_arrays(path: Path, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """The arrays of the npz file at `path` that are called `names`; nothing in the file is run.

    Raises:
        FileNotFoundError: there is no such file.
        Damaged: its checksum is wrong, an array is missing, they are absurdly large, or it is something else.
    """
    check_regular(path, ARRAYS)
    with naming(path), path.open("rb") as file:
        with zipfile.ZipFile(file) as archive:
            _refuse_bombs(path, archive)
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names}


def _refuse_bombs(path: Path, archive: zipfile.ZipFile) -> None:
    """Raises Damaged for what would unpack, or claims, to be larger than any shard of images, all arrays together."""
    size = 0
    for entry in archive.infolist():
        with archive.open(entry) as file:
            version = np.lib.format.read_magic(file)
            shape, _, kind = np.lib.format.read_array_header_1_0(file)
            held, told = entry.file_size - file.tell(), math.prod(shape) * kind.itemsize
        size += max(held, told)
        if size > ARRAYS:
            raise Damaged(f"{path}: {entry.filename} claims to hold more than {ARRAYS:,} bytes, with those before it")
        if version != (1, 0) or (held != told and not kind.hasobject):
            raise Damaged(f"{path}: {entry.filename} claims to hold {told:,} bytes and has {held:,}")
