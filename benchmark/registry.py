"""Names to things: one table per kind, open to other packages through entry points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from benchmark.errors import BadInput, unknown

T = TypeVar("T")


class Registry(Generic[T]):
    """A table of named things of one `kind` ("attack", "method", ...).

    Other packages add to it through the entry point `group`, `benchmark.<kind>s` if not said: the entry's name is
    the registered name, its target the thing. They are looked up only when a name is not found here,
    or when all are listed, so that a broken plug-in can't slow or stop those who don't use it.
    """

    def __init__(self, kind: str, group: str = "") -> None:
        self.kind = kind
        self.group = group or f"benchmark.{kind}s"
        self._own: dict[str, T] = {}
        self._aliases: dict[str, str] = {}

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

    def get(self, name: str, where: str = "") -> T:
        """The thing called `name`.

        Raises:
            BadInput: nobody registered that name; the message offers the nearest ones.
        """
        name = self._aliases.get(name, name)
        if name in self._own:
            return self._own[name]
        for entry in self._plugins():
            if entry.name == name:
                try:
                    thing: T = entry.load()
                except Exception as error:
                    raise BadInput(f"{self.kind} {name!r} of {entry.value} can't be loaded: {error}") from error
                return thing
        raise unknown(self.kind, name, [*self.names(), *self._aliases], where)

    def names(self) -> list[str]:
        """All registered names, aliases left out, in the order of registration."""
        return [*self._own, *(e.name for e in self._plugins() if e.name not in self._own)]

    def aliases(self, name: str) -> list[str]:
        """The other names of `name`."""
        return [alias for alias, target in self._aliases.items() if target == name]

    def __contains__(self, name: str) -> bool:
        # Looking for plug-ins reads the metadata of every installed package.
        return name in self._aliases or name in self._own or name in self.names()

    def __iter__(self) -> Iterator[tuple[str, T]]:
        return ((name, self.get(name)) for name in self.names())

    def _plugins(self) -> list[EntryPoint]:
        return sorted(entry_points(group=self.group), key=lambda entry: entry.name)
