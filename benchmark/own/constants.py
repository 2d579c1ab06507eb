"""The plain values beside a thing's code that decide what it computes: a notebook has no file that would tell."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator
from typing import Any

from benchmark.storage import digest

_PLAIN = (int, float, complex, str, bytes, bool, type(None))


def constants_digest(thing: object) -> str:
    """SHA-256 (hex) of the plain values of a class, and of those that the code of a class or function names."""
    found: list[tuple[str, str]] = []
    waiting: list[object] = [thing]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        for name, value in _named(each):
            if _is_plain(value):
                found.append((name, repr(value)))
            elif isinstance(value, types.FunctionType | type) and value.__module__ == getattr(each, "__module__", ""):
                waiting.append(value)
    return digest(sorted(found))


def _named(thing: object) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, type):
        for name, value in vars(thing).items():
            if not (name.startswith("__") and name != "__call__"):
                yield name, getattr(value, "__func__", value)
        yield from ((base.__qualname__, base) for base in thing.__bases__)
    elif isinstance(thing, types.FunctionType):
        names, waiting = set[str](), [thing.__code__]
        while waiting:
            code = waiting.pop()
            names.update(code.co_names)
            waiting += [each for each in code.co_consts if isinstance(each, types.CodeType)]
        yield from ((name, thing.__globals__[name]) for name in sorted(names & thing.__globals__.keys()))


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, [*value, *value.values()]))
    return isinstance(value, _PLAIN)


def unbound(function: Any) -> Any:
    """The function that arguments were bound of."""
    while isinstance(function, functools.partial):
        function = function.func
    return function
