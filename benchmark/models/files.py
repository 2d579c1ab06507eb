"""Checkpoint files, read as if a stranger had made them: `.pt` (torch's zip) and `.safetensors`.

Neither reader runs code or allocates much more than the file's own size, whatever the file claims.
"""

from __future__ import annotations

import io
import json
import pickletools
import re
import stat
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmark.errors import BadInput
from benchmark.storage import digest, tensor_digest, write_atomic

FORMAT = "robustness-benchmark checkpoint"
VERSION = 1

#: Bounds in bytes: the largest architecture has 1.1 GB of weights, a long history some hundred kB.
LARGEST_FILE, LARGEST_HEADER = 8 * 2**30, 4 * 2**20

#: The only names a checkpoint's pickle may mention: what torch rebuilds plain tensors from.
HARMLESS = re.compile(
    r"collections OrderedDict|torch [A-Z][A-Za-z0-9]+Storage|torch._utils _rebuild_(tensor_v2|parameter)"
)

#: Pickle opcodes that import or call by other ways than a plain GLOBAL; torch writes none of them.
CALLING = {"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID"}


def write_file(path: Path, header: dict[str, Any], state: dict[str, Tensor]) -> Path:
    """Write plain values and named tensors to `path`; its suffix chooses the format.

    Raises:
        BadInput: the file can't be written.
    """
    text = json.dumps(header)
    # Made in memory first: what a full disk makes the libraries' own writers raise is no OSError.
    if path.suffix == ".safetensors":
        from safetensors.torch import save

        metadata = {"format": FORMAT, "version": str(VERSION), "header": text, "sha256": _checksum(text, state)}
        return write_atomic(path, save(state, metadata))
    content = io.BytesIO()
    torch.save({"format": FORMAT, "version": VERSION, "header": text, "state": state}, content)
    return write_atomic(path, content.getvalue())


def read_file(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The plain values and named tensors of the checkpoint at `path`, still to be checked for sense.

    Raises:
        BadInput: it is no readable checkpoint of this version.
    """
    size, start = _look(path)
    try:
        if start.startswith(b"PK\x03\x04"):
            payload = _read_pt(path, size)
        elif 8 < int.from_bytes(start[:8], "little") + 8 <= size and start[8:9] == b"{":
            payload = _read_safetensors(path, int.from_bytes(start[:8], "little"))
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
        return dict(json.loads(payload["header"])), dict(payload["state"])
    except BadInput:
        raise
    except Exception as error:  # the libraries raise all kinds of errors for what a damaged file may hold
        raise BadInput(f"{path} is damaged and can't be read; copy or train it again ({_brief(error)})") from error


def _look(path: Path) -> tuple[int, bytes]:
    """The size of the file at `path` in bytes, and how it starts."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise BadInput(f"{path} is a folder; name the checkpoint files in it, such as {path / '*.pt'}")
        if not stat.S_ISREG(status.st_mode):
            raise BadInput(f"{path} is not a regular file; name a checkpoint file")
        if not 0 < status.st_size <= LARGEST_FILE:
            raise BadInput(
                f"{path} has {status.st_size:,} bytes, checkpoints have 1 to {LARGEST_FILE:,}; copy or train it again"
            )
        with path.open("rb") as file:
            return status.st_size, file.read(16)
    except FileNotFoundError as error:
        raise BadInput(f"there is no checkpoint {path}; check the path, or make it with bench train") from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise BadInput(f"can't read {path}: {getattr(error, 'strerror', None) or error}") from error


def _read_pt(path: Path, size: int) -> Any:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise BadInput(f"{path} is a compressed archive, as checkpoints never are; it was not unpacked")
        if sum(entry.file_size for entry in entries) > size:
            raise BadInput(f"{path} claims to hold more than its own {size:,} bytes; it was not loaded")
        pickles = [entry for entry in entries if entry.filename.endswith(".pkl")]
        if not pickles:
            raise BadInput(f"{path} is a zip archive but not a checkpoint; name a file that bench train made")
        if any(entry.file_size > LARGEST_HEADER for entry in pickles):
            raise BadInput(f"{path} has a header of more than {LARGEST_HEADER:,} bytes; it was not loaded")
        for entry in pickles:
            _refuse_code(path, archive.read(entry))
        # torch writes checksums but never looks at them.
        if rotten := archive.testzip():
            raise BadInput(f"{path} is damaged ({rotten} does not fit its checksum); copy or train it again")
    return torch.load(path, map_location="cpu", weights_only=True)


def _read_safetensors(path: Path, header_size: int) -> dict[str, Any]:
    from safetensors import safe_open

    if header_size > LARGEST_HEADER:
        raise BadInput(f"{path} has a header of more than {LARGEST_HEADER:,} bytes; it was not loaded")
    with safe_open(path, "pt", device="cpu") as file:
        metadata = file.metadata() or {}
        if metadata.get("format") != FORMAT:
            return {}
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (it is no mapping)
    # Files of the first versions have no checksum.
    if "sha256" in metadata and metadata["sha256"] != _checksum(metadata["header"], state):
        raise BadInput(f"{path} is damaged (its content does not fit its checksum); copy or train it again")
    return {**metadata, "version": int(metadata["version"]), "state": state}


def _checksum(header: str, state: dict[str, Tensor]) -> str:
    return digest([header, tensor_digest(state)])


def _refuse_bare_pickle(path: Path, size: int) -> None:
    """Nothing made here is a bare pickle; say whether it is one that wanted to run something."""
    if size <= LARGEST_HEADER:
        try:
            _refuse_code(path, path.read_bytes())
        except ValueError:  # not a pickle either
            return


def _refuse_code(path: Path, pickled: bytes) -> None:
    """Read a pickle's instructions, without following them, up to its end.

    Raises:
        ValueError: it is no pickle.
        BadInput: it is one that would import something.
    """
    wanted = ""
    strings: list[str] = []
    for opcode, argument, _ in pickletools.genops(pickled):
        if isinstance(argument, str):
            strings = [*strings[-1:], argument]
        if opcode.name in CALLING or (opcode.name == "GLOBAL" and not HARMLESS.fullmatch(str(argument))):
            name = str(argument) if opcode.name in ("GLOBAL", "INST") else " ".join(strings)
            wanted = wanted or name or opcode.name
    if wanted:
        raise BadInput(
            f"{path} is a pickle that asks to run code ({wanted.replace(' ', '.')[:100]}); it was not loaded"
        )


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else 'no message'}"
