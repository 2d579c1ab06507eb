"""The schedules that a recipe may name; what they do to the rate is in `benchmark.recipes.schedules`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from benchmark.parameters import NotNegative
from benchmark.recipes.truths import no_truth

Epochs = Annotated[int, Field(ge=1), BeforeValidator(no_truth)]
Share = Annotated[float, Field(gt=0, lt=1), BeforeValidator(no_truth)]
Factor = Annotated[float, Field(gt=0, le=1), BeforeValidator(no_truth)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @property
    def spans_training(self) -> bool:
        """Whether the rate in an epoch goes by how many epochs there are in all."""
        return False


class Constant(_Strict):
    name: Literal["constant"] = "constant"


class Multistep(_Strict):
    name: Literal["multistep"]
    milestones: tuple[Epochs, ...]
    factor: Factor = 0.1


class Exponential(_Strict):
    name: Literal["exponential"]
    factor: Factor
    every: Epochs


class Cosine(_Strict):
    name: Literal["cosine"]
    span: Epochs | None = None

    @property
    def spans_training(self) -> bool:
        return self.span is None

    @model_serializer(mode="wrap")
    def _said(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without a span that is that of the training, so that a run from before there were any is the same run."""
        return {key: value for key, value in handler(self).items() if value is not None}


class OneCycle(_Strict):
    name: Literal["one-cycle"]
    warmup: Share = 0.3

    @property
    def spans_training(self) -> bool:
        return True


class PiecewiseLinear(_Strict):
    name: Literal["piecewise-linear"]
    knots: Annotated[tuple[tuple[float, NotNegative], ...], Field(min_length=2), BeforeValidator(no_truth)]


#: `schedule: cosine` stands for `schedule: {name: cosine}`.
Schedule = Annotated[
    Constant | Multistep | Exponential | Cosine | OneCycle | PiecewiseLinear,
    Field(discriminator="name"),
    BeforeValidator(lambda value: {"name": value} if isinstance(value, str) else value),
]

#: All of them.
KINDS = (Constant, Multistep, Exponential, Cosine, OneCycle, PiecewiseLinear)
