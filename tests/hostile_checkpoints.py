"""Checkpoints that run code, unpack to more than they are, or claim what does not fit."""

from __future__ import annotations

import pickle
import struct
import zipfile

import torch
from hostile_making import CORPUS, Runs, checkpoint, header, hostile, laughs, mark, pickled, state, torch_zip

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


# Pickles that never end, or make more than they are.


@hostile("checkpoint/nested-key.pt")
def _(path):
    """A key that is a pair of pairs of pairs ...: to hash it takes 2^60 steps."""
    pairs = b"".join(b"q" + bytes([n]) + b"h" + bytes([n]) + b"\x86" for n in range(60))
    path.write_bytes(torch_zip(b"\x80\x02})" + pairs + b"K\x01s.", ("a/byteorder", b"little")))


@hostile("checkpoint/colliding-keys.pt")
def _(path):
    """250,000 numbers that all have one hash."""
    keys = b"".join(b"\x8a\x0b" + (n * (2**61 - 1)).to_bytes(11, "little") + b"N" for n in range(1, 250_000))
    path.write_bytes(torch_zip(b"\x80\x02}(" + keys + b"u."))


@hostile("checkpoint/many-small-things.pt")
def _(path):
    path.write_bytes(torch_zip(b"\x80\x02]" + b"]" * (2**22 - 10) + b"."))


@hostile("checkpoint/holds-itself.pt")
def _(path):
    """Its weights are the checkpoint: whoever follows all that is in it never ends."""
    whole = pickled(header(), {})
    assert whole.count(b"}(") == 2
    before, weights = whole[: whole.rindex(b"}(")].replace(b"\x80\x02}(", b"\x80\x02}q\x00("), b"h\x00u."
    path.write_bytes(torch_zip(before + weights))


@hostile("checkpoint/lists-in-lists.pt")
def _(path):
    """Two hundred thousand deep, which ends programs that look into each by a call of its own."""
    whole, deep = pickled(header(), {}), 200_000
    weights = b"]" * deep + b"a" * (deep - 1) + b"u."
    path.write_bytes(torch_zip(whole[: whole.rindex(b"}(")] + weights))


# Tensors that claim more than is stored.


def _claiming(path, key="0", stored=288, offset=0, shape=(32, 1, 3, 3), strides=(9, 9, 3, 1)):
    """The first weight alone, with 288 numbers that are there."""
    claim = ("FloatStorage", key, stored, offset, shape, strides)
    path.write_bytes(torch_zip(pickled(header(), {"network.0.weight": claim}), ("a/data/0", bytes(4 * 288))))


@hostile("checkpoint/a-storage-of-a-terabyte.pt")
def _(path):
    _claiming(path, stored=2**38)


@hostile("checkpoint/beyond-its-storage.pt")
def _(path):
    _claiming(path, offset=1)


@hostile("checkpoint/before-its-storage.pt")
def _(path):
    _claiming(path, strides=(9, 9, 3, -1), offset=2)


@hostile("checkpoint/steps-beyond-all-bounds.pt")
def _(path):
    """A dimension of one is never stepped over, so that any step stays within what is stored."""
    _claiming(path, shape=(32, 1, 3, 3), strides=(9, 2**70, 3, 1))


@hostile("checkpoint/one-number-for-all.pt")
def _(path):
    _claiming(path, shape=(2**40,), strides=(0,))


@hostile("checkpoint/numbers-that-overlap.pt")
def _(path):
    _claiming(path, shape=(128, 128), strides=(1, 1))


@hostile("checkpoint/a-storage-that-is-not-there.pt")
def _(path):
    _claiming(path, key="../0")


@hostile("checkpoint/one-storage-for-all.pt")
def _(path):
    """Every weight of the largest architecture is the same twenty megabytes; together they would be a gigabyte."""
    from benchmark.models import build

    with torch.device("meta"):
        wanted = build("wrn-70-16", num_classes=10, shape=(3, 32, 32), mean=(0.3,) * 3, std=(0.4,) * 3).state_dict()
    most = max(tensor.numel() for tensor in wanted.values())
    claims = {}
    for name, tensor in wanted.items():
        storage = ("FloatStorage", "0", most) if tensor.is_floating_point() else ("LongStorage", "1", 1)
        claims[name] = (*storage, 0, tuple(tensor.shape), tuple(tensor.stride()))
    about = header(architecture="wrn-70-16", shape=[3, 32, 32], mean=[0.3] * 3, std=[0.4] * 3)
    path.write_bytes(torch_zip(pickled(about, claims), ("a/data/0", bytes(4 * most)), ("a/data/1", bytes(8))))


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
