"""What torch.save wrote is read as torch reads it, and what is laid out otherwise is not read."""

from __future__ import annotations

import io
import struct
from collections import OrderedDict

import pytest
import torch
from torch import nn

from benchmark.limits import HEADER
from benchmark.models import unpickle
from benchmark.models.archive import read_archive
from benchmark.models.unpickle import MOST, ForeignCode, Refused


def saved(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def read(content: bytes, build: bool = True) -> object:
    return read_archive(io.BytesIO(content), len(content), build)


def same(found: object, wanted: object) -> bool:
    """Whether two values are the same through and through; an OrderedDict is a dictionary, a Parameter a tensor."""
    if isinstance(wanted, torch.Tensor):
        alike = isinstance(found, torch.Tensor) and (found.dtype, found.stride()) == (wanted.dtype, wanted.stride())
        return alike and torch.equal(found, wanted)
    if isinstance(wanted, dict):
        return [*found] == [*wanted] and all(same(found[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list | tuple):
        return type(found) is type(wanted) and all(map(same, found, wanted)) and len(found) == len(wanted)
    return type(found) is type(wanted) and found == wanted


WEIGHT = torch.arange(24.0).view(2, 3, 4)
FLOATS, INTS = ["float64", "float32", "float16", "bfloat16"], ["int64", "int32", "int16", "int8", "uint8"]
PLAIN = [1, -1, 255, 65536, 2**40, -(2**70), 2.5, float("inf"), None, True, False, "é\n", "", ()]
VALUES = {
    "plain": {"a": PLAIN, 7: [[]]},
    "tuples": ((1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ({"x": ("y", [])},)),
    "long": {"list": list(range(5000)), "words": [str(n) for n in range(5000)], **{str(n): n for n in range(5000)}},
    "kinds": {kind: WEIGHT.to(getattr(torch, kind)) for kind in [*FLOATS, *INTS, "bool", "complex64"]},
    "views": [WEIGHT.transpose(0, 2), WEIGHT[1:], WEIGHT[..., 2], WEIGHT[:0], torch.tensor(3), torch.zeros(0, 5)],
    "shared": [WEIGHT, WEIGHT, WEIGHT[0]],
    "strided": torch.zeros(2, 3, 4, 5).to(memory_format=torch.channels_last),
    "network": nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).state_dict(),
    "parameter": OrderedDict(w=nn.Parameter(torch.ones(2))),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_come_back_as_torch_reads_them(name: str) -> None:
    content = saved(VALUES[name])
    assert same(read(content), torch.load(io.BytesIO(content), weights_only=True))
    read(content, build=False)


def test_a_resumed_optimiser_goes_on_as_it_would_have() -> None:
    layer = nn.Linear(3, 2)
    optimiser = torch.optim.RMSprop(layer.parameters(), lr=0.1, momentum=0.9)
    layer(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    again = torch.optim.RMSprop(layer.parameters(), lr=7.0)
    again.load_state_dict(read(saved(optimiser.state_dict())))
    assert same(again.state_dict(), optimiser.state_dict())


def listed(content: bytes) -> tuple[int, int, list[int]]:
    """Where the list of contents begins and ends, and where each of its entries does."""
    begin, end = content.index(b"PK\x01\x02"), content.index(b"PK\x06\x06")
    places = [begin]
    while (place := content.find(b"PK\x01\x02", places[-1] + 1)) >= 0:
        places.append(place)
    return begin, end, places


def written_long(content: bytes) -> bytes:
    """The same archive with its numbers where those of more than four gigabytes stand."""
    begin, end, places = listed(content)
    entries = b""
    for start, stop in zip(places, [*places[1:], end], strict=True):
        entry = bytearray(content[start:stop])
        packed, size = struct.unpack_from("<LL", entry, 20)
        (offset,) = struct.unpack_from("<L", entry, 42)
        extra = struct.pack("<HH", 0xCAFE, 1) + b"x" + struct.pack("<HHQQQ", 1, 24, size, packed, offset)
        struct.pack_into("<LL", entry, 20, 0xFFFFFFFF, 0xFFFFFFFF)
        struct.pack_into("<L", entry, 42, 0xFFFFFFFF)
        struct.pack_into("<H", entry, 30, len(extra))
        entries += entry + extra
    tail = bytearray(content[end:])
    struct.pack_into("<Q", tail, 40, len(entries))  # length of the list
    struct.pack_into("<Q", tail, 56 + 8, begin + len(entries))  # where its end begins
    struct.pack_into("<HHLL", tail, 56 + 20 + 8, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    return content[:begin] + entries + tail


def test_archives_of_many_gigabytes_are_listed_otherwise() -> None:
    wanted = {"w": WEIGHT}
    content = written_long(saved(wanted))
    assert same(torch.load(io.BytesIO(content), weights_only=True), wanted)
    assert same(read(content), wanted)
    with pytest.raises(Refused, match="the size of an entry is missing"):
        read(content.replace(struct.pack("<HH", 1, 24), struct.pack("<HH", 2, 24)))


CONTENT = saved({"w": WEIGHT, "e": torch.zeros(0)})


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda c: c[:-1], "can't be read"),
        (lambda c: c[:10], "too short"),
        (lambda c: c + b"x", "does not end as an archive does"),
        (lambda c: b"x" + c, "not laid out"),
        (lambda c: c[: listed(c)[0]] + b"x" + c[listed(c)[0] :], "ends in two ways"),
        (lambda c: c.replace(b"archive/data/0", b"archive/data/7"), "its data/0 has 0 bytes"),
        (lambda c: c.replace(b"archive/data/0", b"archive/../../0"[:14]), "is a zip archive but not a checkpoint"),
        (lambda c: c.replace(b"archive/version", b"archive/Version"), "is a zip archive but not a checkpoint"),
        (lambda c: c.replace(b"archive/version", b"brchive/version"), "twice, or in two folders"),
        (lambda c: c.replace(b"archive/version", b"archive/data/99"), "nothing uses its data/99"),
        (lambda c: c.replace(b"archive/version", b"archive/version", 1).replace(b"3\n", b"4\n"), "its checksum"),
        (lambda c: c.replace(b"little", b"bigend"), "does not match its checksum"),
        (lambda c: c.replace(WEIGHT.numpy().tobytes(), bytes(96)), "weights don't match their checksum"),
        (lambda c: c.replace(b"PK\x07\x08", b"PK\x07\x09", 1), "don't follow each other"),
    ],
)
def test_what_is_laid_out_otherwise_is_refused(spoil, reason: str) -> None:
    spoilt = spoil(CONTENT)
    assert spoilt != CONTENT
    with pytest.raises(Refused, match=reason):
        read(spoilt)


def test_numbers_of_another_machine_are_not_taken_for_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(sys, "byteorder", "big")
    content = saved(1)
    with pytest.raises(Refused, match="stores numbers the other way round"):
        read(content)


@pytest.mark.parametrize(
    "value", [nn.Linear(1, 1), torch.float32, torch.device("cpu"), {1.5}, torch.Size([1]), print, b"bytes"]
)
def test_what_is_no_plain_value_is_foreign(value: object) -> None:
    with pytest.raises(ForeignCode):
        read(saved({"a": value}))


def test_what_an_endless_pickle_asks_for_is_not_looked_for_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpickle, "MOST", 10)
    lists, run = b"\x80\x04" + b"]" * 9, b"cos\nsystem\n."
    assert unpickle.foreign(lists[:-1] + run) == "os.system"
    assert not unpickle.foreign(lists + run)


@pytest.mark.parametrize(("key", "kind"), [((1, 2), "tuple"), (1.5, "float"), (None, "NoneType"), (2**31, "int")])
def test_keys_are_words_or_small_numbers(key: object, kind: str) -> None:
    with pytest.raises(Refused, match=f"a key that is neither a word nor a small number: {kind}"):
        read(saved({key: 1}))


def test_the_bounds_hold_on_both_sides() -> None:
    longest = saved("x" * (HEADER - 20))
    assert len(read(longest)) == HEADER - 20
    for build in (True, False):
        with pytest.raises(Refused, match="has a header of more than"):
            read(saved("x" * HEADER), build)
        with pytest.raises(Refused, match=f"more than {MOST:,} instructions"):
            read(saved([None] * MOST), build)
