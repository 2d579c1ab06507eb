"""Code in disguise: whatever a checkpoint's file carries, none of it is run. Each payload would create a file."""

from __future__ import annotations

import io
import os
import pickle
import zipfile

import pytest
import torch

from benchmark.errors import BadInput
from benchmark.models import files, load_checkpoint, unpickle

FORMATS = (".pt", ".safetensors")


def refused(path, message: str) -> str:
    with pytest.raises(BadInput, match=message) as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


class Runs:
    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


def in_torch_zip(pickled: bytes, name="a/data.pkl") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, pickled)
        archive.writestr("a/version", "3\n")
    return buffer.getvalue()


def inst_opcode(mark) -> bytes:
    return b"(S'" + str(mark).encode() + b"'\nios\nmkdir\n."


def by_protocol(protocol: int):
    return lambda mark: pickle.dumps(Runs(mark), protocol)


@pytest.mark.parametrize(
    "disguise",
    [
        *(by_protocol(protocol) for protocol in range(6)),
        inst_opcode,
        lambda mark: in_torch_zip(pickle.dumps(Runs(mark), 2)),
        lambda mark: in_torch_zip(pickle.dumps({"format": files.FORMAT, "version": 1, "state": Runs(mark)}, 4)),
        lambda mark: in_torch_zip(inst_opcode(mark)),
        lambda mark: in_torch_zip(b"\x80\x02cbuiltins\nbytearray\n(J\xff\xff\xff\x7ftR."),
    ],
)
@pytest.mark.parametrize("suffix", FORMATS)
def test_nothing_in_a_file_is_run(tmp_path, disguise, suffix):
    mark, path = tmp_path / "mark", tmp_path / f"a{suffix}"
    path.write_bytes(disguise(mark))
    refused(path, "asks to run code")
    assert not mark.exists()


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_name_that_no_tensor_needs_leads_nowhere(tmp_path, monkeypatch, protocol):
    """Also where nobody looks through the instructions beforehand: the one who follows them knows no such name."""
    monkeypatch.setattr(unpickle, "foreign", lambda _: "")
    mark, path = tmp_path / "mark", tmp_path / "a.pt"
    path.write_bytes(in_torch_zip(pickle.dumps({"state": Runs(mark)}, protocol)))
    refused(path, r"asks to run code \(posix.mkdir\)|is damaged")
    assert not mark.exists()


def test_the_legacy_format_of_torch_is_not_trusted_either(tmp_path):
    mark, path = tmp_path / "mark", tmp_path / "a.pt"
    torch.save({"state": Runs(mark)}, path, _use_new_zipfile_serialization=False)
    refused(path, "is not a checkpoint|asks to run code")
    assert not mark.exists()
