"""What is compared: a variant per method and combination of values, each checked before any is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from benchmark.data import Dataset
from benchmark.errors import BadInput
from benchmark.experiments.values import MOST
from benchmark.methods.method import BoundMethod
from benchmark.models import Checkpoint
from benchmark.moved import look_up
from benchmark.planning.teacher_runs import TeacherRun, usual_teachers
from benchmark.recipes.recipe import Recipe, is_recipe_key
from benchmark.scales import UNSAID, Radii
from benchmark.training.decision import decide
from benchmark.training.request import initial_networks, with_extra_share
from benchmark.training.teachers import wrong_number_of_teachers

#: Settings of `--init` and `--extra-data`, which teachers that are trained for a variant have none of.
OF_VARIANTS = ("init_head", "extra_share")


@dataclass(frozen=True)
class Variant:
    """One of the runs that are compared.

    Attributes:
        method, settings: as `benchmark.train` takes them.
        varied: the settings that differ from variant to variant.
        judged: names of the networks whose robustness counts: those that are attacked, or all if none is.
        recipe: how it is trained.
        roles: what it calls its frozen teachers.
        teachers: the runs that are its teachers, where none are given.
        inner, outer: as `benchmark.train` takes them.
    """

    method: str
    settings: dict[str, Any]
    varied: dict[str, Any]
    judged: tuple[str, ...]
    recipe: Recipe
    roles: tuple[str, ...] = ()
    teachers: tuple[TeacherRun, ...] = ()
    inner: str | None = None
    outer: str | None = None

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
    inner: str | None = None,
    outer: str | None = None,
    radii: Radii = UNSAID,
    inits: Sequence[Checkpoint] = (),
    has_extra: bool = False,
) -> list[Variant]:
    """Every method with every combination of `values`.

    Args:
        methods: their names.
        values: by setting; a single one holds for all variants, and for their teachers if it is the recipe's.
        dataset, architecture, recipe, radii: of all runs; the last as the caller said them.
        inner, outer: of all variants, as `benchmark.train` takes them; not of teachers that are trained for them.
        given: how many teachers the caller has; with none, methods that need some get those of `TEACHERS`.
        inits: what the networks of all variants begin with, not those of teachers that are trained for them.
        has_extra: whether there are more images to train on.

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
                resolved, bound = decide(method, dataset, architecture, recipe, settings, inner, outer, radii)
                initial_networks(inits, method, bound, resolved, dataset)
                resolved = with_extra_share(resolved, has_extra)
                single = {key: value for key, value in settings.items() if key not in several}
                fixed = {k: value for k, value in single.items() if is_recipe_key(k) and k not in OF_VARIANTS}
                roles, teachers = bound.cohort.teachers, () if given else usual_teachers(method, bound, fixed)
                if given and roles and given != len(roles):
                    raise wrong_number_of_teachers(method, roles, given)
                varied = {key: settings[key] for key in several}
                judged = _judged(bound)
                variants.append(Variant(method, settings, varied, judged, resolved, roles, teachers, inner, outer))
            except BadInput as error:
                problems[str(error)] = None
    if problems:
        raise BadInput("\n".join(problems))
    return variants


def _judged(bound: BoundMethod) -> tuple[str, ...]:
    kept = [member for member in bound.cohort.members if member.kept]
    attacked = [member.name for member in kept if member.attacked and bound.inner.objective is not None]
    return tuple(attacked or [member.name for member in kept])


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
