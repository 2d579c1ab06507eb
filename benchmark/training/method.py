"""What a defence is: cohort × inner × outer, chosen independently, every hyper-parameter within reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import Tensor

from benchmark.errors import BadInput, unknown
from benchmark.training.cohort import Cohort
from benchmark.training.inner import Inner
from benchmark.training.objectives import OBJECTIVES
from benchmark.training.outer import OUTERS, Outer
from benchmark.training.parameters import bind, parameters, plain
from benchmark.training.recipe import Radius, Recipe
from benchmark.training.weights import AWP, Merge


@dataclass(frozen=True)
class Method:
    """A defence as its paper defines it.

    Attributes:
        title: its full name.
        paper: who proposed it and where; `equation`, the number of its loss there, if that could be read.
        cohort: makes the networks that learn and names the frozen teachers.
        inner: makes the inner maximisation.
        outer: the loss of a step, summed over the networks that learn.
        awp: adversarial weight perturbation, off unless its γ is positive.
        merge: what becomes of a scaffold network after each epoch; None where there is none.
    """

    title: str
    paper: str
    cohort: Callable[..., Cohort]
    inner: Callable[..., Inner]
    outer: Outer
    awp: Callable[..., AWP] = AWP
    merge: Callable[..., Merge] | None = None
    equation: str = ""

    @property
    def source(self) -> str:
        """The paper, and its equation if known."""
        return f"{self.paper}, eq. {self.equation}" if self.equation else self.paper

    def bind(
        self, settings: Mapping[str, Any], where: str, inner: str | None = None, outer: str | None = None
    ) -> BoundMethod:
        """This method with other hyper-parameters, another inner objective or another outer loss.

        Args:
            settings: hyper-parameters by name; one name may reach several parts (α of the inner and the outer).
            where: what to put in front of an error.
            inner, outer: registered names that replace the method's own.

        Raises:
            BadInput: hyper-parameters that are unknown or out of range, all of them at once.
        """
        problems: list[str] = []
        make_inner = bind(self.inner, settings, problems)
        objective = OBJECTIVES.get(inner, where) if inner else make_inner().objective
        make_cohort = bind(self.cohort, settings, problems)
        loss = bind(OUTERS.get(outer, where) if outer else self.outer, settings, problems)
        make_awp = bind(self.awp, settings, problems)
        bound_objective = bind(objective, settings, problems) if objective else None
        make_merge = bind(self.merge, settings, problems) if self.merge else None
        parts = (make_cohort, make_inner, loss, make_awp, bound_objective, make_merge)
        known = {name: value for part in parts if part for name, value in parameters(part).items()}
        strangers = [str(_unknown_setting(key, known)) for key in settings if key not in known]
        if problems or strangers:
            raise BadInput(f"{where}: " + "; ".join([*strangers, *sorted(set(problems))]))
        cohort: Cohort = make_cohort()
        members = cohort.members
        if inner or "start" in settings:
            members = tuple(replace(member, start=None) for member in members)
        if inner:
            members = tuple(replace(member, objective=None) for member in members)
        return BoundMethod(
            cohort=replace(cohort, members=members),
            inner=replace(make_inner(), objective=bound_objective),
            outer=loss,
            awp=make_awp(),
            merge=make_merge() if make_merge else None,
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
    settings: dict[str, Any]


def formula(function: Callable[..., Any] | None) -> str:
    """The formula that opens the docstring of an objective or a loss; "none" for None."""
    while isinstance(function, partial):
        function = function.func
    return (function.__doc__ or "").strip().splitlines()[0].removesuffix(".") if function else "none"
