"""The file that a bundle is: a zip archive that can be read in one way only, and holds nothing but results.

Its files are stored as they are, not compressed, in the order of their names and with one date, so that the same
results give the same bytes, whatever library writes them, and nothing unpacks to more than the file's own size.
`bundle.json` lists all other files with their sizes and SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmark.card import Count, Form, Name, Several, Text, misfit
from benchmark.damage import Damaged, check_regular, parse_json
from benchmark.errors import BadInput, short
from benchmark.limits import BUNDLE, BUNDLED, MANIFEST
from benchmark.storage import check_replaced, write_atomic

#: What stands first in `bundle.json`.
CONTENT, VERSION = "robustness benchmark bundle", 1

#: The file that lists the others and says what is claimed.
CLAIM = "bundle.json"

#: What a file may be called, in one folder or several: no name leads out of the folder it is unpacked to.
_NAMES = re.compile(
    r"bundle\.json|README\.txt|format\.json"
    r"|evaluations/[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}\.json"
    r"|records/[0-9a-f]{16}/[0-9a-f]{64}\.safetensors"
    r"|(?:adversarials|images)/[0-9a-f]{16}/[0-9a-f]{64}\.npz"
    r"|answers/[0-9a-f]{16}/[0-9a-f]{16}-[0-9a-f]{16}\.npz"
    r"|weights/[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}\.(?:pt|safetensors)"
)

#: Bytes at the end of an archive, and before each file and each line of its list, without the name.
_END, _BEFORE, _LINE = 22, 30, 46

_DATE = (1980, 1, 1, 0, 0, 0)


class _Listed(Form):
    bytes: Count
    sha256: Text


class _Network(Form):
    name: Name
    digest: Name


class _Claimed(Form):
    evaluation: Name


class _Contents(Form):
    content: Name
    version: Count
    network: _Network
    rows: Several[_Claimed]
    files: dict[Name, _Listed]


def is_bundle(path: str | Path) -> bool:
    """Whether `path` is meant for a bundle, not for a folder of results."""
    path = Path(path)
    return path.is_file() or (path.suffix.lower() == ".zip" and not path.is_dir())


def write_bundle(path: Path, claim: Mapping[str, Any], files: Mapping[str, bytes | Path]) -> Path:
    """Write a bundle, whole or not at all.

    Args:
        path: of the file.
        claim: what `bundle.json` says besides the list of files.
        files: the others by their places, as bytes or as files to copy.

    Raises:
        BadInput: it would be refused when it is read, the folder can't be written or the disk is full, or something
            else than a bundle is called so.
    """
    check_replaced(path, "bundle", _was_bundled)
    listed = {name: _listed(content) for name, content in sorted(files.items())}
    contents = {"content": CONTENT, "version": VERSION, **claim, "files": listed}
    whole: dict[str, bytes | Path] = {**files, CLAIM: _spelt(contents)}
    size = sum(each["bytes"] for each in listed.values()) + len(whole) * 400 + len(_spelt(contents))
    problem = misfit(_Contents, contents) or next((short(name) for name in whole if not _NAMES.fullmatch(name)), None)
    if len(whole) > BUNDLED or size > BUNDLE:
        problem = f"{len(whole):,} files and {size:,} bytes, where {BUNDLED:,} and {BUNDLE:,} are the most"
    if problem:
        raise BadInput(f"can't write {path}: it could not be read again ({problem})")

    def write(place: Path) -> None:
        with zipfile.ZipFile(place, "w", zipfile.ZIP_STORED) as archive:
            for name, content in sorted(whole.items()):
                entry = zipfile.ZipInfo(name, _DATE)
                entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o644) << 16
                if isinstance(content, Path):
                    entry.file_size = content.stat().st_size
                    with content.open("rb") as source, archive.open(entry, "w") as sink:
                        shutil.copyfileobj(source, sink, 2**20)
                else:
                    archive.writestr(entry, content)

    return write_atomic(path, write)


def _was_bundled(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return CLAIM in archive.namelist()


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The results folder in a bundle, for as long as this context lasts, and what its `bundle.json` says.

    Every file is the one that is listed, and none but those are there. What they say is not looked at.

    Raises:
        BadInput: it is no such bundle; nothing in it was run, and nothing written but to a folder of its own.
    """
    with tempfile.TemporaryDirectory(prefix="bench-bundle.") as place:
        folder = Path(place).resolve()
        try:
            contents = _unpack(path, folder)
        except FileNotFoundError as error:
            raise BadInput(f"there is no file {path}; name one that bench bundle wrote") from error
        except Damaged as problem:
            raise BadInput(_named(str(problem), folder, path)) from problem
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, RecursionError) as error:
            raise _refused(path, f"can't be read ({short(str(error))})") from error
        try:
            yield folder, contents
        except BadInput as error:
            if str(folder) not in str(error):
                raise
            raise BadInput(_named(str(error), folder, path)) from error


def _named(message: str, folder: Path, path: Path) -> str:
    """`message`, about the bundle and not about where it is unpacked."""
    return message.replace(f"{folder}/", f"{path}: ").replace(str(folder), str(path))


def _refused(path: Path, why: str) -> BadInput:
    return BadInput(f"{path} is no bundle that bench bundle wrote: it {why}; ask for the file once more")


def _unpack(path: Path, folder: Path) -> dict[str, Any]:
    size = check_regular(path, BUNDLE)
    with path.open("rb") as file:
        _check_end(path, file, size)
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _check_entries(path, entries, size)
            by_name = {entry.filename: entry for entry in entries}
            if CLAIM not in by_name or by_name[CLAIM].file_size > MANIFEST:
                raise _refused(path, f"has no {CLAIM} of a size that can be read")
            contents = _contents(path, archive.read(by_name[CLAIM]))
            _check_list(path, contents["files"], by_name)
            for name, listed in contents["files"].items():
                if _copy(archive, by_name[name], folder / name) != listed["sha256"]:
                    raise _refused(path, f"holds {name} with another SHA-256 than {CLAIM} says")
    return contents


def _check_end(path: Path, file: Any, size: int) -> None:
    """Refuse what has no list of few files at its very end, before anything reads that list."""
    tail = _END + 20  # where a list of more files than these would be announced
    if size < tail:
        raise _refused(path, "is too small")
    file.seek(size - tail)
    end = file.read(tail)
    number, length = int.from_bytes(end[30:32], "little"), int.from_bytes(end[32:36], "little")
    if end[20:24] != b"PK\x05\x06" or end[40:42] != b"\0\0" or end[:4] == b"PK\x06\x07":
        raise _refused(path, "is no zip archive, or has something behind its end")
    if number > BUNDLED or length > number * (_LINE + 200):
        raise _refused(path, f"lists {number:,} files in {length:,} bytes, {BUNDLED:,} short names are the most")
    file.seek(0)


def _check_entries(path: Path, entries: list[zipfile.ZipInfo], size: int) -> None:
    seen: set[str] = set()
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        name = entry.orig_filename
        if not _NAMES.fullmatch(name) or name != entry.filename:
            raise _refused(path, f"holds a file {short(name)}, which no bundle has")
        if name in seen:
            raise _refused(path, f"holds {name} twice")
        seen.add(name)
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size or entry.flag_bits:
            raise _refused(path, f"holds {name} compressed or encrypted")
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            raise _refused(path, f"holds {name}, which is no regular file but a link, a folder or a device")
        if entry.header_offset != end or entry.extra:
            raise _refused(path, f"holds {name} where another file lies, or something between its files")
        end += _BEFORE + len(name) + entry.file_size
    if end > size:
        raise _refused(path, "claims to hold more than its own size")


def _contents(path: Path, content: bytes) -> dict[str, Any]:
    try:
        contents: Any = parse_json(content.decode(), MANIFEST)
    except (ValueError, RecursionError) as error:
        raise _refused(path, f"has a {CLAIM} that can't be read ({short(str(error))})") from error
    problem = misfit(_Contents, contents) if isinstance(contents, dict) else "no mapping"
    if problem:
        raise _refused(path, f"has a {CLAIM} that makes no sense ({problem})")
    if (contents["content"], contents["version"]) != (CONTENT, VERSION):
        raise _refused(path, f"is of another version ({short(contents['version'])}, this program's is {VERSION})")
    return dict(contents)


def _check_list(path: Path, listed: Mapping[str, Any], entries: Mapping[str, zipfile.ZipInfo]) -> None:
    there = entries.keys() - {CLAIM}
    if lacking := sorted(listed.keys() - there):
        raise _refused(path, f"lacks {short(lacking[0])}, which {CLAIM} lists")
    if more := sorted(there - listed.keys()):
        raise _refused(path, f"holds {more[0]}, which {CLAIM} does not list")
    for name, each in listed.items():
        if entries[name].file_size != each["bytes"]:
            raise _refused(path, f"holds {name} in another size than {CLAIM} says")


def _copy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> str:
    """Write one file, and tell its SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    sha256 = hashlib.sha256()
    with archive.open(entry) as source, target.open("xb") as sink:
        while piece := source.read(2**20):
            sha256.update(piece)
            sink.write(piece)
    return sha256.hexdigest()


def _listed(content: bytes | Path) -> dict[str, Any]:
    if isinstance(content, bytes):
        return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    sha256 = hashlib.sha256()
    with content.open("rb") as file:
        while piece := file.read(2**20):
            sha256.update(piece)
    return {"bytes": content.stat().st_size, "sha256": sha256.hexdigest()}


def _spelt(contents: Mapping[str, Any]) -> bytes:
    return (json.dumps(contents, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode()
