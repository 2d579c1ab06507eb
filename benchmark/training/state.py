"""The state of an unfinished run: one file, replaced as a whole after every epoch."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from benchmark.errors import BadInput
from benchmark.storage import write_atomic


def state_path(out: Path, stem: str) -> Path:
    """Where the run whose files are called `stem` keeps its state."""
    return out / ".state" / f"{stem}.pt"


def save_state(path: Path, identity: dict[str, Any], content: dict[str, Any]) -> None:
    """Write tensors and plain values, so that reading them back runs no code."""
    # Made in memory first: what a full disk makes torch's own writer raise is no OSError.
    buffer = io.BytesIO()
    torch.save({"identity": identity, **content}, buffer)
    write_atomic(path, buffer.getvalue())


#: What a file that is no training state, or no longer one, makes its readers raise.
_UNREADABLE = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    RuntimeError,
    EOFError,
    KeyError,
    TypeError,
    ValueError,
    OSError,
)


def begun(path: Path, strict: bool) -> tuple[dict[str, Any], int, str | None] | None:
    """The identity of the run whose state is at `path`, how many of its epochs are finished, and what it is called if
    the file says so; None if there is none.

    Args:
        strict: whether a file that can't be read is an error, and not as good as none.

    Raises:
        BadInput: it can't be read.
    """
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        name = content.get("name")
        return dict(content["identity"]), int(content["epoch"]), None if name is None else str(name)
    except _UNREADABLE as error:
        if strict:
            raise _unreadable(path) from error
        return None


def load_state(path: Path, identity: dict[str, Any]) -> dict[str, Any] | None:
    """What was saved at `path` by the run of this `identity`; None if nothing was.

    Raises:
        BadInput: the file is damaged, or belongs to a run with other settings (they are named).
    """
    if not path.exists():
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip():  # torch itself does not look at the checksums it wrote
                raise ValueError("its content does not fit its checksum")
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        found = content["identity"]
    except _UNREADABLE as error:
        raise _unreadable(path) from error
    differing = sorted(key for key in identity if found.get(key) != identity[key])
    if differing:
        raise BadInput(
            f"can't resume from {path}: it was made with another {', '.join(differing)}; "
            "repeat the command as it was, or begin anew with --overwrite"
        )
    return content


def _unreadable(path: Path) -> BadInput:
    return BadInput(f"the training state {path} can't be read; begin anew with --overwrite in place of --resume")
