"""The runs that make teachers where nobody else is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from benchmark.errors import BadInput, short
from benchmark.methods.method import BoundMethod


@dataclass(frozen=True)
class TeacherRun:
    """The run that makes a teacher: `method`, `settings` and `inner` as `benchmark.train` takes them."""

    method: str
    settings: dict[str, Any] = field(default_factory=dict)
    inner: str | None = None


#: Who teaches where nobody else is named: by role, or by method where its paper says so.
TEACHERS: dict[str, TeacherRun] = {
    "natural": TeacherRun("natural"),
    "robust": TeacherRun("trades"),
    "teacher": TeacherRun("trades"),
    # Trained alone with MAT's boosted cross-entropy, which its attack climbs, too: arXiv:2112.05005, eq. 1 and
    # section 3.2.5.
    "mat-rob-rob-offline": TeacherRun("at", {"loss": "bce"}, inner="bce"),
    "mat-nat-rob-offline": TeacherRun("natural", {"loss": "bce"}),
}


def usual_teachers(method: str, bound: BoundMethod, recipe_settings: Mapping[str, Any]) -> tuple[TeacherRun, ...]:
    """The usual teachers of a method, one for each of its roles.

    Args:
        method: its name; `bound`, with all hyper-parameters decided.
        recipe_settings: the settings of the recipe that teachers and students share.

    Raises:
        BadInput: nobody is known for a role.
    """
    if method == "dd":  # its teacher has to be trained at the student's temperature
        settings = {"temperature": bound.settings["temperature"]}
        return (TeacherRun("natural", {**recipe_settings, **settings}),)
    found = []
    for role in bound.cohort.teachers:
        if method not in TEACHERS and role not in TEACHERS:
            raise BadInput(
                f"method {method}: no method is known that trains the teacher {short(role)}; "
                "name a checkpoint with --teacher"
            )
        usual = TEACHERS.get(method) or TEACHERS[role]
        found.append(replace(usual, settings={**recipe_settings, **usual.settings}))
    return tuple(found)
