"""`FILE.py:NAME`: a thing of one's own, wherever a name can stand.

The file is imported as it is now, with the modules beside it, and only within `trust.trusting`. What it makes is
known by the digest of its code, see `code_of`, so that results of an edited file are never taken for those of the old
one; where the file lies plays no part.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from benchmark.cache import at_home
from benchmark.errors import BadInput, reason, short, unknown
from benchmark.own import fresh_import
from benchmark.own.names import module_name, plainly
from benchmark.own.trust import is_trusted
from benchmark.storage import digest

_SPEC = re.compile(r"(?P<file>.*[^/\\:]\.py)(?::(?P<name>[^/\\:@]*)(?:@(?P<code>[0-9a-f]{64}))?)?", re.I | re.S)

#: How a name of one's own is written, for messages.
HOW = "FILE.py:NAME"


class Spec(NamedTuple):
    """A file as it was typed, what is meant in it, and the code that it has to have; "" where nothing is said."""

    file: str
    name: str
    code: str = ""


class WrongKind(BadInput):
    """What a name stands for is no such thing."""


def is_spec(name: object) -> bool:
    """Whether `name` names a file of code, and perhaps something in it."""
    return isinstance(name, str) and _SPEC.fullmatch(name) is not None


def split(name: str) -> Spec:
    """The parts of a `FILE.py:NAME`, after whose name "@" and the digest of the code may stand."""
    found = _SPEC.fullmatch(name)
    if found is None:
        raise ValueError(f"{name!r} is no {HOW}")
    return Spec(found["file"], (found["name"] or "").strip(), found["code"] or "")


def shown(name: str) -> str:
    """What a thing is called wherever its file lies: "mine.py:NAME"; any other name stays as it is."""
    if not is_spec(name):
        return name
    file, thing, _ = split(name)
    return f"{_last(file)}:{thing}"


def path_of(name: str) -> Path:
    """The file that a `FILE.py:NAME` names, relative to the working folder; "~" is the user's home."""
    return at_home(split(name).file)


def beside(name: str, folder: Path) -> str:
    """`name`, or where its file is not in its place and one of that name lies in `folder`, that one."""
    if not is_spec(name) or path_of(name).is_file():
        return name
    spec = split(name)
    near = folder / _last(spec.file)
    return f"{near}:{spec.name}" if near.is_file() else name


def load(name: str, kind: str, fault: Callable[[Any], str], where: str = "") -> Any:
    """The thing that the `FILE.py:NAME` `name` stands for.

    Args:
        kind: what it has to be, for messages: "attack".
        fault: what keeps a thing from being one, as the end of a sentence; "" if nothing does.
        where: what to put in front of an error.

    Raises:
        BadInput: nobody trusts the file; it is not there, can't be imported, has no such thing, or is not the code
            that was asked for.
        WrongKind: the thing is no such thing.
    """
    told = f"{where}: " if where else ""
    file, thing, code = split(name)
    if not is_trusted():
        raise BadInput(
            f"{told}{kind} {short(name)} runs code of the file {file}; pass --trust-remote-code (in Python "
            "trust_remote_code=True) if you trust it"
        )
    module = _imported(name, f"{told}{kind} {short(name)}")
    if code and code != code_of(name):
        raise BadInput(f"{told}{kind} {short(name)}: {file} has changed since; leave {short('@' + code)} out")
    found: Any = module
    for part in thing.split("."):
        if not part or not hasattr(found, part):
            raise _lacks(module, file, thing, kind, fault, told)
        found = getattr(found, part)
    if problem := fault(found):
        raise WrongKind(f"{told}{kind} {short(name)} {problem}")
    return found


def code_of(name: str) -> str:
    """SHA-256 (hex) of the code of the file and of one's own modules that it imports, as they were read by `load`."""
    read = fresh_import.sources(module_name(path_of(name)))
    return digest(sorted((plainly(module), content) for module, content in read.items()))


def file_digest(name: str) -> str:
    """SHA-256 (hex) of the file alone, as it was read: what `sha256sum` says of it."""
    module = module_name(path_of(name))
    return fresh_import.sources(module).get(module, "")


def own_files(*names: object) -> dict[str, dict[str, str]]:
    """Of those of the names that lead to files of one's own, what they are called: where, and the file's SHA-256."""
    said = [name for name in map(str, names) if is_spec(name)]
    return {shown(name): {"file": split(name).file, "sha256": file_digest(name)} for name in said}


def _last(file: str) -> str:
    """The file's own name, whichever way its folders are parted."""
    return re.split(r"[/\\]", file)[-1]


def _imported(name: str, told: str) -> ModuleType:
    path = path_of(name)
    if not path.is_file():
        what = "it is a folder" if path.is_dir() else "there is no such file"
        raise BadInput(f"{told}: can't read {path}: {what}; write {HOW}, the path relative to this folder")
    from benchmark.settings import kept_settings  # which loads torch

    try:
        # What it prints would stand in the midst of an answer.
        with kept_settings(), contextlib.redirect_stdout(sys.stderr):
            return fresh_import.use(module_name(path), lambda module: module)
    except fresh_import.Mistaken as error:
        raise BadInput(f"{told}: {error}") from error
    except (Exception, SystemExit) as error:  # it may raise anything, or read options
        raise BadInput(f"{told}: {_place(error, path)} fails when it is imported: {reason(error)}") from error


def _place(error: BaseException, path: Path) -> str:
    """The file, and the line of it that failed."""
    here = os.path.abspath(path)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == here]
    lines += [error.lineno] if isinstance(error, SyntaxError) and error.filename == here else []
    return f"{path.name}:{lines[-1]}" if lines else path.name


def _lacks(module: ModuleType, file: str, thing: str, kind: str, fault: Callable[[Any], str], told: str) -> BadInput:
    offered = [name for name, value in vars(module).items() if _is_offered(name, value, module) and not fault(value)]
    if thing and offered:
        return unknown(f"{kind} of {file}", thing, offered, told.removesuffix(": "))
    said = "names none" if not thing else f"has no {short(thing)}"
    there = f"it offers {', '.join(f'{file}:{name}' for name in offered)}" if offered else f"it offers no {kind}"
    return BadInput(f"{told}{kind} {file} {said}; {there}; write {HOW}")


def _is_offered(name: str, value: object, module: ModuleType) -> bool:
    elsewhere = isinstance(value, type | FunctionType) and value.__module__ != module.__name__
    return not (name.startswith("_") or elsewhere or isinstance(value, ModuleType))
