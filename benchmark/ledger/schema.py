"""What manifests and records must look like: a results folder may be anybody's, and a checksum proves no sense."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import FailFast, Field, JsonValue, create_model, model_validator
from pydantic.fields import FieldInfo

from benchmark.card import FEW, Amount, Card, Count, Form, Several, Text, Whole, misfit
from benchmark.ledger.classes import read_classes
from benchmark.ledger.positions import read_positions
from benchmark.storage import digest

__all__ = ["Info", "Infos", "Key", "Manifest", "Shards", "misfit", "shards_told", "suite_digest"]

Numbers = Annotated[str, Field(max_length=2**21, pattern=r"^-?[0-9]{1,9}( -?[0-9]{1,9})*$")]


#: Whatever is computed with a radius stays finite.
Radius = Annotated[float, Field(ge=1e-12, le=1e12)]


class _Network(Card):
    digest: Text


class _Item(Form):
    label: Text
    attack: dict[str, JsonValue]
    norm: Text
    epsilon: Radius
    restarts: Annotated[int, Field(ge=1, lt=2**53)]
    kind: Literal["fixed-budget", "minimum-norm", "budget", "minimal"]
    source: Text
    paper: Text


class _Threat(Form):
    norm: Text
    epsilon: Radius


class _Said(Form):
    scale: Text | None = None
    epsilon: Annotated[dict[Text, Radius], FEW] = Field(default_factory=dict)


class _Suite(Form):
    name: Text
    scale: Text = ""
    radii: _Said | None = None
    preset: Text
    digest: Text
    items: Annotated[Several[_Item], Field(min_length=1)]
    union: Annotated[list[_Threat] | None, FEW] = None
    margin: Annotated[float, Field(gt=0, lt=100)] | None = None
    sources: Several[Text] = Field(default_factory=list)
    differences: Several[Text] = Field(default_factory=list)


class _Data(Form):
    name: Text
    digest: Text
    images: Annotated[int, Field(ge=1, lt=2**53)]


class _Classes(Form):
    names: Annotated[Several[Text], Field(min_length=1)]
    labels: Numbers
    answers: Numbers

    @model_validator(mode="after")
    def _makes_sense(self) -> _Classes:
        read_classes(vars(self))
        return self


#: What decides the numbers of one attack of a suite; the rest of its definition is told to readers.
_DECIDING = ("label", "attack", "norm", "epsilon", "restarts")


def suite_digest(suite: Mapping[str, Any], images: int) -> str:
    """The digest of what decides the numbers of a suite.

    Args:
        suite: the definitions of its attacks under "items", and of the threats that count, if not all, under "union".
        images: how many test images they are tried on.
    """
    items = [{name: item[name] for name in _DECIDING} for item in suite["items"]]
    content: dict[str, Any] = {"items": items, "images": images}
    counted = suite.get("union")
    if counted is not None and _threats(counted) != _threats(items):
        content["union"] = counted
    return digest(content)


def _threats(told: Iterable[Mapping[str, Any]]) -> set[tuple[str, float]]:
    return {(threat["norm"], threat["epsilon"]) for threat in told}


class _Judging(Form):
    draws: Annotated[int, Field(ge=1, le=10_000)] = 1
    verdict_passes: Annotated[int, Field(ge=2, le=10_000)] | None = None
    eight_bit: bool = False


class _Sample(Form):
    metric: Text
    images: Numbers


class Manifest(Form):
    """An evaluation as it is filed."""

    id: Text
    model: _Network
    suite: _Suite
    dataset: _Data
    mode: Literal["complete", "worst-case", "full"]
    seed: Whole
    precision: Text
    notes: Several[Text]
    records: Annotated[dict[str, Several[Text]], FEW]
    crafted_on: _Network | None = None
    rules: Count = 1
    classes: _Classes | None = None
    judging: _Judging | None = None
    sample: _Sample | None = None

    @model_validator(mode="after")
    def _knows_all_images(self) -> Manifest:
        if self.classes is not None and self.classes.labels.count(" ") + 1 != self.dataset.images:
            raise ValueError(f"the classes of {self.dataset.images} images are not told")
        if self.sample is not None:
            positions = read_positions(self.sample.images)
            if len({*positions}) < len(positions) or min(positions) < 0 or max(positions) >= self.dataset.images:
                raise ValueError("the images of the sample are not some of those, named once each")
        return self


class _Shard(Form):
    digest: Text
    start: Count
    stop: Count
    images: Numbers | None = None

    @model_validator(mode="after")
    def _says_which(self) -> _Shard:
        if self.images is not None:
            positions = read_positions(self.images)
            if self.start or self.stop != len(positions) or len({*positions}) < len(positions) or min(positions) < 0:
                raise ValueError("the images of a block are not named once each")
        return self


class Key(Form):
    """What a record is filed under, as far as readers use it."""

    network: Text
    data: _Shard
    attack: dict[str, JsonValue]


class _Probe(Form):
    images: Annotated[int, Field(ge=1, lt=2**53)]
    dead: Count
    uphill: Count

    @model_validator(mode="after")
    def _adds_up(self) -> _Probe:
        if self.dead + self.uphill > self.images:
            raise ValueError("more gradients are dead or lead uphill than there are images")
        return self


class Info(Form):
    """What a record says besides its arrays."""

    error: Text | None
    seconds: Amount
    forwards: Count
    backwards: Count
    dead_gradients: Count
    disagreements: Count
    attacked: Count
    faults: Annotated[dict[str, Count], FEW]
    hardware: Text
    date: Text
    changed_answers: Count = 0
    warnings: Several[Text] = Field(default_factory=list)
    versions: Annotated[dict[str, Text], FEW] = Field(default_factory=dict)
    probe: _Probe | None = None


def _several(field: FieldInfo) -> Any:
    """The type of a list of what `field` may hold."""
    known: Any = operator.getitem(Annotated, (field.annotation, *field.metadata, Field()))
    return Annotated[list[known], FailFast()]


_LISTS: dict[str, Any] = {name: (_several(field), []) for name, field in Info.model_fields.items()}
#: What several infos say, by name: a list of what each of them says under it.
Infos: type[Form] = create_model("Infos", __base__=Form, **_LISTS)


class Shards(Form):
    """Which images several records are about, all of them some in a row: see `shards_told`."""

    digest: Several[Text]
    start: Annotated[list[Count], FailFast()]
    stop: Annotated[list[Count], FailFast()]


def shards_told(shards: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """What the keys of several records say of their images, as `Shards` takes it: of equal digests only one."""
    told = {name: [shard[name] for shard in shards] for name in ("digest", "start", "stop")}
    return told | {"digest": [*dict.fromkeys(told["digest"])]}
