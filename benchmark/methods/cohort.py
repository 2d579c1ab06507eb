"""Cohorts: which networks a method trains, which of them are attacked, and which frozen teachers they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from benchmark.parameters import Norm, Start

#: The defences that can be trained side by side; the inner objective of each, and where its ascent starts.
Side = Literal["at", "trades", "alp"]
_INNER: dict[Side, tuple[str, Start]] = {
    "at": ("ce", "uniform"),
    "trades": ("trades", "gaussian"),
    "alp": ("ce", "uniform"),
}


@dataclass(frozen=True)
class Member:
    """A network that is trained.

    Attributes:
        name: what is appended to the method's name in its checkpoint's; "" where there is only one network.
        attacked: whether adversarial examples are crafted against it.
        norm: the only norm it is attacked in (a specialist's); None means the norms of the inner maximisation.
        objective, start: the inner objective and the start it has for itself, by name; None means the method's.
        kept: whether it becomes a checkpoint; a scaffold for another network doesn't.
    """

    name: str = ""
    attacked: bool = True
    norm: str | None = None
    objective: str | None = None
    start: Start | None = None
    kept: bool = True


@dataclass(frozen=True)
class Cohort:
    """The networks of a method.

    Attributes:
        members: the networks that learn together, in the order in which a `Batch` has them.
        teachers: the roles of the frozen networks, which never change.
    """

    members: tuple[Member, ...]
    teachers: tuple[str, ...] = ()

    def __str__(self) -> str:
        trained = ", ".join(member.name or "one" for member in self.members)
        return f"{trained}; frozen: {', '.join(self.teachers)}" if self.teachers else trained


def single() -> Cohort:
    """One network."""
    return Cohort((Member(),))


def mutual(networks: Annotated[int, Field(ge=2, le=26)] = 2) -> Cohort:
    """Several networks that are attacked alike and teach each other.

    Args:
        networks: how many, 2 to 26; they are called h1, h2, ...
    """
    return Cohort(tuple(Member(f"h{n}") for n in range(1, networks + 1)))


def generalist(norms: tuple[Norm, ...] = ("linf", "l2", "l1"), specialist_start: Start = "uniform") -> Cohort:
    """A generalist attacked in all norms and one specialist per norm, whose attack begins where it likes."""
    return Cohort((Member("generalist"), *(Member(norm, norm=norm, start=specialist_start) for norm in norms)))


def natural_and_robust() -> Cohort:
    """A network trained on clean images beside one that is attacked."""
    return Cohort((Member("natural", attacked=False), Member("robust")))


def scaffolded() -> Cohort:
    """An attacked network and a throw-away copy trained on clean images."""
    return Cohort((Member(), Member("natural", attacked=False, kept=False)))


def pair(pair: tuple[Side, Side] = ("trades", "alp")) -> Cohort:
    """Two networks, each trained by a defence of its own."""
    inner = (_INNER[side] for side in pair)
    return Cohort(tuple(Member(f"h{n}", objective=o, start=start) for n, (o, start) in enumerate(inner, 1)))


def student(roles: tuple[str, ...] = ("teacher",), /) -> Cohort:
    """One network that learns from frozen teachers.

    Args:
        roles: of the teachers, in the order in which `--teacher` gives them.
    """
    return Cohort((Member(),), teachers=roles)
