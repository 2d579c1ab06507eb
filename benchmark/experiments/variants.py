"""What is compared: a variant per method and combination of values, each checked before any is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from benchmark.data import Dataset
from benchmark.errors import BadInput, short
from benchmark.experiments.values import MOST
from benchmark.training.method import BoundMethod
from benchmark.training.plan import decide
from benchmark.training.recipe import Recipe, is_recipe_key

#: Who teaches where nobody else is named: (method, settings) by role, or by method where its paper says so.
TEACHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "natural": ("natural", {}),
    "robust": ("trades", {}),
    "teacher": ("trades", {}),
    # Trained alone with MAT's boosted cross-entropy: arXiv:2112.05005, section 3.2.5.
    "mat-rob-rob-offline": ("at", {"loss": "bce"}),
    "mat-nat-rob-offline": ("natural", {"loss": "bce"}),
}


@dataclass(frozen=True)
class Variant:
    """One of the runs that are compared.

    Attributes:
        method, settings: as `benchmark.train` takes them.
        varied: the settings that differ from variant to variant.
        judged: names of the networks whose robustness counts: those that are attacked, or all if none is.
        recipe: how it is trained.
        roles: what it calls its frozen teachers.
        teachers: (method, settings) of the runs that are its teachers, where none are given.
    """

    method: str
    settings: dict[str, Any]
    varied: dict[str, Any]
    judged: tuple[str, ...]
    recipe: Recipe
    roles: tuple[str, ...] = ()
    teachers: tuple[tuple[str, dict[str, Any]], ...] = ()

    @property
    def label(self) -> str:
        """In words: "mat, alpha 0.6"."""
        return ", ".join([self.method, *(f"{key} {value}" for key, value in self.varied.items())])


def make_variants(
    methods: Sequence[str],
    values: Mapping[str, Sequence[Any]],
    *,
    dataset: Dataset,
    architecture: str,
    recipe: str,
    given: int = 0,
) -> list[Variant]:
    """Every method with every combination of `values`.

    Args:
        methods: their names.
        values: by setting; a single one holds for all variants, and for their teachers if it is the recipe's.
        dataset, architecture, recipe: of all runs.
        given: how many teachers the caller has; with none, methods that need some get those of `TEACHERS`.

    Raises:
        BadInput: there is nothing to compare, or too much; whatever is wrong with a variant, of all of them at once.
    """
    methods = list(dict.fromkeys(methods))
    several = [key for key in values if len(values[key]) > 1]
    count = len(methods)
    for key in several:
        count *= len(values[key])
    if count < 2:
        raise BadInput(
            "there is nothing to compare; give a setting several values, as in --set alpha=0.1,0.2,...,0.9, "
            "or name several methods"
        )
    if count > MOST:
        raise BadInput(f"these are {count:,} runs, {MOST:,} are the most; leave out some values")
    problems: dict[str, None] = {}
    variants = []
    for method in methods:
        for combination in product(*values.values()):
            settings = dict(zip(values, combination, strict=True))
            try:
                resolved, bound = decide(method, dataset, architecture, recipe, settings)
                fixed = {key: value for key, value in settings.items() if key not in several and is_recipe_key(key)}
                roles, teachers = bound.cohort.teachers, () if given else _teachers(method, bound, fixed)
                if given and roles and given != len(roles):
                    raise BadInput(f"method {method} asks for {len(roles)} teachers, but {given} were given")
                varied = {key: settings[key] for key in several}
                variants.append(Variant(method, settings, varied, _judged(bound), resolved, roles, teachers))
            except BadInput as error:
                problems[str(error)] = None
    if problems:
        raise BadInput("\n".join(problems))
    return variants


def _teachers(method: str, bound: BoundMethod, fixed: Mapping[str, Any]) -> tuple[tuple[str, dict[str, Any]], ...]:
    """The usual teachers of a method, trained with the settings of the recipe that all variants share."""
    if method == "dd":  # its teacher has to be trained at the student's temperature
        settings = {"temperature": bound.settings["temperature"]}
        return (("natural", {**fixed, **settings}),)
    found = []
    for role in bound.cohort.teachers:
        if method not in TEACHERS and role not in TEACHERS:
            raise BadInput(
                f"method {method}: nobody is known to teach as {short(role)}; name a checkpoint with --teacher"
            )
        teacher, settings = TEACHERS.get(method, TEACHERS.get(role, ("", {})))
        found.append((teacher, {**fixed, **settings}))
    return tuple(found)


def _judged(bound: BoundMethod) -> tuple[str, ...]:
    kept = [member for member in bound.cohort.members if member.kept]
    attacked = [member.name for member in kept if member.attacked and bound.inner.objective is not None]
    return tuple(attacked or [member.name for member in kept])
