"""Modules of one's own, imported as their files are now.

Python keeps what it imported as long as a process lives, and beside each file what it compiled: either may be older.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.metadata import EntryPoint
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, TypeVar

from benchmark.errors import BadInput
from benchmark.own.finder import OwnLoader, searched_first
from benchmark.own.names import path_of_module, plainly
from benchmark.own.own_code import LIBRARIES, MAIN, file_of, files, in_environment, is_own
from benchmark.storage import digest

Made = TypeVar("Made")


@dataclass
class Reading:
    """One's own modules as they were read when one of them was imported.

    Attributes:
        modules: what was imported, by name.
        sources: the digest of each one's file, and of the files that their code imports later on.
        files: where these lay.
    """

    modules: dict[str, ModuleType] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)

    def is_current(self, root: str) -> bool:
        """Whether these are still the modules in use, would be found where they were, and say the same."""
        with searched_first(_folder(root)):
            if not all(self._stays(name, name == root) for name in self.modules):
                return False
            files = {name: self.files[name] if name in self.modules else file_of(name) for name in self.sources}
        return self.sources == {name: _digest(file) for name, file in files.items() if file is not None}

    def _stays(self, name: str, is_root: bool) -> bool:
        module, now = self.modules[name], sys.modules.get(name)
        if now is not module and (is_root or _origin(now) in (None, _origin(module))):
            return False  # somebody imported it anew; one that lies elsewhere is another file's, and does no harm
        above = self.modules.get(name.rpartition(".")[0])
        return name in MAIN or _origin(_found(name, getattr(above, "__path__", None))) == _origin(module)

    def clash(self, other: Reading) -> str:
        """A module that both mean, but not the same one, and either only when its code runs; "" if there is none."""
        for name in self.sources.keys() & other.sources.keys():
            later = name not in self.modules or name not in other.modules
            if later and self.sources[name] != other.sources[name] and self.files[name] != other.files[name]:
                return name
        return ""


class Mistaken(BadInput):
    """Code may import another module than is meant."""


#: Why code is not used: its file, the module, where one of that name lies, and where the one that is meant does.
_MISTAKEN = (
    "{0}: the module {1} is imported when code runs, and may then be {2} of another folder instead of {3}; rename "
    "one of the two, or import it at the top of the file"
)

#: By the module that was asked for, how it was read last.
_READ: dict[str, Reading] = {}


def use(name: str, make: Callable[[ModuleType], Made], anew: bool = False) -> Made:
    """What `make` gets out of the module `name`, as its file and those of its own imports are now.

    They are imported again if they are others than when this function imported them, or if somebody else did, who may
    have done so before they were last changed.

    Args:
        name: of the module; a package of the environment is imported as always.
        make: called with the module; what is imported meanwhile belongs to it.
        anew: import them again in any case.
    """
    if not is_own(name):
        return make(importlib.import_module(name))
    known = _READ.get(name)
    if known is not None and not anew and known.is_current(name):
        return make(known.modules[name])
    if _READER not in sys.meta_path:
        sys.meta_path.insert(0, _READER)
    importlib.invalidate_caches()
    hidden = {each: module for each, module in sys.modules.items() if _can_be_read_again(each, module)}
    for each in hidden:
        del sys.modules[each]
    found = _READER.begin()
    done = False
    try:
        module = importlib.import_module(name)
        made = make(module)
        done = True
    finally:
        _READER.end()
        if not done:
            for each in found.modules:
                sys.modules.pop(each, None)
            found.modules.clear()
        named = files([name, *found.modules]) if done else {}
        # What is imported only when the code runs must be read anew then, too.
        later = named.keys() - found.modules.keys() if name in found.modules else set()
        renewed = {each.partition(".")[0] for each in found.modules}
        for each, before in hidden.items():
            if each.partition(".")[0] not in renewed and each not in later:
                sys.modules.setdefault(each, before)
    _READER.later |= later
    found.modules.setdefault(name, module)
    found.files = {
        each: named.get(each) or Path(str(_origin(found.modules.get(each)))) for each in {*named, *found.sources}
    }
    found.sources = {each: _digest(file) for each, file in named.items()} | found.sources
    _refuse_mistaken(name, found, later)
    _READ[name] = found
    return made


def _refuse_mistaken(name: str, found: Reading, later: Collection[str]) -> None:
    """Modules that are imported when code runs are looked for by their name alone, wherever that code lies."""
    folder = _folder(name)
    with searched_first(folder):
        meant = {each: file for each in later if folder is not None and (file := file_of(each)) is not None}
    for each, file in meant.items():
        if found.sources[each] != _digest(file):
            raise Mistaken(_MISTAKEN.format(plainly(name), each, found.files[each], file))
    for root, other in _READ.items():
        if root != name and sys.modules.get(root) is other.modules.get(root) and (each := found.clash(other)):
            raise Mistaken(_MISTAKEN.format(plainly(name), each, other.files[each], found.files[each]))


def load_entry(entry: EntryPoint) -> Any:
    """What an entry point names, from its module as the file is now."""

    def named(thing: Any) -> Any:
        for attribute in filter(None, entry.attr.split(".")):
            thing = getattr(thing, attribute)
        return thing

    return use(entry.module, named)


def sources(name: str) -> dict[str, str]:
    """By module, the digests of the files that the module `name` and its own imports were read from by `use`."""
    return dict(_READ[name].sources) if name in _READ else {}


def is_as_read(name: str, namespace: dict[str, Any]) -> bool:
    """Whether this is the namespace of a module that `use` read, so that what its file says is what it runs."""
    return any(vars(module) is namespace for module in (r.modules.get(name) for r in _READ.values()) if module)


def source_of(name: str) -> str | None:
    """The digest of the file that one's own module `name` was read from, or is made of; None if it has none."""
    for reading in _READ.values():
        if name in reading.modules and sys.modules.get(name) is reading.modules[name] and name in reading.sources:
            return reading.sources[name]
    file = file_of(name)
    return None if file is None else digest(file.read_bytes())


class _FromSource(SourceFileLoader):
    """Compiles the file as it is, and never takes what was compiled before: that is told apart by seconds only."""

    def get_code(self, fullname: str) -> CodeType:
        content = self.get_data(self.path)
        _READER.note(fullname, content)
        code: CodeType = self.source_to_code(content, self.path)
        return code


class _Reader(MetaPathFinder):
    """Finds one's own modules as always, and has them read from their source.

    Attributes:
        later: modules that were not imported with those whose code names them, but may be when it runs.
    """

    def __init__(self) -> None:
        self.later: set[str] = set()
        self._stack: list[Reading] = []

    def begin(self) -> Reading:
        self._stack.append(Reading())
        return self._stack[-1]

    def end(self) -> None:
        found = self._stack.pop()
        found.modules = {name: sys.modules[name] for name in found.sources if name in sys.modules}

    def note(self, name: str, content: bytes) -> None:
        for reading in self._stack:
            reading.sources[name] = digest(content)

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not (self._stack or name in self.later) or name.partition(".")[0] in LIBRARIES:
            return None
        spec = _found(name, path, target)
        if spec is None or not spec.has_location or spec.origin is None or in_environment(spec.origin):
            return spec
        if isinstance(spec.loader, OwnLoader):
            spec.loader.note = self.note
        elif type(spec.loader) is SourceFileLoader:
            spec.loader = _FromSource(name, spec.origin)
        else:
            self.note(name, Path(spec.origin).read_bytes())
        return spec


_READER = _Reader()


def _can_be_read_again(name: str, module: ModuleType | None) -> bool:
    """Whether importing the module once more would read a source file, be it the same as then or another one."""
    spec = getattr(module, "__spec__", None)
    if name in MAIN or spec is None or spec.name != name or not spec.has_location or not is_own(name):
        return False
    found = _found(name)
    return found is not None and str(found.origin).endswith(".py")


def _found(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
    """Where the module would be found if it were not imported yet, its package being so."""
    if path is None and "." in name:
        path = getattr(sys.modules.get(name.rpartition(".")[0]), "__path__", None)
        if path is None:
            return None
    try:
        finders = [finder for finder in sys.meta_path if finder is not _READER and hasattr(finder, "find_spec")]
        return next((spec for finder in finders if (spec := finder.find_spec(name, path, target))), None)
    except (ImportError, ValueError):
        return None


def _folder(root: str) -> Path | None:
    """Where a file of one's own looks for modules first."""
    path = path_of_module(root)
    return None if path is None else Path(path).parent


def _digest(file: Path) -> str:
    return digest(file.read_bytes())


def _origin(found: object) -> str | None:
    return getattr(getattr(found, "__spec__", found), "origin", None)
