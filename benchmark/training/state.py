"""The state of a run: one file, replaced as a whole after every epoch, and kept where more epochs can follow."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmark.damage import Damaged, check_regular, naming
from benchmark.errors import BadInput
from benchmark.limits import CHECKPOINT
from benchmark.models.archive import read_archive
from benchmark.storage import write_atomic
from benchmark.training.identity import length, of_any_length


def state_path(out: Path, stem: str) -> Path:
    """Where the run whose files are called `stem` keeps its state."""
    return out / ".state" / f"{stem}.pt"


def kept_path(out: Path, stem: str) -> Path:
    """Where the state of that run is kept once it is finished."""
    return out / ".state" / "finished" / f"{stem}.pt"


class Begun(NamedTuple):
    """What the state of a run says of it.

    Attributes:
        identity: of the run.
        epoch: how many of its epochs are finished.
        name: what it is called; None if the file does not say it.
        any_length: whether those epochs are those of a run of any other number of epochs, too.
        seconds: that they took.
    """

    identity: dict[str, Any]
    epoch: int
    name: str | None
    any_length: bool
    seconds: float


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


def begun(path: Path, strict: bool) -> Begun | None:
    """What the state at `path` says of its run; None if there is none.

    Args:
        strict: whether a file that can't be read is an error, and not as good as none.

    Raises:
        BadInput: it can't be read.
    """
    try:
        content = read_state(path, build=False)
        with naming(path):
            name, epoch = content.get("name"), content["epoch"]
            if type(epoch) is not int:
                raise Damaged(f"{path}: its number of epochs is none")
            return Begun(
                content["identity"],
                epoch,
                None if name is None else str(name),
                content.get("any_length") is True,
                sum(float(row["seconds"]) for row in content.get("history", ())),
            )
    except FileNotFoundError:
        return None
    except Damaged as error:
        if strict:
            raise unreadable(path) from error
        return None


def load_state(path: Path, identity: dict[str, Any]) -> dict[str, Any] | None:
    """What was saved at `path` by the run of this `identity`, or by one with another number of epochs whose epochs
    are the same; None if nothing was.

    Raises:
        BadInput: the file is damaged, or belongs to a run with other settings (they are named).
    """
    try:
        content = read_state(path)
    except FileNotFoundError:
        return None
    except Damaged as error:
        raise unreadable(path) from error
    found, epoch = content["identity"], content.get("epoch")
    if content.get("any_length") is True and isinstance(epoch, int) and epoch <= length(identity):
        identity, found = of_any_length(identity), of_any_length(found)
    differing = sorted(key for key in {*identity, *found} if found.get(key) != identity.get(key))
    if differing:
        raise BadInput(
            f"can't resume from {path}: it was made with another {', '.join(differing)}; "
            "rerun the original command, or start from scratch with --overwrite"
        )
    return content


def finish(state: Path, kept: Path | None) -> None:
    """The run is finished: its state takes the place of one that is kept under its name; None for none."""
    if kept is None:
        kept_path(state.parent.parent, state.stem).unlink(missing_ok=True)
        state.unlink(missing_ok=True)
    else:
        kept.parent.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):  # another process made the same run, and was first
            state.replace(kept)


def unreadable(path: Path) -> BadInput:
    """What to do about a state that is damaged, or no state of this run whatever it says."""
    return BadInput(
        f"the training state {path} can't be read; start from scratch with --overwrite instead of --resume"
    )
