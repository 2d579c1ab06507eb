"""Names to things: one table per kind, open to other packages through entry points."""

from __future__ import annotations

import functools
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from importlib.metadata import EntryPoint
from typing import Any, Generic, TypeVar

from benchmark.errors import BadInput, reason, unknown
from benchmark.own import files

T = TypeVar("T")
Found = TypeVar("Found")

_LOG = logging.getLogger(__name__)

_NAME = re.compile(r"[^\W_][\w.-]*")


@functools.lru_cache(maxsize=128)
def _announced(group: str, places: tuple[tuple[str, int], ...]) -> metadata.EntryPoints:
    """What all packages in these folders announce, each with its time of change."""
    return metadata.entry_points(group=group)


def entry_points(group: str) -> metadata.EntryPoints:
    """As Python gives them, which reads a file of every installed package; read anew where a folder has changed."""
    return _announced(group, tuple((folder, _changed(folder)) for folder in sys.path))


def _changed(folder: str) -> int:
    try:
        return os.stat(folder or os.curdir).st_mtime_ns
    except OSError:
        return 0


class Registry(Generic[T]):
    """A table of named things of one `kind` ("attack", "method", ...).

    A `FILE.py:NAME` stands for the thing of that name in that file, see `benchmark.own.files`.

    Other packages add to it through the entry point `group`, `benchmark.<kind>s` if not said: the entry's name is
    the registered name, its target the thing. They are looked up only when a name is not found here,
    or when all are listed, so that a broken plug-in can't slow or stop those who don't use it.

    Args:
        kind: what the things are called in messages.
        group: the entry points; "" for `benchmark.<kind>s`.
        fault: what keeps another's thing from being one of these, as the end of a sentence; "" if nothing does.
        load: how the thing is got that an entry point names; as Python does if not said.
    """

    def __init__(
        self,
        kind: str,
        group: str = "",
        fault: Callable[[Any], str] = lambda thing: "",
        load: Callable[[EntryPoint], Any] = lambda entry: entry.load(),
    ) -> None:
        self.kind = kind
        self.group = group or f"benchmark.{kind}s"
        self._fault = fault
        self._found = load
        self._own: dict[str, T] = {}
        self._aliases: dict[str, str] = {}
        self._put: set[str] = set()

    def add(self, name: str, thing: T, *aliases: str) -> T:
        """Register `thing` under `name`; each alias resolves to the same thing."""
        for key in (name, *aliases):
            if key in self._own or key in self._aliases:
                raise ValueError(f"{self.kind} {key!r} is registered twice")
        self._own[name] = thing
        self._aliases.update(dict.fromkeys(aliases, name))
        return thing

    def register(self, name: str, *aliases: str) -> Callable[[T], T]:
        """The decorator form of `add`."""
        return lambda thing: self.add(name, thing, *aliases)

    def put(self, name: str, thing: T) -> T:
        """Register one's own `thing`, in the place of what was put under this name before.

        Raises:
            BadInput: it is no such thing, or the name is no name, or that of something else.
        """
        if fault := self._fault(thing):
            raise BadInput(f"{self.kind} {name!r} {fault}")
        if not _NAME.fullmatch(name):
            raise BadInput(f"{name!r} is no name for {self.kind}s; take letters, digits, '-', '_' and '.'")
        if name in self and name not in self._put:
            raise BadInput(f"the {self.kind} {name!r} is there already, and not of your own; choose another name")
        self._put.add(name)
        self._own[name] = thing
        return thing

    def is_put(self, name: str) -> bool:
        """Whether one's own thing was registered under that name in this process."""
        return name in self._put

    def is_own(self, name: str) -> bool:
        """Whether the name stands for something of one's own: a file's, or what was put here."""
        return files.is_spec(name) or self.is_put(name)

    @contextmanager
    def lent(self, name: str, thing: T) -> Iterator[None]:
        """Within this context `name` stands for `thing`."""
        before = self._own.get(name)
        self._own[name] = thing
        try:
            yield
        finally:
            if before is None:
                del self._own[name]
            else:
                self._own[name] = before

    def get(self, name: str, where: str = "") -> T:
        """The thing called `name`.

        Raises:
            BadInput: nobody registered that name, and the message offers the nearest ones; or a plug-in did, but
                it can't be loaded or is no such thing; or a file of one's own, see `files.load`.
        """
        name = self.name_of(name)
        if name in self._own:
            return self._own[name]
        if files.is_spec(name):
            own: T = files.load(name, self.kind, self._fault, where)
            return own
        for entry in self._plugins():
            if entry.name == name:
                return self._load(entry, where)
        raise unknown(self.kind, name, [*self.names(), *self._aliases], where)

    def names(self) -> list[str]:
        """All registered names, aliases left out, in the order of registration."""
        return [*self._own, *(e.name for e in self._plugins() if e.name not in self._own)]

    def name_of(self, name: str) -> str:
        """The name that `name`, which may be an alias, is registered under; itself if it is no alias."""
        return self._aliases.get(name, name)

    def aliases(self, name: str) -> list[str]:
        """The other names of `name`."""
        return [alias for alias, target in self._aliases.items() if target == name]

    def is_plug_in(self, name: str) -> bool:
        """Whether another package announces a thing of that name, and nobody here has one."""
        own = name in self._own or name in self._aliases
        return not own and any(entry.name == name for entry in self._plugins())

    def __contains__(self, name: str) -> bool:
        if files.is_spec(name):
            try:
                self.get(name)
            except BadInput:
                return False
            return True
        # Looking for plug-ins reads the metadata of every installed package.
        return name in self._aliases or name in self._own or name in self.names()

    def __iter__(self) -> Iterator[tuple[str, T]]:
        return self.each(lambda name: (name, self.get(name)))

    def each(self, look: Callable[[str], Found]) -> Iterator[Found]:
        """What `look` makes of each name; a plug-in that it raises on is left out, and the log says why."""
        for name in self.names():
            try:
                found = look(name)
            except Exception as error:  # a plug-in may be anything
                if name in self._own:
                    raise
                told = str(error) if isinstance(error, BadInput) else f"{self.kind} {name!r}: {reason(error)}"
                _LOG.warning("left out: %s", told)
            else:
                yield found

    def _load(self, entry: EntryPoint, where: str) -> T:
        package = getattr(getattr(entry, "dist", None), "name", "")
        which = f"{where}: " if where else ""
        which += f"{self.kind} {entry.name!r} of {entry.value}{f' in the package {package}' if package else ''}"
        try:
            thing: T = self._found(entry)
        except Exception as error:
            raise BadInput(f"{which} can't be loaded: {reason(error)}") from error
        if fault := self._fault(thing):
            raise BadInput(f"{which} {fault}")
        return thing

    def _plugins(self) -> list[EntryPoint]:
        return sorted(entry_points(group=self.group), key=lambda entry: entry.name)
