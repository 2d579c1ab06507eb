"""What a network tells about itself, and the bounds of it: pages and tables are made of it, and it may be a lie.

The same bounds hold where a checkpoint is read or written and where an evaluation is filed or read, so that nothing
is accepted at the beginning that is refused at the end.
"""

# No `from __future__ import annotations` here: pydantic before 2.13 evaluates what `Form` says of other keys in the
# module of each of its subclasses, where the names of a text are not known.

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    JsonValue,
    ValidationError,
)

from benchmark.errors import LONGEST
from benchmark.limits import ENTRIES, NAME, TEXT

Item = TypeVar("Item")

#: The largest number of float32, in round figures: whatever is computed with such numbers stays finite.
_LARGEST = 4e38


def _told(value: JsonValue) -> JsonValue:
    """A figure of a training's history: a number, or a word such as "nan"."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
    if not (value is None or is_number or (isinstance(value, str) and len(value) <= NAME)):
        raise ValueError("must be a number that float32 knows, or a word")
    return value


def _few(value: Any) -> Any:
    if isinstance(value, Mapping | list) and len(value) > ENTRIES:
        raise ValueError(f"{len(value):,} entries, {ENTRIES:,} are the most")
    return value


Told = Annotated[JsonValue, AfterValidator(_told)]

# Of a million wrong values each would be told, which takes a hundred times the room that they do: so lists are looked
# at up to the first that is wrong, and what can't be looked at so has few entries.
Several = Annotated[list[Item], FailFast()]
FEW = BeforeValidator(_few)

Text = Annotated[str, Field(max_length=TEXT)]
Name = Annotated[str, Field(max_length=NAME)]
#: Whole numbers that floats can tell apart, and those that 64 bits hold.
Count = Annotated[int, Field(ge=0, lt=2**53)]
Whole = Annotated[int, Field(ge=-(2**63), lt=2**64)]
#: Seconds, up to thirty thousand years, and other figures that are not negative.
Amount = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]


class Form(BaseModel):
    """Known keys must fit, others may have any value that JSON knows, nested 255 deep at most."""

    model_config = ConfigDict(extra="allow", strict=True)
    if not TYPE_CHECKING:  # for pydantic; a type checker would take it for one more argument
        __pydantic_extra__: dict[str, JsonValue]


class _Recipe(Form):
    name: Name = ""


class _Source(Form):
    """A network that training began with."""

    source: Name
    digest: Name


class _ExtraData(Form):
    """Images beside those of the data set."""

    name: Name
    digest: Name
    images: Count
    share: float
    test_images: Count = 0
    validation_images: Count = 0


class _Extra(Form):
    """What training adds; see `benchmark.training`."""

    run: Name = ""
    settings: dict[str, JsonValue] = {}
    inner: Name | None = None
    outer: Name | None = None
    minimises: Text = ""
    teachers: Several[Name] = []
    precision: Name = ""
    hardware: Name = ""
    seconds: Amount = 0.0
    init: _Source | None = None
    inits: Several[_Source] = []
    extra_data: _ExtraData | None = None


class Card(Form):
    """A network's card; for what the keys mean see `Checkpoint`. What readers do not use may be anything."""

    name: Name
    method: Name
    network: Name
    architecture: Name
    dataset: Name
    scale: Name = ""
    seed: Whole | None = None
    history: Several[Annotated[dict[Name, Told], FEW]] = []
    recipe: _Recipe = _Recipe()
    versions: Annotated[dict[Name, Name], FEW] = {}
    selection: Name = ""
    selected_epoch: Whole = 0
    numbers: Count = 0
    classes: Several[Name] = []
    outputs: Several[Count] = []
    unordered: Name = ""
    stands_for: Several[Name] = []
    last_layer: Name = ""
    extra: _Extra = _Extra()


def misfit(form: type[BaseModel], value: Any) -> str | None:
    """What is wrong with `value`, and where, or None if it has that form."""
    try:
        form.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))[:LONGEST]}: {first['msg'].removeprefix('Value error, ')}"
    return None


def plain(value: Any) -> Any:
    """`value` with tuples as lists, and with what JSON can't say, NaN and infinity, as words."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return str(value)
    return value
