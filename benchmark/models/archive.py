"""The archives that torch.save writes, read by one reader that knows their layout and no other.

A zip file can be read in many ways: it may have two lists of contents, entries that overlap or that only one of the
lists mentions, names that differ by capitals. What one program checks is then not what another one loads. torch.save
writes its entries one after the other, stored as they are, then one list of them, and ends: whatever is laid out
otherwise is refused here, and what was checked is what is used.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

import torch
from torch import Tensor

from benchmark.limits import HEADER
from benchmark.models.unpickle import Refused, Stored, interpret

#: What is beside the pickle and the storages; none of it decides anything.
_SMALL = {"version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id"}
_STORAGE = re.compile(r"data/(\d{1,9})")

_END, _END_64, _LOCATOR = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
_LISTED, _LOCAL = struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s5H3L2H")

#: Flags: the checksum stands behind the content, the name is UTF-8.
_FLAGS = 0x0808
#: Bytes behind an entry's content that repeat its checksum and sizes.
_BEHIND = (16, 24)


class Entry(NamedTuple):
    """Where the content of an entry is: its first byte, its length, and its CRC-32."""

    start: int
    size: int
    checksum: int


def read_archive(
    file: BinaryIO,
    size: int,
    build: bool = True,
    follow: Callable[[bytes, Callable[[Stored], Tensor]], Any] = interpret,
) -> Any:
    """The plain values and tensors that torch.save wrote to `file`; nothing in it is run.

    Args:
        file: open for reading, and seekable.
        size: its length in bytes.
        build: whether to make the tensors; if not, it is only checked that they could be, and the memory is spared.
        follow: what makes of the pickle what it stands for; another than ours may leave something out.

    Raises:
        Refused: it is laid out otherwise, its checksums are wrong, or a tensor does not fit into what is stored.
        ForeignCode: it wants to import something.
    """
    entries = _entries(file, size)
    if "data.pkl" not in entries:
        raise Refused("is a zip archive but not a checkpoint; name a file that bench train made")
    if entries["data.pkl"].size > HEADER:
        raise Refused(f"has a header of more than {HEADER:,} bytes")
    if "byteorder" in entries and _content(file, entries["byteorder"]) != b"little":
        raise Refused("was written by a machine that stores numbers the other way round, which is not supported")
    storages: dict[str, Tensor] = {}

    def tensor(stored: Stored) -> Tensor:
        name = f"data/{stored.key}"
        held, asked = entries[name].size if name in entries else -1, stored.numel * stored.dtype.itemsize
        if held != asked:
            raise Refused(f"is damaged (its {name} has {max(held, 0):,} bytes, {asked:,} are asked for)")
        if name not in storages:
            storages[name] = _storage(file, entries[name]) if build else torch.empty(0)
        if not build:
            return storages[name]
        return storages[name].view(stored.dtype).as_strided(stored.shape, stored.stride, stored.offset)

    found = follow(_content(file, entries["data.pkl"]), tensor)
    for name in entries.keys() - storages.keys() - {"data.pkl"}:
        if name not in _SMALL and follow is interpret:
            raise Refused(f"is damaged (nothing uses its {name})")
        if name in _SMALL:
            _content(file, entries[name])  # that it is of no use is no reason for it to be damaged
    return found


def _entries(file: BinaryIO, size: int) -> dict[str, Entry]:
    """All entries by their names below the archive's own folder."""
    listing, count, end = _listing(file, size)
    found: dict[str, Entry] = {}
    folders = set()
    at = position = 0
    for _ in range(count):
        name, entry, start, position = _listed(listing, position)
        if entry.size > end - start:
            raise Refused(f"claims to hold more than its own {size:,} bytes; it was not loaded")
        content = _check_local(file, start, name)
        if not (start == at or (start - at in _BEHIND and _bytes(file, at, 4) == b"PK\x07\x08")):
            raise Refused("is not laid out as torch.save does it (its entries don't follow each other)")
        at = content + entry.size
        folder, _, inner = name.partition("/")
        folders.add(folder)
        if inner in found or len(folders) > 1:
            raise Refused(f"is not laid out as torch.save does it ({name[:100]!r} is there twice, or in two folders)")
        if inner != "data.pkl" and inner not in _SMALL and not _STORAGE.fullmatch(inner):
            raise Refused(
                f"is a zip archive but not a checkpoint ({name[:100]!r}); name a file that bench train made"
            )
        found[inner] = entry._replace(start=content)
    if position != len(listing) or not (at == end or end - at in _BEHIND):
        raise Refused("is not laid out as torch.save does it (something stands behind its entries)")
    return found


def _listing(file: BinaryIO, size: int) -> tuple[bytes, int, int]:
    """The list of contents, how many entries it has, and where it begins; it ends where the archive's end begins."""
    stop = size - _END.size
    mark, disk, first, here, count, length, begin, comment = _END.unpack(_bytes(file, stop, _END.size))
    if mark != b"PK\x05\x06" or comment or disk or first or here != count:
        raise Refused("is damaged and can't be read (it does not end as an archive does); copy or train it again")
    before = stop - _LOCATOR.size
    if before >= _END_64.size and _bytes(file, before, 4) == b"PK\x06\x07":
        _, disk, place, disks = _LOCATOR.unpack(_bytes(file, before, _LOCATOR.size))
        stop = before - _END_64.size
        short = (count, length, begin)
        mark, rest, _, _, other, first, here, count, length, begin = _END_64.unpack(_bytes(file, stop, _END_64.size))
        whole = (mark, rest, disk, disks, other, first, here) == (b"PK\x06\x06", _END_64.size - 12, 0, 1, 0, 0, count)
        same = all(few in (many, most) for few, many, most in zip(short, (count, length, begin), _MOST, strict=True))
        if not (whole and same and place == stop):
            raise Refused("is not laid out as torch.save does it (it ends in two ways)")
    if begin + length != stop or length > HEADER:
        raise Refused("is not laid out as torch.save does it (its list of contents is not at its end)")
    return _bytes(file, begin, length), count, begin


#: What the end of a long archive says in place of numbers that do not fit.
_MOST = (0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)


def _listed(listing: bytes, at: int) -> tuple[str, Entry, int, int]:
    """The entry that is listed at `at`: its name, what is said of its content, where it begins; where the next is."""
    if at + _LISTED.size > len(listing):
        raise Refused("is damaged and can't be read (its list of contents breaks off); copy or train it again")
    fields = _LISTED.unpack_from(listing, at)
    mark, _, _, flags, method, _, _, checksum, packed, size, name, extra, comment, disk, _, _, start = fields
    at += _LISTED.size
    more = at + name
    if mark != b"PK\x01\x02" or disk or comment or flags & ~_FLAGS or more + extra > len(listing):
        raise Refused("is damaged and can't be read (its list of contents is inconsistent); copy or train it again")
    if method:
        raise Refused("is a compressed archive, as checkpoints never are; it was not unpacked")
    size, packed, start = _long_numbers(listing[more : more + extra], (size, packed, start))
    if size != packed:
        raise Refused("is a compressed archive, as checkpoints never are; it was not unpacked")
    return listing[at:more].decode(errors="replace"), Entry(0, size, checksum), start, more + extra


def _long_numbers(extra: bytes, numbers: tuple[int, int, int]) -> tuple[int, ...]:
    """The numbers, with those that are too long for their place from where the long ones stand."""
    wanted = sum(number == 0xFFFFFFFF for number in numbers)
    if not wanted:
        return numbers
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == 1 and length >= 8 * wanted and len(extra) >= 4 + length:
            long = iter(struct.unpack_from(f"<{wanted}Q", extra, 4))
            return tuple(next(long) if number == 0xFFFFFFFF else number for number in numbers)
        extra = extra[4 + length :]
    raise Refused("is damaged and can't be read (the size of an entry is missing); copy or train it again")


def _check_local(file: BinaryIO, start: int, name: str) -> int:
    """Where the content of the entry that begins at `start` begins; what stands before it must name the same."""
    mark, _, flags, method, *_, name_size, extra = _LOCAL.unpack(_bytes(file, start, _LOCAL.size))
    found = _bytes(file, start + _LOCAL.size, name_size).decode(errors="replace")
    if mark != b"PK\x03\x04" or method or flags & ~_FLAGS or found != name:
        raise Refused("is not laid out as torch.save does it (an entry is not the one that is listed)")
    return start + _LOCAL.size + name_size + extra


def _storage(file: BinaryIO, entry: Entry) -> Tensor:
    """The bytes of a storage; only as many as the file has are ever allocated."""
    content = torch.empty(entry.size, dtype=torch.uint8)
    if entry.size:
        view = content.numpy().data
        file.seek(entry.start)
        if file.readinto(view) != entry.size or zlib.crc32(view) != entry.checksum:  # type: ignore[attr-defined]
            raise Refused("is damaged (its weights don't match their checksum); copy or train it again")
    return content


def _content(file: BinaryIO, entry: Entry) -> bytes:
    """The content of a small entry."""
    content = _bytes(file, entry.start, min(entry.size, HEADER))
    if len(content) != entry.size or zlib.crc32(content) != entry.checksum:
        raise Refused("is damaged (an entry does not match its checksum); copy or train it again")
    return content


def _bytes(file: BinaryIO, start: int, size: int) -> bytes:
    """`size` bytes from `start` on; what is not there is missing, which is what a broken-off file is refused for."""
    if start < 0:
        raise Refused("is damaged and can't be read (it is too short); copy or train it again")
    file.seek(start)
    content = file.read(size)
    if len(content) != size:
        raise Refused("is damaged and can't be read (it breaks off); copy or train it again")
    return content
