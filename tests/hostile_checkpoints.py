"""Checkpoints that run code, unpack to more than they are, or claim what does not fit."""

from __future__ import annotations

import pickle
import struct
import zipfile

import torch
from hostile_making import CORPUS, Runs, checkpoint, header, hostile, laughs, mark, state, torch_zip

# Pickles that run code, in disguises.

for protocol in range(6):
    CORPUS[f"checkpoint/bare-pickle-{protocol}.pt"] = lambda path, protocol=protocol: path.write_bytes(
        pickle.dumps(Runs(mark(path)), protocol)
    )
    CORPUS[f"checkpoint/zipped-pickle-{protocol}.pt"] = lambda path, protocol=protocol: path.write_bytes(
        torch_zip(pickle.dumps({"state": Runs(mark(path))}, protocol))
    )


@hostile("checkpoint/as-safetensors.safetensors")
def _(path):
    path.write_bytes(torch_zip(pickle.dumps(Runs(mark(path)))))


@hostile("checkpoint/inst.pt")
def _(path):
    path.write_bytes(torch_zip(b"(S'" + str(mark(path)).encode() + b"'\nios\nmkdir\n."))


@hostile("checkpoint/legacy.pt")
def _(path):
    torch.save({"state": Runs(mark(path))}, path, _use_new_zipfile_serialization=False)


@hostile("checkpoint/inside-the-state.pt")
def _(path):
    checkpoint(path, {**state(), "extra": Runs(mark(path))})


@hostile("checkpoint/second-pickle.pt")
def _(path):
    checkpoint(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Runs(mark(path))))


@hostile("checkpoint/large-allocation.pt")
def _(path):
    path.write_bytes(torch_zip(b"\x80\x02cbuiltins\nbytearray\n(J\xff\xff\xff\x7ftR."))


@hostile("checkpoint/whole-module.pt")
def _(path):
    torch.save(torch.nn.Linear(2, 2), path)


@hostile("checkpoint/torchscript.pt")
def _(path):
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)


# Archives that unpack to more than they are, or elsewhere.


@hostile("checkpoint/bomb.pt")
def _(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\0" * 2**27)


@hostile("checkpoint/false-sizes.pt")
def _(path):
    checkpoint(path)
    whole = bytearray(path.read_bytes())
    struct.pack_into("<II", whole, whole.rfind(b"PK\x01\x02") + 20, 2**31 - 1, 2**31 - 1)
    path.write_bytes(whole)


@hostile("checkpoint/climbing-entries.pt")
def _(path):
    up = "../" * 9
    path.write_bytes(torch_zip(b"\x80\x02}.", (f"{up}{mark(path)}", b"x"), (f"a/{up}tmp/evil", b"x")))


@hostile("checkpoint/many-entries.pt")
def _(path):
    path.write_bytes(torch_zip(b"\x80\x02}.", *((f"a/data/{n}", b"") for n in range(20_000))))


@hostile("checkpoint/endless-version.pt")
def _(path):
    from benchmark.models.files import FORMAT

    torch.save({"format": FORMAT, "version": laughs(), "header": "{}", "state": {}}, path)


@hostile("checkpoint/endless-state.pt")
def _(path):
    checkpoint(path, {"network.0.weight": laughs()})


@hostile("checkpoint/endless-format.pt")
def _(path):
    torch.save({"format": laughs(), "version": 1, "header": "{}", "state": {}}, path)


@hostile("checkpoint/nested-header.pt")
def _(path):
    from benchmark.models.files import FORMAT

    torch.save({"format": FORMAT, "version": 1, "header": "[" * 10**6, "state": {}}, path)


# Claims and weights that don't fit.


@hostile("checkpoint/a-billion-classes.pt")
def _(path):
    checkpoint(path, num_classes=10**9)


@hostile("checkpoint/images-of-a-terabyte.pt")
def _(path):
    checkpoint(path, shape=[16, 10**6, 10**5])


@hostile("checkpoint/most-classes.pt")
def _(path):
    checkpoint(path, architecture="wrn-70-16", num_classes=100_000, shape=[1, 1024, 1024])


@hostile("checkpoint/a-view-of-a-trillion.pt")
def _(path):
    checkpoint(path, {**state(), "network.0.weight": torch.zeros(1).expand(10**12)})


@hostile("checkpoint/not-numbers.pt")
def _(path):
    checkpoint(path, {key: value * float("nan") if value.dim() else value for key, value in state().items()})


@hostile("checkpoint/half.pt")
def _(path):
    checkpoint(path, {key: value.half() for key, value in state().items()})


@hostile("checkpoint/whole-numbers.pt")
def _(path):
    checkpoint(path, {key: value.long() for key, value in state().items()})


@hostile("checkpoint/complex.pt")
def _(path):
    checkpoint(path, {key: value * 1j if value.dim() else value for key, value in state().items()})


@hostile("checkpoint/not-numbers.safetensors")
def _(path):
    from benchmark.models.files import write_file

    write_file(
        path, header(), {key: value * float("nan") if value.dim() else value for key, value in state().items()}
    )


@hostile("checkpoint/climbing-names.safetensors")
def _(path):
    from benchmark.models.files import write_file

    write_file(path, header(), {f"../../..{mark(path)}/{key}": value for key, value in state().items()})


@hostile("checkpoint/no-pickle.pt")
def _(path):
    path.write_bytes(torch_zip(b"").replace(b"data.pkl", b"data.txt"))


@hostile("checkpoint/long-pickle.pt")
def _(path):
    path.write_bytes(torch_zip(b"\x80\x02." + bytes(5 * 2**20)))


@hostile("checkpoint/much-junk.pt")
def _(path):
    path.write_bytes(b"junk" * 2**21)


@hostile("checkpoint/surrogates-in-its-name.pt")
def _(path):
    checkpoint(path, name="\ud800")


@hostile("checkpoint/endless-name.pt")
def _(path):
    checkpoint(path, name="x" * 10**6)


@hostile("checkpoint/truncated.pt")
def _(path):
    checkpoint(path)
    path.write_bytes(path.read_bytes()[:-1000])
