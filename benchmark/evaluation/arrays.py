"""Files of named arrays that lie beside a record: written whole, and read without running anything in them."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.evaluation.record import Damaged
from benchmark.storage import write_atomic

#: In bytes: what one array may unpack to; 250 images of 3×224×224 have 150 million.
LARGEST = 2**30


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write to `path`, an npz file, compressed, whole or not at all.

    Raises:
        BadInput: the folder can't be written or the disk is full.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_atomic(path, buffer.getvalue())


def read_arrays(path: Path, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """The arrays of the npz file at `path` that are called `names`; nothing in the file is run.

    Raises:
        FileNotFoundError: there is no such file.
        Damaged: its checksum is wrong, an array is missing or absurdly large, or it is something else.
    """
    try:
        _refuse_bombs(path)
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names}
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise Damaged(f"{path}: it can't be read ({type(error).__name__}: {error})") from error


def _refuse_bombs(path: Path) -> None:
    """Raises Damaged for what would unpack, or claims, to be larger than any shard of images."""
    if not path.is_file() and path.exists():
        raise Damaged(f"{path}: it is not a regular file")
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            with archive.open(entry) as file:
                np.lib.format.read_magic(file)
                shape, _, kind = np.lib.format.read_array_header_1_0(file)
            if max(entry.file_size, math.prod(shape) * kind.itemsize) > LARGEST:
                raise Damaged(f"{path}: {entry.filename} claims to hold more than {LARGEST:,} bytes")
