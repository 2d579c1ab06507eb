"""Hyper-parameters are the keyword arguments of the functions that use them: read, checked and bound here."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

#: Ranges, for annotations: a number in [0, 1], a positive one, one that is not negative.
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Norm = Literal["linf", "l2", "l1"]
#: Where an ascent begins: uniformly in the ball, at x plus Gaussian noise of deviation 0.001, or at x.
Start = Literal["uniform", "gaussian", "zero"]


def parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """The hyper-parameters of `function` and their defaults: whatever has a default that can still be given."""
    signature = inspect.signature(function)
    return {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if parameter.default is not inspect.Parameter.empty and parameter.kind is not parameter.POSITIONAL_ONLY
    }


def bind(function: Callable[..., Any], settings: Mapping[str, Any], problems: list[str]) -> functools.partial[Any]:
    """`function` with those of the `settings` that are parameters of it, converted to the annotated types.

    What does not fit is described in `problems`, so that all errors of a command can be told together.
    """
    known = parameters(function)
    accepted = {}
    for name in known.keys() & settings.keys():
        try:
            accepted[name] = _adapter(_annotations(function)[name]).validate_python(settings[name])
        except ValidationError as error:
            problems.append(f"{name}={settings[name]!r}: {describe(error)}")
    return functools.partial(function, **accepted)


def describe(error: ValidationError) -> str:
    """What pydantic found, in one line without its links."""
    return "; ".join(item["msg"][0].lower() + item["msg"][1:] for item in error.errors(include_url=False))


def plain(value: Any) -> Any:
    """A hyper-parameter as JSON has it: tuples as lists, functions by name."""
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return getattr(value, "__name__", str(value)) if callable(value) else value


def _annotations(function: Callable[..., Any]) -> dict[str, Any]:
    while isinstance(function, functools.partial):
        function = function.func
    owner = function.__init__ if inspect.isclass(function) else function
    return typing.get_type_hints(owner, include_extras=True)


@functools.cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
