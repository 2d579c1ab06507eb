"""Files that are no files, and safetensors whose header lies."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

from hostile_making import hostile

# Files that are none.


@hostile(
    "checkpoint/pipe.pt", "records/pipe.safetensors", "manifest/pipe.json", "suite/pipe.yaml", "recipe/pipe.yaml"
)
def _(path):
    os.mkfifo(path)


@hostile("checkpoint/endless.pt", "suite/endless.yaml", "recipe/endless.yaml", "manifest/endless.json")
def _(path):
    path.symlink_to("/dev/zero")


@hostile("checkpoint/loop.pt", "suite/loop.yaml", "records/loop.safetensors")
def _(path):
    path.symlink_to(path)


@hostile(
    "checkpoint/folder.pt",
    "suite/folder.yaml",
    "records/folder.safetensors",
    "keepsake/folder.npz",
    "recipe/folder.yaml",
)
def _(path):
    path.mkdir()


@hostile("checkpoint/empty.pt", "records/empty.safetensors", "keepsake/empty.npz", "suite/empty.yaml")
def _(path):
    path.touch()


@hostile("checkpoint/sparse.pt", "manifest/sparse.json", "suite/sparse.yaml", "recipe/sparse.yaml")
def _(path):
    with path.open("wb") as file:
        file.truncate(2**40)


# safetensors.


def safetensors(path: Path, text: str | bytes, size: int | None = None, body: bytes = b"") -> None:
    text = text.encode() if isinstance(text, str) else text
    path.write_bytes(struct.pack("<Q", len(text) if size is None else size) + text + body)


@hostile("checkpoint/long-header.safetensors", "records/long-header.safetensors")
def _(path):
    safetensors(path, "{", 2**40)


@hostile("checkpoint/header-of-spaces.safetensors")
def _(path):
    safetensors(path, "{" + " " * 5 * 2**20 + "}")


@hostile("checkpoint/overflow.safetensors", "records/overflow.safetensors")
def _(path):
    tensor = {"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 8]}
    safetensors(path, json.dumps({"broken": tensor, "network.0.weight": tensor}), body=bytes(8))


@hostile("checkpoint/overlap.safetensors", "records/overlap.safetensors")
def _(path):
    tensor = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    safetensors(path, json.dumps({"broken": tensor, "distance": tensor}), body=bytes(8))


@hostile("checkpoint/nested.safetensors", "records/nested.safetensors")
def _(path):
    safetensors(path, '{"a":' * 10**5)
