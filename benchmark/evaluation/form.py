"""What manifests and records must look like: a results folder may be anybody's, and a checksum proves no sense."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from benchmark.evaluation.classes import read_classes

Text = Annotated[str, Field(max_length=100_000)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Numbers = Annotated[str, Field(max_length=2**21, pattern=r"^-?[0-9]{1,9}( -?[0-9]{1,9})*$")]
Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Form(BaseModel):
    """Known keys must fit, others are let through."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Card(_Form):
    name: Text
    method: Text
    network: Text
    architecture: Text
    dataset: Text
    digest: Text
    seed: int | None = None
    history: list[dict[str, float | int | str | None]] = []
    recipe: dict[str, JsonValue] = {}
    extra: dict[str, JsonValue] = {}
    classes: list[Text] = []
    outputs: list[Count] = []
    unordered: Text = ""
    stands_for: list[Text] = []
    last_layer: Text = ""


class _Item(_Form):
    label: Text
    attack: dict[str, JsonValue]
    norm: Text
    epsilon: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    restarts: Annotated[int, Field(ge=1)]
    kind: Literal["budget", "minimal"]
    source: Text
    paper: Text


class _Threat(_Form):
    norm: Text
    epsilon: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Said(_Form):
    scale: Text | None = None
    epsilon: dict[Text, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = {}


class _Suite(_Form):
    name: Text
    scale: Text = ""
    radii: _Said | None = None
    preset: Text
    digest: Text
    items: Annotated[list[_Item], Field(min_length=1)]
    union: list[_Threat] | None = None
    sources: list[Text] = []
    differences: list[Text] = []


class _Data(_Form):
    name: Text
    digest: Text
    images: Annotated[int, Field(ge=1)]


class _Classes(_Form):
    names: Annotated[list[Text], Field(min_length=1)]
    labels: Numbers
    answers: Numbers

    @model_validator(mode="after")
    def _makes_sense(self) -> _Classes:
        read_classes(vars(self))
        return self


class Manifest(_Form):
    """An evaluation as it is filed."""

    id: Text
    model: _Card
    suite: _Suite
    dataset: _Data
    mode: Literal["full", "worst-case"]
    seed: int
    precision: Text
    notes: list[Text]
    records: dict[str, list[Text]]
    crafted_on: _Card | None = None
    rules: int = 1
    classes: _Classes | None = None

    @model_validator(mode="after")
    def _knows_all_images(self) -> Manifest:
        if self.classes is not None and self.classes.labels.count(" ") + 1 != self.dataset.images:
            raise ValueError(f"the classes of {self.dataset.images} images are not told")
        return self


class _Shard(_Form):
    digest: Text
    start: Count
    stop: Count


class Key(_Form):
    """What a record is filed under, as far as readers use it."""

    network: Text
    data: _Shard
    attack: dict[str, JsonValue]


class _Probe(_Form):
    images: Annotated[int, Field(ge=1, lt=2**53)]
    dead: Count
    uphill: Count

    @model_validator(mode="after")
    def _adds_up(self) -> _Probe:
        if self.dead + self.uphill > self.images:
            raise ValueError("more gradients are dead or lead uphill than there are images")
        return self


class Info(_Form):
    """What a record says besides its arrays."""

    error: Text | None
    seconds: Number
    forwards: Count
    backwards: Count
    dead_gradients: Count
    disagreements: Count
    attacked: Count
    faults: dict[str, Count]
    hardware: Text
    date: Text
    changed_answers: Count = 0
    warnings: list[Text] = []
    versions: dict[str, Text] = {}
    probe: _Probe | None = None


def misfit(form: type[BaseModel], value: Any) -> str | None:
    """What is wrong with `value`, or None if it has that form."""
    try:
        form.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return None
