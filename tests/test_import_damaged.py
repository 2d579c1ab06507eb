"""Damaged files of other programs are refused in a sentence, wherever the damage is."""

from __future__ import annotations

import argparse
import pickle
import random
import struct
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from fixed_networks import fixed
from hostile_making import laughs, torch_zip

from benchmark import import_checkpoint
from benchmark.errors import BadInput
from benchmark.models.foreign import read_foreign
from benchmark.models.foreign.pickles import Opaque, follow
from benchmark.models.unpickle import Refused

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def legacy() -> bytes:
    saved = {"net": dict(fixed("natural").state), "args": argparse.Namespace(lr=0.1, tags={"a"}), "epoch": 3}
    torch.save(saved, "legacy.pth", _use_new_zipfile_serialization=False)
    return Path("legacy.pth").read_bytes()


def refused_or_taken(content: bytes) -> str:
    """What an import of the file is refused for; "" if it is taken."""
    Path("a.pth").write_bytes(content)
    told = ""
    try:
        import_checkpoint("a.pth", arch="small-cnn", dataset="digits", normalization="none", n=2)
    except BadInput as error:
        told = str(error)
    else:
        Path("zoo/a.pt").unlink()
    assert len(told) < 1500
    return told


def test_flipped_bytes_of_an_old_file_raise_nothing_else():
    """Old files have no checksums, so that what is wrong has to show itself, or is a number among others."""
    whole = legacy()
    numbers = random.Random(0)
    told = []
    for _ in range(20):
        spoilt = bytearray(whole)
        for _ in range(3):
            spoilt[numbers.randrange(6000)] = numbers.randrange(256)
        told.append(refused_or_taken(bytes(spoilt)))
    assert sum(map(bool, told)) > 5


@pytest.mark.parametrize("length", [0, 1, 14, 15, 40, 300, 3000, -5, -1])
def test_broken_off_files_are_refused(length):
    assert refused_or_taken(legacy()[:length])


def test_pickled_instructions_at_random_raise_nothing_else():
    numbers = random.Random(0)
    for _ in range(2000):
        with suppress(Refused):
            counted(b"\x80\x02" + numbers.randbytes(numbers.randrange(40)) + b".")


def counted(pickled: bytes) -> object:
    return follow(pickled, lambda stored: torch.empty(0))


def test_nothing_is_copied_over_and_over():
    """A list of pairs for each of many dictionaries, and one state for many objects: both are a few bytes."""
    pairs = b"\x80\x02(ccollections\nOrderedDict\nq\x00]q\x01(" + b"K\x01K\x02\x86" * 1000 + b"e\x85q\x02"
    with pytest.raises(Refused, match="more than it is"):
        counted(pairs + b"h\x00h\x02R" * 5000 + b"t.")
    state = b"\x80\x02(}q\x00(" + b"".join(b"X\x04\x00\x00\x00" + b"%04d" % n + b"N" for n in range(1000)) + b"u0"
    found = counted(state + b"ca\nb\n)Rh\x00b" * 1000 + b"t.")
    assert all(thing.parts[0] is found[0].parts[0] for thing in found if isinstance(thing, Opaque))


@pytest.mark.parametrize("name", [laughs(), "os"])
def test_names_are_words(name):
    with pytest.raises(Refused):
        counted(pickle.dumps(name, 4)[:-1] + b"]\x93.")


def test_networks_that_hold_themselves_end():
    """Groups of tensors in dictionaries that hold each other, and layers in circles."""
    loop = b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s."
    Path("loop.pth").write_bytes(torch_zip(loop, ("a/byteorder", b"little")))
    with pytest.raises(BadInput, match="holds no named tensors"):
        import_checkpoint("loop.pth", dataset="digits")
    circle = b"\x80\x02cmine\nNet\n)Rq\x00}(" + b"".join(
        b"X" + struct.pack("<I", len(key)) + key + value
        for key, value in ((b"_parameters", b"}"), (b"_modules", b"}X\x01\x00\x00\x00ah\x00s"))
    )
    Path("circle.pth").write_bytes(torch_zip(circle + b"ub.", ("a/byteorder", b"little")))
    with pytest.raises(BadInput, match="holds no named tensors"):
        import_checkpoint("circle.pth", dataset="digits")


def test_weights_that_are_whole_numbers_are_refused():
    state = {**fixed("natural").state, "network.14.weight": torch.ones(10, 256, dtype=torch.int8)}
    torch.save(state, "a.pth")
    with pytest.raises(BadInput, match=r"int8|is \[10"):
        import_checkpoint("a.pth", dataset="digits", normalization="none")


def test_what_would_be_imported_keeps_its_name_alone():
    torch.save({"args": argparse.Namespace(lr=0.1)}, "a.pth")
    opaque = read_foreign(Path("a.pth"))["args"]
    assert isinstance(opaque, Opaque)
    assert opaque.name == "argparse.Namespace"
    assert opaque.parts == [{"lr": 0.1}]
