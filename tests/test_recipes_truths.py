"""True is no number, in any field of a recipe, whichever is added next."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from benchmark.recipes.radius import Radius
from benchmark.recipes.recipe import Recipe
from benchmark.recipes.schedule_kinds import KINDS
from benchmark.recipes.validation import Validation

RADIUS = {"epsilon": 0.1, "step_size": 0.1, "steps": 2}
#: In the order of `KINDS`.
SCHEDULES: tuple[dict[str, Any], ...] = (
    {"name": "constant"},
    {"name": "multistep", "milestones": [1, 2]},
    {"name": "exponential", "factor": 0.5, "every": 2},
    {"name": "cosine", "span": 3},
    {"name": "one-cycle", "warmup": 0.5},
    {"name": "piecewise-linear", "knots": [[0.0, 1.0], [1.0, 0.0]]},
)
#: What each model needs to be one.
NEEDED: list[tuple[Any, dict[str, Any]]] = [
    (Recipe, {"lr": 0.1, "epochs": 2, "threats": {"linf": RADIUS}}),
    (Radius, RADIUS),
    (Validation, {}),
    *((kind, needed) for kind, needed in zip(KINDS, SCHEDULES, strict=True)),
]


def with_truth(value: Any) -> list[Any]:
    """`value` with each of its numbers in turn replaced by True; of what is no list, True."""
    if not isinstance(value, list | tuple):
        return [True]
    return [
        [*value[:place], other, *value[place + 1 :]] for place, each in enumerate(value) for other in with_truth(each)
    ]


@pytest.mark.parametrize(("model", "needed"), NEEDED)
def test_no_field_takes_true_unless_it_is_one(model: type[BaseModel], needed: dict[str, Any]) -> None:
    made = model(**needed)
    for name, field in model.model_fields.items():
        for wrong in [True, *with_truth(getattr(made, name))]:
            if field.annotation is bool:
                assert getattr(model(**needed | {name: wrong}), name) is True
                continue
            with pytest.raises(ValidationError):
                model(**needed | {name: wrong})
