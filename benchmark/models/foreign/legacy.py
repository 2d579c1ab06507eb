"""Files that torch.save wrote before version 1.6, as most published robust networks are: pickles, then the numbers.

After three pickles that say what the file is come the one of what was saved and one of the storages' keys, and then
each storage: how many numbers it has, in eight bytes, and the numbers.
"""

from __future__ import annotations

from typing import Any, BinaryIO

import torch
from torch import Tensor

from benchmark.limits import HEADER
from benchmark.models.foreign.pickles import LenientMachine, understood
from benchmark.models.unpickle import Refused, Storage, Stored

#: How such a file begins: the pickle of torch's magic number.
MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e"

#: The version of this layout, the only one there was.
_VERSION = 1001


def read_legacy(file: BinaryIO, size: int) -> Any:
    """The plain values and tensors in the file, with an `Opaque` wherever something would have to be imported.

    Args:
        file: open for reading, and seekable.
        size: its length in bytes.

    Raises:
        Refused: it is damaged, or was written on a machine that stores numbers the other way round.
    """
    file.seek(0)
    head = file.read(2 * HEADER)
    wanted: dict[str, Stored] = {}

    def note(stored: Stored) -> Tensor:
        known = wanted.setdefault(stored.key, stored)
        if (known.dtype, known.numel) != (stored.dtype, stored.numel):
            raise Refused("is damaged (two of its tensors disagree about what they share)")
        return torch.empty(0)

    about, start = _pickles(head, 3, 0)
    if about[1] != _VERSION or not isinstance(about[2], dict) or about[2].get("little_endian") is not True:
        raise Refused("was written by a version of torch, or on a machine, that is not supported")
    machine = LenientMachine(head, note, start)
    understood(machine.step_through)
    (keys,), at = _pickles(head, 1, machine.at)
    storages = _storages(file, size, at, keys, wanted, machine.storages)

    def tensor(stored: Stored) -> Tensor:
        return storages[stored.key].as_strided(stored.shape, stored.stride, stored.offset)

    return understood(LenientMachine(head, tensor, start).step_through)


def _pickles(head: bytes, count: int, at: int) -> tuple[list[Any], int]:
    """The plain values of `count` pickles one after the other, and where the last one ends."""
    found = []
    for _ in range(count):
        machine = LenientMachine(head, lambda stored: torch.empty(0), at)
        found.append(understood(machine.step_through))
        at = machine.at
    return found, at


def _storages(
    file: BinaryIO, size: int, at: int, keys: Any, wanted: dict[str, Stored], mentioned: dict[str, Storage]
) -> dict[str, Tensor]:
    """The numbers of each storage that a tensor is made of; only as many bytes as the file has are ever allocated.

    What else is mentioned is stepped over.
    """
    if type(keys) is not list or len(set(map(str, keys))) != len(keys) or not wanted.keys() <= set(map(str, keys)):
        raise Refused("is damaged (it does not list what its tensors are made of)")
    found: dict[str, Tensor] = {}
    for key in map(str, keys):
        if key not in mentioned:
            raise Refused(
                "is damaged, or holds tensors of a kind that is not read here, such as quantised ones; save its "
                "weights as plain tensors"
            )
        about = mentioned[key]
        file.seek(at)
        numel = int.from_bytes(file.read(8), "little")
        nbytes = numel * about.dtype.itemsize
        if numel != about.numel or at + 8 + nbytes > size:
            raise Refused("is damaged (it breaks off, or a storage has another size than is said); download it again")
        at += 8 + nbytes
        if key not in wanted:
            continue
        content = torch.empty(nbytes, dtype=torch.uint8)
        if nbytes and file.readinto(content.numpy().data) != nbytes:  # type: ignore[attr-defined]
            raise Refused("is damaged (it breaks off); download it again")
        found[key] = content.view(wanted[key].dtype)
    return found
