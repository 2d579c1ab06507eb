"""Arguments of the public functions that are plain values: those of another type are refused, as on the command line.

Python itself lets any value pass: the text "no" would be a yes, and a number as text fail in the middle of the work.
"""

from __future__ import annotations

import functools
import inspect
import operator
import os
from collections.abc import Callable, Collection
from numbers import Real
from typing import Any, ParamSpec, TypeVar

from benchmark.apart import apart
from benchmark.errors import BadInput, short

Options = ParamSpec("Options")
Answer = TypeVar("Answer")

#: What a value of each type is called in messages.
_CALLED = {
    "bool": "True or False",
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "Path": "a path",
    "None": "None",
}

#: What `_plain` gives for a value that is of none of the types.
_OTHER = object()


def checked_arguments(verb: Callable[Options, Answer]) -> Callable[Options, Answer]:
    """`checked_values` of a verb that works for itself alone, see `apart`: one that is no part of a caller's loop."""
    return checked_values(apart(verb))


def checked_values(verb: Callable[Options, Answer]) -> Callable[Options, Answer]:
    """Have `verb` be called with plain values where its annotations ask for such, or not at all.

    Numbers of NumPy and torch become Python's, which files can hold; a `torch.device` becomes its name. Arguments of
    other types are left to `verb`, but for an empty text, which is no value of anything.
    """
    signature = inspect.signature(verb)

    @functools.wraps(verb)
    def called(*args: Options.args, **options: Options.kwargs) -> Answer:
        try:
            bound = signature.bind(*args, **options)
        except TypeError:  # a name that there is none of, or that lacks; Python says which
            return verb(*args, **options)
        problems = []
        for name, value in bound.arguments.items():
            parameter = signature.parameters[name]
            if isinstance(value, str) and not value and parameter.default != "":
                problems.append(f"{name} is empty; give it a value or leave it out")
                continue
            types = {each.strip() for each in str(parameter.annotation).split("|")}
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or not types <= _CALLED.keys():
                continue
            bound.arguments[name] = _plain(value, types)
            if bound.arguments[name] is _OTHER:
                wanted = (
                    "a path" if "Path" in types else " or ".join(_CALLED[each] for each in _CALLED if each in types)
                )
                problems.append(f"{name} must be {wanted}, not {short(value)}")
        if problems:
            raise BadInput("\n".join(problems))
        return verb(*bound.args, **bound.kwargs)

    return called


def _plain(value: Any, types: Collection[str]) -> Any:
    """`value` as one of the types, by name; `_OTHER` if it is of none of them."""
    if value is None:
        return None if "None" in types else _OTHER
    is_truth = type(value).__name__ in ("bool", "bool_")  # NumPy's own is called either, by its release
    if "bool" in types and (is_truth or (type(value) is int and value in (0, 1))):
        return bool(value)
    if is_truth:
        return _OTHER
    if "int" in types or "float" in types:
        try:
            return operator.index(value)
        except TypeError:
            pass
    if "float" in types and isinstance(value, Real):
        return float(value)
    if "str" in types and (isinstance(value, str) or type(value).__name__ == "device"):
        return str(value)
    return value if "Path" in types and isinstance(value, str | os.PathLike) else _OTHER
