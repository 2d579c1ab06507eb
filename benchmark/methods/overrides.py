"""What `--inner` and `--outer` stand for: the attack or the loss of another method, or a single objective or loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmark.errors import BadInput, unknown
from benchmark.methods.method import BoundMethod, Method
from benchmark.methods.objectives import OBJECTIVES
from benchmark.methods.outer import OUTERS, Outer
from benchmark.methods.table import METHODS
from benchmark.own.files import is_spec
from benchmark.parameters import parameters


def bind_method(
    method: str, settings: Mapping[str, Any], where: str, inner: str | None = None, outer: str | None = None
) -> BoundMethod:
    """The method of that name with other hyper-parameters, another attack or another outer loss.

    Args:
        settings: hyper-parameters by name, as `Method.bind` takes them.
        where: what to put in front of an error.
        inner: a method, whose whole attack takes the place of this one's, or else an inner objective, which takes
            the place of this one's objective alone.
        outer: a method whose outer loss is minimised, or else an outer loss.

    Raises:
        BadInput: unknown names; hyper-parameters that are unknown or out of range, all of them at once.
    """
    own = METHODS.get(method)
    attack = None if inner is None else attack_of(inner, own, where)
    objective = OBJECTIVES.get(inner, where) if inner and not attack else None
    return own.bind(settings, where, attack, objective, loss_of(outer, where) if outer else None)


def attack_of(inner: str, own: Method, where: str) -> Method | None:
    """The method whose whole attack `inner` names; None where it names an inner objective.

    Args:
        inner: what `--inner` says; where a name is both, the method is meant.
        own: the method that is to be attacked so.
        where: what to put in front of an error.

    Raises:
        BadInput: it names neither, or a method whose networks are not attacked alike.
    """
    if inner not in METHODS:
        if inner not in OBJECTIVES and not is_spec(inner):  # of a file of one's own it is said what is wrong
            raise unknown("method or inner objective", inner, {*METHODS.names(), *OBJECTIVES.names()}, where)
        return None
    donor = METHODS.get(inner)
    sides = sorted({member.objective for member in donor.cohort().members if member.objective})
    if sides and donor is not own:
        raise BadInput(
            f"{where}: --inner {inner}: its networks are attacked each in a way of its own; name one of these ways, "
            f"--inner {' or --inner '.join(sides)}"
        )
    return donor


def loss_of(outer: str, where: str) -> Outer:
    """The outer loss of the method that `outer` names, or the loss of that name.

    Raises:
        BadInput: it names neither.
    """
    if outer in METHODS:
        return METHODS.get(outer).outer
    if outer not in OUTERS and not is_spec(outer):
        raise unknown("method or outer loss", outer, {*METHODS.names(), *OUTERS.names()}, where)
    return OUTERS.get(outer)


def usual_settings(
    own: Method,
    settings: Mapping[str, Any],
    inner: str | None,
    outer: str | None,
    of: Callable[[str], Mapping[str, Any]],
) -> dict[str, Any]:
    """The hyper-parameters that a recipe gives to the parts of a run: to each, those for the method it comes from.

    Args:
        own: the method, some of whose parts are replaced.
        settings: what the recipe gives to it.
        inner, outer: what replaces them, as `bind_method` takes it.
        of: what the recipe gives to the method of that name.
    """
    found = dict(settings)
    for name, names in ((inner, _of_attack), (outer, _of_loss)):
        donor = METHODS.get(name) if name is not None and name in METHODS else None
        if name is None or donor is own:
            continue
        replaced = names(own, donor is not None)
        found = {key: value for key, value in found.items() if key not in replaced}
        if donor is not None:
            taken = names(donor, True)
            found |= {key: value for key, value in of(name).items() if key in taken}
    return found


def _of_attack(method: Method, whole: bool) -> set[str]:
    """The hyper-parameters of a method's attack, or of its objective alone."""
    objective = method.inner().objective
    return {*(parameters(method.inner) if whole else ()), *(parameters(objective) if objective else ())}


def _of_loss(method: Method, _: bool) -> set[str]:
    return {*parameters(method.outer)}
