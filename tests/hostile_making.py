"""What the makers of hostile files share: the list of them, and honest files to be spoilt."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch

#: File name → what makes it; the folder says through which door it is opened.
CORPUS: dict[str, Callable[[Path], object]] = {}


class Runs:
    """Makes a folder when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


def hostile(*names: str):
    """Registers what makes the files of these names, "door/file"."""

    def register(make: Callable[[Path], object]):
        for name in names:
            CORPUS[name] = make
        return make

    return register


def mark(path: Path) -> Path:
    """The folder that code would make if it ran."""
    return path.parents[1] / "mark" / path.name


def torch_zip(pickled: bytes, *more: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in (("a/data.pkl", pickled), ("a/version", b"3\n"), *more):
            archive.writestr(name, content)
    return buffer.getvalue()


def pickled(head: dict, tensors: dict[str, tuple], text: str | None = None) -> bytes:
    """The pickle of a checkpoint, instruction by instruction.

    Args:
        head: its header.
        tensors: by name, what each claims: kind of numbers, key of its storage, how many are stored there, offset,
            shape, strides.
        text: the header as it stands there, if not as JSON has it.
    """
    from benchmark.models.files import FORMAT

    def word(value: str) -> bytes:
        return b"X" + struct.pack("<I", len(value.encode())) + value.encode()

    def number(value: int) -> bytes:
        raw = pickle.encode_long(value)
        return b"\x8a" + bytes([len(raw)]) + raw

    def several(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(number, values)) + b"t"

    parts = [b"\x80\x02}(", word("format"), word(FORMAT), word("version"), number(1), word("header")]
    parts += [word(json.dumps(head) if text is None else text), word("state"), b"}("]
    for name, (kind, key, stored, offset, shape, strides) in tensors.items():
        parts += [word(name), b"ctorch._utils\n_rebuild_tensor_v2\n((", word("storage"), f"ctorch\n{kind}\n".encode()]
        parts += [word(key), word("cpu"), number(stored), b"tQ", number(offset), several(shape), several(strides)]
        parts += [b"\x89ccollections\nOrderedDict\n)RtR"]
    return b"".join([*parts, b"uu."])


def header(**changes) -> dict:
    texts = dict.fromkeys(("name", "dataset", "scale", "method", "network"), "digits")
    facts = {"architecture": "small-cnn", "num_classes": 10, "shape": [1, 8, 8], "mean": [0.3], "std": [0.4]}
    return {**texts, **facts, "recipe": {}, "seed": 0, **changes}


def state() -> dict[str, torch.Tensor]:
    from benchmark.models import build

    return build("small-cnn", num_classes=10, shape=(1, 8, 8), mean=(0.3,), std=(0.4,)).state_dict()


def checkpoint(path: Path, weights: object = None, **changes) -> None:
    from benchmark.models.files import FORMAT

    weights = state() if weights is None else weights
    torch.save({"format": FORMAT, "version": 1, "header": json.dumps(header(**changes)), "state": weights}, path)


def laughs(depth: int = 60) -> list:
    """A list of lists of lists ... that is small to write down and endless to print."""
    inner: list = ["ha"]
    for _ in range(depth):
        inner = [inner] * 10
    return inner
