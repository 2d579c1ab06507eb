"""Checkpoint files, read as untrusted input: `.pt` (torch's zip) and `.safetensors`.

Neither reader runs code or allocates much more than the file's own size, whatever the file claims.
"""

from __future__ import annotations

import io
import json
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmark.damage import cause, parse_json
from benchmark.errors import LONGEST, BadInput
from benchmark.limits import CHECKPOINT, HEADER
from benchmark.models.archive import read_archive
from benchmark.models.unpickle import ForeignCode, Refused, foreign
from benchmark.storage import digest, write_atomic
from benchmark.tensors import tensor_digest

FORMAT = "robustness-benchmark checkpoint"
VERSION = 1


def write_file(path: Path, header: dict[str, Any], state: dict[str, Tensor]) -> Path:
    """Write plain values and named tensors to `path`; its suffix chooses the format.

    Raises:
        BadInput: the file can't be written, or would be refused when it is read.
    """
    text = header_text(header)
    # Made in memory first: what a full disk makes the libraries' own writers raise is no OSError.
    if path.suffix == ".safetensors":
        from safetensors.torch import save

        metadata = {"format": FORMAT, "version": str(VERSION), "header": text, "sha256": _checksum(text, state)}
        content = save(state, metadata)
    else:
        buffer = io.BytesIO()
        torch.save({"format": FORMAT, "version": VERSION, "header": text, "state": state}, buffer)
        content = buffer.getvalue()
    try:
        _check_written(path, content)
    except (Refused, ForeignCode) as problem:
        raise BadInput(
            f"can't save {path}: the file {problem}; what is told about the network takes {len(text):,} bytes, "
            "most of them its history"
        ) from problem
    return write_atomic(path, content)


def _check_written(path: Path, content: bytes) -> None:
    """Raises Refused if the file would be refused when it is read."""
    if path.suffix != ".safetensors":
        read_archive(io.BytesIO(content), len(content), build=False)
    elif safetensors_header_size(content) > HEADER:
        raise Refused(_TOO_LONG)
    if len(content) > CHECKPOINT:
        raise Refused(f"has {len(content):,} bytes, checkpoints have 1 to {CHECKPOINT:,}")


_TOO_LONG = f"has a header of more than {HEADER:,} bytes"


def header_text(header: dict[str, Any]) -> str:
    """The plain values of a checkpoint as they stand in the file."""
    return json.dumps(header, separators=(",", ":"))


def read_file(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The plain values and named tensors of the checkpoint at `path`, still to be checked for sense.

    Raises:
        BadInput: it is no readable checkpoint of this version.
    """
    size, start = look(path)
    try:
        if start.startswith(b"PK\x03\x04"):
            payload = _read_pt(path, size)
        elif 8 < safetensors_header_size(start) + 8 <= size and start[8:9] == b"{":
            payload = _read_safetensors(path, safetensors_header_size(start))
        else:
            _refuse_bare_pickle(path, size)
            payload = None
        if not isinstance(payload, dict) or payload.get("format") != FORMAT:
            raise BadInput(
                f"{path} is not a checkpoint of this benchmark; "
                "to evaluate another network, name it as python:MODULE:CALLABLE"
            )
        if payload["version"] != VERSION:
            found = payload["version"] if isinstance(payload["version"], int) else "unknown"
            raise BadInput(
                f"{path} has checkpoint format version {found}, this program reads {VERSION}; "
                "use the release that wrote it, or train it again"
            )
        header, state = dict(parse_json(payload["header"], HEADER, finite=False)), dict(payload["state"])
    except BadInput:
        raise
    except Exception as error:  # the libraries raise all kinds of errors for what a damaged file may hold
        raise BadInput(f"{path} is damaged and can't be read; copy or train it again ({cause(error)})") from error
    if len(header_text(header)) > HEADER:  # numbers such as 1e15 are longer when they are written out
        raise BadInput(f"{path} {_TOO_LONG}; it was not loaded")
    return header, state


def look(path: Path) -> tuple[int, bytes]:
    """The size of the file at `path` in bytes, and how it starts."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise BadInput(f"{path} is a folder; name the checkpoint files in it, such as {path / '*.pt'}")
        if not stat.S_ISREG(status.st_mode):
            raise BadInput(f"{path} is not a regular file; name a checkpoint file")
        if not 0 < status.st_size <= CHECKPOINT:
            raise BadInput(
                f"{path} has {status.st_size:,} bytes, checkpoints have 1 to {CHECKPOINT:,}; copy or train it again"
            )
        with path.open("rb") as file:
            return status.st_size, file.read(16)
    except FileNotFoundError as error:
        raise BadInput(f"there is no checkpoint {path}; check the path, or make it with bench train") from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise BadInput(f"can't read {path}: {getattr(error, 'strerror', None) or error}") from error


def _read_pt(path: Path, size: int) -> Any:
    with path.open("rb") as file:
        try:
            payload = read_archive(file, size)
        except Refused as problem:
            raise BadInput(f"{path} {problem}") from problem
        except ForeignCode as problem:
            raise _wanting(path, problem.name) from problem
    state = payload.get("state") if isinstance(payload, dict) else None
    if not isinstance(state, dict):  # what it is instead, and that there is one, is for the caller to say
        return payload
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise BadInput(f"{path}: the checkpoint's {f'state.{name}'[:LONGEST]!r} is wrong: no tensor with a name")
    if sum(tensor.numel() * tensor.element_size() for tensor in state.values()) > size:
        raise BadInput(f"{path} claims to hold more than its own {size:,} bytes; it was not loaded")
    return payload


def safetensors_header_size(content: bytes) -> int:
    """How long the header of a safetensors file that begins so is, in bytes."""
    return int.from_bytes(content[:8], "little")


def _read_safetensors(path: Path, header_size: int) -> dict[str, Any]:
    from safetensors import safe_open

    if header_size > HEADER:
        raise BadInput(f"{path} {_TOO_LONG}; it was not loaded")
    with safe_open(path, "pt", device="cpu") as file:
        metadata = file.metadata() or {}
        if metadata.get("format") != FORMAT:
            return {}
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (it is no mapping)
    # Files of the first versions have no checksum.
    if "sha256" in metadata and metadata["sha256"] != _checksum(metadata["header"], state):
        raise BadInput(f"{path} is damaged (its checksum does not match); copy or train it again")
    return {**metadata, "version": int(metadata["version"]), "state": state}


def _checksum(header: str, state: dict[str, Tensor]) -> str:
    return digest([header, tensor_digest(state)])


def _refuse_bare_pickle(path: Path, size: int) -> None:
    """Nothing made here is a bare pickle; say whether it is one that wanted to run something."""
    wanted = ""
    if size <= HEADER:
        with suppress(ValueError):  # not a pickle either
            wanted = foreign(path.read_bytes())
    if wanted:
        raise _wanting(path, wanted)


def _wanting(path: Path, name: str) -> BadInput:
    return BadInput(f"{path} is a pickle that asks to run code ({name.replace(' ', '.')[:100]}); it was not loaded")
