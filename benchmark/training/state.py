"""The state of an unfinished run: one file, replaced as a whole after every epoch."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from benchmark.damage import Damaged, check_regular, naming
from benchmark.errors import BadInput
from benchmark.limits import CHECKPOINT
from benchmark.models.archive import read_archive
from benchmark.storage import write_atomic


def state_path(out: Path, stem: str) -> Path:
    """Where the run whose files are called `stem` keeps its state."""
    return out / ".state" / f"{stem}.pt"


def save_state(path: Path, identity: dict[str, Any], content: dict[str, Any]) -> None:
    """Write tensors and plain values.

    Raises:
        BadInput: they could not be read again, or the file can't be written.
    """
    # Made in memory first: what a full disk makes torch's own writer raise is no OSError.
    buffer = io.BytesIO()
    torch.save({"identity": identity, **content}, buffer)
    try:
        read_archive(buffer, buffer.getbuffer().nbytes, build=False)
    except ValueError as error:
        raise BadInput(f"can't save the training state {path}: the file {error}") from error
    write_atomic(path, buffer.getvalue())


def read_state(path: Path, build: bool = True) -> dict[str, Any]:
    """All that was saved at `path`; nothing in it is run.

    Args:
        path: of the file.
        build: whether the tensors are wanted, too; without them a look at it costs little.

    Raises:
        FileNotFoundError: there is nothing.
        Damaged: it is no training state, or no longer one.
    """
    size = check_regular(path, CHECKPOINT)
    with naming(path), path.open("rb") as file:
        content = read_archive(file, size, build)
        if not isinstance(content, dict) or not isinstance(content.get("identity"), dict):
            raise Damaged(f"{path}: it is no training state")
    return content


def begun(path: Path, strict: bool) -> tuple[dict[str, Any], int, str | None] | None:
    """The identity of the run whose state is at `path`, how many of its epochs are finished, and what it is called if
    the file says so; None if there is none.

    Args:
        strict: whether a file that can't be read is an error, and not as good as none.

    Raises:
        BadInput: it can't be read.
    """
    try:
        content = read_state(path, build=False)
        with naming(path):
            name = content.get("name")
            return content["identity"], int(content["epoch"]), None if name is None else str(name)
    except FileNotFoundError:
        return None
    except Damaged as error:
        if strict:
            raise _unreadable(path) from error
        return None


def load_state(path: Path, identity: dict[str, Any]) -> dict[str, Any] | None:
    """What was saved at `path` by the run of this `identity`; None if nothing was.

    Raises:
        BadInput: the file is damaged, or belongs to a run with other settings (they are named).
    """
    try:
        content = read_state(path)
    except FileNotFoundError:
        return None
    except Damaged as error:
        raise _unreadable(path) from error
    found = content["identity"]
    differing = sorted(key for key in {*identity, *found} if found.get(key) != identity.get(key))
    if differing:
        raise BadInput(
            f"can't resume from {path}: it was made with another {', '.join(differing)}; "
            "rerun the original command, or start from scratch with --overwrite"
        )
    return content


def _unreadable(path: Path) -> BadInput:
    return BadInput(
        f"the training state {path} can't be read; start from scratch with --overwrite instead of --resume"
    )
