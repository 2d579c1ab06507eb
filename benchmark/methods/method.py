"""What a defence is: cohort × inner × outer, chosen independently, every hyper-parameter within reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from benchmark.errors import BadInput, unknown
from benchmark.methods.cohort import Cohort, Member
from benchmark.methods.formulas import formula_of
from benchmark.methods.inner import Inner
from benchmark.methods.objectives import OBJECTIVES, MakeObjective
from benchmark.methods.outer import Outer
from benchmark.methods.statistics import Passes
from benchmark.methods.weights import AWP, Merge
from benchmark.parameters import bind, parameters, plain
from benchmark.recipes.radius import Radius
from benchmark.recipes.recipe import Recipe


@dataclass(frozen=True)
class Method:
    """A defence as its paper defines it.

    Attributes:
        title: its full name.
        paper: who proposed it and where.
        cohort: makes the networks that learn and names the frozen teachers.
        inner: makes the inner maximisation.
        outer: the loss of a step, summed over the networks that learn.
        awp: adversarial weight perturbation, off unless its γ is positive.
        merge: what becomes of a scaffold network after each epoch; None where there is none.
        passes: passes in train mode beside those of the loss, none by themselves.
        equation: where its loss stands in the paper, if that could be read.
        code: "owner/repository@commit" of the code in which the formula was read; "" where none was found.
    """

    title: str
    paper: str
    cohort: Callable[..., Cohort]
    inner: Callable[..., Inner]
    outer: Outer
    awp: Callable[..., AWP] = AWP
    merge: Callable[..., Merge] | None = None
    passes: Callable[..., Passes] = Passes
    equation: str = ""
    code: str = ""

    def __post_init__(self) -> None:
        for name in ("cohort", "inner", "outer", "awp", "merge", "passes"):
            part = getattr(self, name)
            if not (callable(part) or (part is None and name == "merge")):
                kind = type(part).__name__
                raise BadInput(
                    f"method {self.title!r}: {name} is {kind} itself; give the function that makes it, whose keyword "
                    f"arguments are the options, such as partial({kind}, ...)"
                )

    @property
    def source(self) -> str:
        """The paper, and its equation if known."""
        return f"{self.paper}, {self.equation}" if self.equation else self.paper

    def bind(
        self,
        settings: Mapping[str, Any],
        where: str,
        attack: Method | None = None,
        objective: MakeObjective | None = None,
        loss: Outer | None = None,
    ) -> BoundMethod:
        """This method with other hyper-parameters, another attack or another outer loss; see `overrides` for names.

        Args:
            settings: hyper-parameters by name; one name may reach several parts (α of the inner and the outer).
            where: what to put in front of an error.
            attack: a method whose whole attack takes the place of this one's.
            objective: what is climbed instead, alone.
            loss: what is minimised instead.

        Raises:
            BadInput: hyper-parameters that are unknown or out of range, all of them at once.
        """
        problems: list[str] = []
        make_inner = bind((attack or self).inner, settings, problems)
        climbed = objective or make_inner().objective
        make_cohort = bind(self.cohort, settings, problems)
        minimised = bind(loss or self.outer, settings, problems)
        make_awp = bind(self.awp, settings, problems)
        bound_objective = bind(climbed, settings, problems) if climbed else None
        make_merge = bind(self.merge, settings, problems) if self.merge else None
        make_passes = bind(self.passes, settings, problems)
        parts = (make_cohort, make_inner, minimised, make_awp, bound_objective, make_merge, make_passes)
        known = {name: value for part in parts if part for name, value in parameters(part).items()}
        strangers = [str(_unknown_setting(key, known)) for key in settings if key not in known]
        if problems or strangers:
            raise BadInput(f"{where}: " + "; ".join([*strangers, *sorted(set(problems))]))
        cohort: Cohort = make_cohort()
        unknown_names = {said.rpartition(":")[0] for said in make_passes().extra_passes} - {""}
        for name in sorted(unknown_names - {member.name for member in cohort.members}):
            names = [member.name for member in cohort.members if member.name]
            raise unknown("network", name, names, f"{where}: extra_passes")
        members = cohort.members
        if ("start" in settings and "specialist_start" not in settings) or attack not in (None, self):
            members = tuple(replace(member, start=None) for member in members)
            if "specialist_start" in known:
                known["specialist_start"] = make_inner().start
        if objective or attack not in (None, self):
            members = tuple(replace(member, objective=None) for member in members)
        inner = replace(make_inner(), objective=bound_objective)
        if inner.strategy == "msd" and not any(member.norm for member in members):
            if settings.get("keep") == "last":
                raise BadInput(
                    f"{where}: keep=last: multi steepest descent keeps the point of highest loss, keep=best"
                )
            inner, known["keep"] = replace(inner, keep="best"), "best"
        return BoundMethod(
            cohort=replace(cohort, members=members),
            inner=inner,
            outer=minimised,
            awp=make_awp(),
            merge=make_merge() if make_merge else None,
            passes=make_passes(),
            settings={name: plain(value) for name, value in sorted(known.items())},
        )


def _unknown_setting(key: str, known: Iterable[str]) -> BadInput:
    if key in Radius.model_fields:
        return BadInput(f"unknown setting {key!r}; it belongs to a norm: threats.linf.{key} (or l2, l1)")
    return unknown("setting", key, [*known, *Recipe.model_fields])


@dataclass(frozen=True)
class BoundMethod:
    """A method whose hyper-parameters are all decided: what a training run follows.

    Attributes:
        settings: the hyper-parameters as plain values.
    """

    cohort: Cohort
    inner: Inner
    outer: Callable[..., Tensor]
    awp: AWP
    merge: Merge | None
    passes: Passes
    settings: dict[str, Any]

    def objective(self, member: Member) -> MakeObjective | None:
        """What is climbed against a network; None if nothing is."""
        if not member.attacked:
            return None
        return OBJECTIVES.get(member.objective) if member.objective else self.inner.objective

    def attack(self, member: Member) -> dict[str, Any]:
        """How a network is attacked, as plain values; empty if it is not."""
        objective = self.objective(member)
        if objective is None:
            return {}
        inner = self.inner
        norms = [member.norm] if member.norm else list(inner.norms)
        several = len(norms) > 1
        return {
            "climbs": formula_of(objective),
            "norms": norms,
            **({"strategy": inner.strategy} if several else {}),
            "start": member.start or inner.start,
            "keep": "best" if several and inner.strategy == "msd" else inner.keep,
            "ascent": inner.ascent,
            "bn": inner.bn,
            "restarts": inner.restarts,
            **({"restart": inner.restart} if inner.restart != "uniform" else {}),
            **({"passes": inner.passes} if inner.passes > 1 else {}),
        }
