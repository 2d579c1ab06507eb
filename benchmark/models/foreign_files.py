"""How to bring a network whose file is no checkpoint of this benchmark: by code of one's own that reads it."""

from __future__ import annotations

import json
import shlex
import zipfile
from contextlib import suppress
from pathlib import Path

from benchmark.models.foreign.hint import import_command

#: How much of a file's description is looked at, in bytes.
LOOKED_AT = 4 * 2**20

#: How files of torch.save begin that are older than its version 1.6.
_LEGACY = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"

#: How the pickle of a dictionary goes on after its protocol, and that of a state of weights.
_DICTIONARY, _STATE = b"}", b"ccollections\nOrderedDict\n"

_WITH_WEIGHTS = "network = MyNetwork(); network.load_state_dict({}); return network"

#: By kind of file: what it is, and what a function does that makes the network.
_WAYS = {
    "network": ("a network saved as a whole", "return torch.load({file}{trusting})"),
    "state": ("weights from elsewhere", _WITH_WEIGHTS.format("torch.load({file}{trusting})")),
    "dictionary": (
        "a training's file from elsewhere",
        _WITH_WEIGHTS.format('torch.load({file}{trusting})["state_dict"]'),
    ),
    "safetensors": ("weights from elsewhere", _WITH_WEIGHTS.format("safetensors.torch.load_file({file})")),
}


def way(path: Path, mark: str, runs_code: bool) -> str:
    """How to evaluate what is in the refused file at `path`, a sentence without its full stop; "" if nobody knows.

    Only the file's description of itself is looked at; nothing in it is run.

    Args:
        path: the file.
        mark: what files of this benchmark hold in their description: they have no other way.
        runs_code: whether reading it asks for code to be run.
    """
    kind = ""
    with suppress(Exception):  # whatever a broken file makes the libraries raise
        kind = _kind(path, mark.encode()) if path.is_file() else ""  # a pipe would wait for somebody
    if kind == "script":
        place = shlex.quote(f"torchscript:{path}")
        return f"to evaluate TorchScript, if you trust where it is from: bench evaluate {place} --trust-remote-code"
    if kind not in _WAYS:
        return ""
    with suppress(Exception):
        if command := import_command(path):
            return command
    what, body = _WAYS[kind]
    condition = "if you trust where it is from, " if runs_code else ""
    body = body.format(
        file=json.dumps(str(path), ensure_ascii=False), trusting=", weights_only=False" if runs_code else ""
    )
    return (
        f"to evaluate {what}, {condition}write a module mine.py with def make(): {body} - and name it as "
        "python:mine:make --trust-remote-code"
    )


def _kind(path: Path, mark: bytes) -> str:
    """What PyTorch, as a rule, would have written like this; "" for nothing that it writes, and for our own files."""
    with path.open("rb") as file:
        start = file.read(16)
        if start.startswith(_LEGACY[:16]):
            return "dictionary"
        if start[8:9] == b"{":
            file.seek(8)
            return "" if mark in file.read(min(int.from_bytes(start[:8], "little"), LOOKED_AT)) else "safetensors"
    if not start.startswith(b"PK\x03\x04"):
        return ""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if any("/code/" in name or name.endswith("/constants.pkl") for name in names):
            return "script"
        with archive.open(next(name for name in names if name.endswith("data.pkl"))) as entry:
            pickled = entry.read(LOOKED_AT)
    if mark in pickled:
        return ""
    after_protocol = pickled[2:]
    if after_protocol.startswith(_DICTIONARY):
        return "dictionary"
    return "state" if after_protocol.startswith(_STATE) else "network"
