"""What can be set: the keyword arguments of a function, or the fields of a dataclass; read, checked and bound here.

Types say what is allowed: `steps: Count = 10`, `start: Literal["uniform", "zero"] = "uniform"`. A number may be
written as a fraction, such as 8/255.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
import types
import typing
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from benchmark.errors import nearest
from benchmark.own import files
from benchmark.own.functions import OwnFunction, own_function
from benchmark.radii import read_number

#: Ranges, for annotations: a number in [0, 1], a positive one, one that is not negative; a whole number from 1 on.
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Norm = Literal["linf", "l2", "l1"]
#: A marker: the number is a part of the whole training, so that what it means goes by the number of epochs.
OF_TRAINING = "a part of training"
PartOfTraining = Annotated[Fraction, OF_TRAINING]
#: Where an ascent begins, see `benchmark.methods.starts`.
Start = Literal["uniform", "unclipped", "radial", "unit", "gaussian", "zero"]


def one_of(names: Iterable[str], own: str = "") -> AfterValidator:
    """For an annotation: `variant: Annotated[str, one_of(VARIANTS)]`, where the names are a table's.

    Args:
        names: those that there are, or will be: a table may grow.
        own: what it is called, "loss", where a function of one's own may be named as well, `FILE.py:NAME`: the value
            then is an `OwnFunction`.
    """
    return AfterValidator(functools.partial(_in, names if isinstance(names, Collection) else tuple(names), own=own))


def parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """The hyper-parameters of `function` and their defaults: whatever has a default that can still be given."""
    signature = inspect.signature(function)
    return {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if parameter.default is not inspect.Parameter.empty and parameter.kind is not parameter.POSITIONAL_ONLY
    }


def bind(function: Callable[..., Any], settings: Mapping[str, Any], problems: list[str]) -> functools.partial[Any]:
    """`function` with those of the `settings` that are parameters of it, as `read` gives them.

    What does not fit is described in `problems`, so that all errors of a command can be told together.
    """
    known = parameters(function)
    accepted = {name: value for name, value in settings.items() if name in known}
    return functools.partial(function, **read(function, accepted, problems))


def read(function: Callable[..., Any], values: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """The values of parameters of a function, or of fields of a class, as their types ask: no true for a 1, no "1".

    What does not fit is described in `problems`; whole numbers stay what they are where any number will do.
    """
    found = {}
    for name, value in values.items():
        try:
            found[name] = _read(_annotations(function)[name], value)
        except ValidationError as error:
            problems.append(f"{name}={value!r}: {describe(error)}")
    return found


def allowed(function: Callable[..., Any], name: str) -> str:
    """What a parameter may be, in words: "0 to 1", "uniform, gaussian or zero"; "" where its type says no more."""
    return _words(_annotations(function)[name])


def parts_of_training(function: Callable[..., Any]) -> list[str]:
    """The parameters of a function, or fields of a class, whose type is `PartOfTraining`."""
    return [name for name, kind in _annotations(function).items() if OF_TRAINING in getattr(kind, "__metadata__", ())]


def describe(error: ValidationError) -> str:
    """What pydantic found, in one line without its links."""
    return "; ".join(item["msg"][0].lower() + item["msg"][1:] for item in error.errors(include_url=False))


def plain(value: Any) -> Any:
    """A hyper-parameter as JSON has it: tuples as lists, functions by name."""
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, OwnFunction):
        return str(value)
    return getattr(value, "__name__", str(value)) if callable(value) else value


def _read(annotation: Any, value: Any) -> Any:
    if isinstance(value, OwnFunction):
        return value
    adapter = _adapter(annotation)
    value = _tuples(value)
    try:
        found = adapter.validate_python(value, strict=True)
    except ValidationError:
        number = read_number(value)
        if number is value:
            raise
        adapter.validate_python(number, strict=True)
        return number
    return found if isinstance(found, OwnFunction) else value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value


def _in(names: Collection[str], value: str, own: str = "") -> str:
    if own and files.is_spec(value):
        return own_function(value, own)
    if value not in names:
        close = nearest(value, names)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        hint += f"; or {files.HOW}" if own else ""
        raise PydanticCustomError("one_of", f"input should be {_or(names)}{hint}")
    return value


def _words(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return _or(arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(filter(None, ("nothing" if each is type(None) else _words(each) for each in arguments)))
    if origin is tuple:
        inner = _words(arguments[0])
        return f"a list, each {inner}" if arguments[1:] == (...,) else f"{len(arguments)} values, each {inner}"
    if origin is Annotated:
        return _range(arguments[0], arguments[1:])
    return {bool: "true or false", int: "a whole number", float: "a number"}.get(annotation, "")


def _range(base: Any, metadata: Iterable[Any]) -> str:
    """What pydantic's `Field` and `one_of` say."""
    for item in metadata:
        if isinstance(item, AfterValidator) and isinstance(item.func, functools.partial):
            return _or([*item.func.args[0], *([files.HOW] if item.func.keywords.get("own") else [])])
    # Each bound is an object of its own, with one of these attributes.
    bounds = {
        bound: getattr(rule, bound)
        for item in metadata
        for rule in getattr(item, "metadata", ())
        for bound in ("ge", "gt", "le", "lt")
        if getattr(rule, bound, None) is not None
    }
    if bounds.keys() == {"ge", "le"}:
        return f"{bounds['ge']} to {bounds['le']}"
    words = {"ge": "{} or more", "gt": "more than {}", "le": "{} at most", "lt": "less than {}"}
    return ", ".join(words[bound].format(value) for bound, value in bounds.items()) or _words(base)


def _or(names: Iterable[Any]) -> str:
    *most, last = map(str, names)
    return f"{', '.join(most)} or {last}" if most else last


#: The types of a function or class, evaluated once, for as long as it is there: that takes a millisecond, which was
#: most of what an attack took to be made, and gave pydantic other types to compile each time.
_EVALUATED: weakref.WeakKeyDictionary[Callable[..., Any], dict[str, Any]] = weakref.WeakKeyDictionary()


def _annotations(function: Callable[..., Any]) -> dict[str, Any]:
    while isinstance(function, functools.partial):
        function = function.func
    try:
        if function not in _EVALUATED:
            _EVALUATED[function] = _evaluated(function)
        return _EVALUATED[function]
    except TypeError:  # none that can be referred to weakly
        return _evaluated(function)


def _evaluated(function: Callable[..., Any]) -> dict[str, Any]:
    if dataclasses.is_dataclass(function):
        return {field.name: _of_field(function, field) for field in dataclasses.fields(function)}
    owner = function.__init__ if inspect.isclass(function) else function
    return typing.get_type_hints(owner, include_extras=True)


def _of_field(owner: Any, field: dataclasses.Field[Any]) -> Any:
    """The type of a field, whatever else its class says: a plug-in may import that for checkers only."""
    if not isinstance(field.type, str):
        return field.type
    home = next(base for base in owner.__mro__ if field.name in inspect.get_annotations(base))
    alone = types.SimpleNamespace(__annotations__={"type": field.type})
    return typing.get_type_hints(alone, vars(sys.modules[home.__module__]), include_extras=True)["type"]


@functools.cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))
