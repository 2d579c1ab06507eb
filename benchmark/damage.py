"""One name for all that can go wrong when a file is read: it is damaged, and the message says which file and how."""

from __future__ import annotations

import errno
import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmark.errors import LONGEST, first_line

#: What the machine lacks for the moment, or forbids: another time, or to another user, the file may be whole.
_PASSING = {errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EPERM, errno.EIO, errno.EAGAIN}


class Damaged(Exception):
    """A file is not what was once written; the message begins with its path and says why."""


def is_passing(error: BaseException | None) -> bool:
    """Whether a file that could not be read may be whole: memory ran out, or permission was denied."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) in _PASSING:
            return True
        error = error.__cause__
    return False


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Within this context whatever fails is the reading of the file at `path`.

    Parsers raise errors of every kind for what a damaged file, or one made for the purpose, may hold: a list of kinds
    would always lack one.

    Raises:
        FileNotFoundError: there is no such file.
        Damaged: anything else that was raised.
    """
    try:
        yield
    except (FileNotFoundError, Damaged):
        raise
    except Exception as error:
        raise Damaged(f"{path}: it can't be read ({cause(error)})") from error


def cause(error: Exception) -> str:
    """What kind of error it is, and a line's beginning of what it says."""
    return f"{type(error).__name__}: {first_line(error)[: 2 * LONGEST]}"


def check_regular(path: Path, limit: int) -> int:
    """The size in bytes of the regular file at `path`: to open a named pipe would never end.

    Raises:
        FileNotFoundError: there is none.
        Damaged: it is no regular file, or has more than `limit` bytes.
    """
    with naming(path):
        status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise Damaged(f"{path}: it is not a regular file")
    if status.st_size > limit:
        raise Damaged(f"{path}: it has {status.st_size:,} bytes, {limit:,} are the most")
    return status.st_size


def parse_json(text: str, limit: int, finite: bool = True) -> Any:
    """The plain values in a JSON text.

    Args:
        text: from a file.
        limit: bytes that the file may have; of values it may hold one per eight of them, for in memory an empty list
            takes as much as sixty letters.
        finite: whether NaN and infinity, which JSON does not know but Python writes, are refused.

    Raises:
        ValueError: it is no JSON, has too many values, or one that is not finite.
        RecursionError: its values are nested too deeply.
    """
    values = sum(map(text.count, ",[{"))
    if values > limit // 8:
        raise ValueError(f"it holds {values:,} values, {limit // 8:,} are the most")
    return json.loads(text, parse_constant=_refuse if finite else None)


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not allowed here")
