"""Files that are whole or absent, and names made of what things contain."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput
from benchmark.moved import look_up


def write_atomic(path: str | Path, content: bytes | str | Callable[[Path], object]) -> Path:
    """Write `content` to `path` so that a reader finds the old file, the new one, or none: never half.

    Who may read it, the process's umask says, as of any file that a program makes.

    Args:
        path: where the file shall be; missing parent folders are made.
        content: the bytes or text, or a function that writes them to the temporary path it is given.

    Raises:
        BadInput: the folder can't be written or the disk is full; what was at `path` is still there.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = make_part(path)
        permissions = stat.S_IMODE(temporary.stat().st_mode)
        if callable(content):
            content(temporary)
        else:
            # What is no character, as in a file name of stray bytes, appears as its code, so that two names stay two.
            whole = content.encode(errors="backslashreplace") if isinstance(content, str) else content
            temporary.write_bytes(whole)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(permissions)  # what wrote it may have made another file of that name
        os.replace(temporary, path)
    except OSError as error:
        raise BadInput(
            f"can't write {path}: {error.strerror or error}; choose another folder or free some space"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return path


def part_of(path: Path) -> Path:
    """A temporary name beside `path`, which `bench doctor` knows as such."""
    return path.parent / f".{path.name[:80]}.{secrets.token_hex(4)}.part"


def make_part(path: Path) -> Path:
    """A new file of such a name. The umask says who may read it; those of `tempfile` are for one user alone."""
    part = part_of(path)
    part.touch(exist_ok=False)
    return part


def check_replaced(path: Path, kind: str, is_one: Callable[[Path], bool]) -> None:
    """Refuse to write over a file that the caller named by mistake, a checkpoint perhaps.

    Args:
        path: of the file to be written.
        kind: what it will be, for the message.
        is_one: whether a file is such a one already, which may be replaced, as may an empty one; what it can't read
            is none.

    Raises:
        BadInput: there is something else.
    """
    try:
        if not os.path.lexists(path) or (path.is_file() and (not path.stat().st_size or is_one(path))):
            return
    except (OSError, ValueError, zipfile.BadZipFile):  # ValueError: no text
        pass
    raise BadInput(f"{path} is there already and is no {kind}; it is not replaced: choose another name")


def sync_folder(folder: Path) -> None:
    """Return when the names in `folder` are safe on the disk, where the system knows how to do that."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    except OSError:  # some file systems of networks don't either
        pass
    finally:
        os.close(handle)


def read_text(path: str | Path, limit: int = 4 * 2**20) -> str:
    """The UTF-8 text in the regular file `path`, which may have `limit` bytes at most.

    Raises:
        FileNotFoundError: there is none.
        BadInput: it can't be read, is a folder or a device, too large, or no UTF-8 text.
    """
    path = Path(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise BadInput(f"can't read {path}: it is not a regular file")
        if status.st_size > limit:
            raise BadInput(f"can't read {path}: it has {status.st_size:,} bytes, {limit:,} are the most")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except UnicodeDecodeError as error:
        raise BadInput(f"can't read {path}: it is not UTF-8 text") from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise BadInput(f"can't read {path}: {getattr(error, 'strerror', None) or error}") from error


#: Bytes that are written to find out whether a disk is full.
PROBE = 2**16


def check_writable(folder: str | Path, *parts: str) -> Path:
    """Make `folder` and prove that a file can be written there, before hours of work depend on it.

    Args:
        folder: where to write.
        parts: folders in it that will be written to; those that are there are tried, too.

    Raises:
        BadInput: it can't, as where the disk is full.
    """
    folder = place = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for place in (folder, *(folder / part for part in parts if os.path.lexists(folder / part))):
            with tempfile.TemporaryFile(dir=place, prefix=".probe.") as file:
                file.write(bytes(PROBE))
                file.flush()
                os.fsync(file.fileno())
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise BadInput(
            f"can't write to the folder {place}: {getattr(error, 'strerror', None) or error}; "
            "choose another one, change its permissions or free some space"
        ) from error
    return folder


def canonical_json(value: Any) -> str:
    """JSON with one spelling per value: sorted keys, no spaces, floats as Python repeats them."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def spelt(value: Any) -> str:
    """A setting's value as `--set` takes it: words as they are, anything else as JSON."""
    return value if isinstance(value, str) else canonical_json(value)


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values by dotted names, "threats.linf.epsilon", in their order; an empty mapping is a value."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def digest(value: Any) -> str:
    """SHA-256 (hex) of bytes, or of the canonical JSON of anything else."""
    content = value if isinstance(value, bytes) else canonical_json(value).encode(errors="surrogatepass")
    return digest_of([content])


def digest_of(parts: Iterable[bytes | memoryview]) -> str:
    """SHA-256 (hex) of bytes that lie in several places."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()


#: What Windows takes for a device, whatever follows behind a dot.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def safe_name(name: str, limit: int = 80) -> str:
    """A file name that says `name` as far as letters, digits, dot, dash and underscore can, on any file system.

    Where something had to be left out, eight hex digits of the name's digest keep two names apart; not from a name
    that is written with these very digits, nor where capitals are not told from small letters.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")
    if _DEVICE.match(plain):
        plain = f"_{plain}"
    if plain == name and len(name) <= limit:
        return name
    return f"{plain[: limit - 9] or 'unnamed'}-{digest(name)[:8]}"


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
