"""A function of one's own as the value of a parameter that else takes one of a few words, such as `loss`."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isclass
from typing import Any

from benchmark.own import files


class OwnFunction(str):
    """The words that name a function, with the digest of its code in them: they are written down as they are.

    Attributes:
        function: what they stand for, as it was when it was asked for.
    """

    function: Callable[..., Any]


def own_function(name: str, kind: str) -> OwnFunction:
    """The function that a `FILE.py:NAME` stands for.

    Raises:
        BadInput: see `files.load`.
    """
    function = files.load(name, kind, no_function)
    found = OwnFunction(f"{name.partition('@')[0]}@{files.code_of(name)}")
    found.function = function
    return found


def no_function(thing: object) -> str:
    """What keeps a thing from being a function, as the end of a sentence; "" if nothing does."""
    if isclass(thing):
        return f"is the class {thing.__name__}, not a function"
    return "" if callable(thing) else f"is no function but of type {type(thing).__name__}"


def no_instance(thing: object, kind: str) -> str:
    """The end of a sentence about a thing that is not of this class."""
    what = f"the class {thing.__name__}" if isclass(thing) else f"of type {type(thing).__name__}"
    return f"is no {kind} but {what}"
