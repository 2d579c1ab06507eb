"""How a checkpoint is selected: on how many training images that are held out, and by which attack."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from benchmark.limits import HELD_OUT
from benchmark.parameters import Positive
from benchmark.radii import read_number
from benchmark.recipes.truths import no_truth


def _images(value: Any) -> Any:
    value = read_number(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if (is_number and 0 <= value <= HELD_OUT) or (isinstance(value, float) and 0 < value < 1):
        return value
    raise PydanticCustomError(
        "images", f"input should be a number of images from 0 to {HELD_OUT}, or a part of them, such as 0.2"
    )


#: A number of images, or a part of them.
Images = Annotated[int | float, BeforeValidator(_images)]


class Validation(BaseModel):
    """How the checkpoint is selected: PGD on held-out images, every `every` epochs and at the end.

    Attributes:
        images: how many, but not more than the data set holds out by itself, or which part of its training images,
            0.2; 0 for none: then all are trained on, and the last weights are selected.
        held_out: how many training images, or which part of them, are left out of training; None for as many as
            `images`, of which there are never fewer.
        steps: gradient steps.
        step: the length of one as a part of the radius; None for 2.5/steps.
        start: where they begin, see `benchmark.methods.starts`; "gaussian" is as TRADES evaluates.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    images: Images = 1000
    held_out: Images | None = None
    steps: Annotated[int, Field(ge=1)] = 10
    step: Positive | None = None
    start: Literal["uniform", "gaussian", "zero"] = "uniform"
    every: Annotated[int, Field(ge=1)] = 1

    _no_truth = field_validator("steps", "step", "every", mode="before")(no_truth)

    def left_out(self, images: int, usual: int) -> int:
        """How many of so many images are not trained on, where the data set holds out `usual` by itself."""
        said = (self.images, self.held_out or 0) if self.images else (0,)
        return max(_count(each, images, usual) for each in said)

    def measured(self, images: int, usual: int) -> int:
        """On how many of those the attack is tried."""
        return _count(self.images, images, usual)


def _count(said: float, images: int, usual: int) -> int:
    return max(round(said * images), 1) if isinstance(said, float) else min(said, usual)
