"""One row of a recipe's radii: the ball of a norm, and how training climbs in it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from benchmark.parameters import Positive
from benchmark.radii import read_number
from benchmark.recipes.truths import no_truth


def _gap(value: Any) -> Any:
    value = read_number(value)
    if value == "step" or (isinstance(value, int | float) and 0 <= value < 0.5):
        return value
    raise PydanticCustomError("gap", "input should be step, or a number from 0 to less than 0.5")


Gap = Annotated[float | Literal["step"], BeforeValidator(_gap)]


class Radius(BaseModel):
    """One row of a threat model: the ball and how training climbs in it.

    Attributes:
        epsilon, step_size: in the norm's unit, pixels in [0, 1]; may be written as a fraction, 8/255.
        steps: gradient steps.
        k, gap: which coordinates an l1 step moves, see `benchmark.attacks.ascent.Move`.
        saturated, projection: see `benchmark.methods.moves.CodedMove`; the usual step moves all coordinates that can
            move, onto the intersection of ball and box.
        restarts: further ascents in this norm, where the method makes fewer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    epsilon: Annotated[Positive, BeforeValidator(read_number)]
    step_size: Annotated[Positive, BeforeValidator(read_number)]
    steps: Annotated[int, Field(ge=1)]
    k: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (1, 1)
    gap: Gap = 0.0
    saturated: Literal["move", "skip"] = "move"
    projection: Literal["intersection", "project-clip", "clip-project"] = "intersection"
    restarts: Annotated[int, Field(ge=0)] = 0

    _no_truth = field_validator("epsilon", "step_size", "steps", "k", "gap", "restarts", mode="before")(no_truth)
