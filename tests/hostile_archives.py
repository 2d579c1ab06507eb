"""Archives that two programs would read in two ways: what one of them checks is not what the other one loads."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile

from hostile_making import Runs, checkpoint, header, hostile, mark, pickled, torch_zip


@hostile("checkpoint/two-lists-of-contents.pt")
def _(path):
    """Behind an honest archive, a comment's length away from the end, stands another list of contents."""
    checkpoint(path)
    honest = path.read_bytes()
    other = torch_zip(pickle.dumps(Runs(mark(path))))
    path.write_bytes(honest[:-2] + struct.pack("<H", len(other)) + other)


def parts(content: bytes) -> tuple[bytes, bytearray, bytes]:
    """An archive's entries, its list of contents, and its end."""
    begin, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    return content[:begin], bytearray(content[begin:end]), content[end:]


@hostile("checkpoint/two-lists-and-one-end.pt")
def _(path):
    """Counted from the beginning, its list is that of a header of 700 megabytes; from the end, a harmless one.

    Python's zipfile counts from the end, torch from the beginning.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("a/data.pkl", "w") as file:
            for _ in range(700):
                file.write(bytes(2**20))
        archive.writestr("a/version", "3\n")
    large, listed_large, _ = parts(buffer.getvalue())
    small, listed_small, end = parts(torch_zip(b"\x80\x02}."))
    at = listed_small.find(b"PK\x01\x02")
    while at >= 0:
        (place,) = struct.unpack_from("<L", listed_small, at + 42)
        struct.pack_into("<L", listed_small, at + 42, len(large) + place - len(listed_large))
        at = listed_small.find(b"PK\x01\x02", at + 1)
    end = bytearray(end)
    struct.pack_into("<L", end, 16, len(large) + len(small))
    path.write_bytes(large + small + listed_large + listed_small + end)


@hostile("checkpoint/behind-another.pt")
def _(path):
    """Offsets count from where the archive begins, or from where the file does."""
    checkpoint(path)
    path.write_bytes(torch_zip(b"\x80\x02}.") + path.read_bytes())


@hostile("checkpoint/capitals.pt")
def _(path):
    checkpoint(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("capitals/DATA.PKL", pickle.dumps(Runs(mark(path))))


@hostile("checkpoint/another-name-before-its-content.pt")
def _(path):
    whole = torch_zip(pickle.dumps(Runs(mark(path))), ("a/byteorder", b"little"))
    path.write_bytes(whole.replace(b"a/data.pkl", b"a/data.txt", 1))


@hostile("checkpoint/one-content-for-many.pt")
def _(path):
    """Two hundred entries in the list, all of which are the same four megabytes of the file."""
    whole = torch_zip(pickled(header(), {}), *((f"a/data/{n}", b"" if n else bytes(2**22)) for n in range(200)))
    first = whole.index(b"PK\x01\x02", whole.index(b"a/data/199"))
    listed = bytearray(whole[first:])
    one, *others = (listed.index(f"a/data/{n}".encode()) - 46 for n in range(200))
    for at in others:
        for part in (slice(16, 28), slice(42, 46)):  # checksum and sizes, and where it begins
            listed[at + part.start : at + part.stop] = listed[one + part.start : one + part.stop]
    path.write_bytes(whole[:first] + listed)
