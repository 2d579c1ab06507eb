"""The networks of a plan: each is what a certain run of `benchmark.train` leads to, or is there already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmark.documents import is_path
from benchmark.errors import BadInput
from benchmark.run_names import Asked, run_name
from benchmark.scales import UNSAID, Radii

if TYPE_CHECKING:
    from benchmark.methods.method import BoundMethod


class ExtraData(NamedTuple):
    """Images beside those of the data set, by their name, "npz:FILE", and the digest of what is in it."""

    name: str
    digest: str


@dataclass(frozen=True)
class TrainingRun:
    """One run of `benchmark.train`.

    Attributes:
        name: of the run; where the method has several networks, theirs are appended.
        method, dataset, architecture, recipe, settings, inner, outer, seed: its arguments.
        teachers: the networks it learns from.
        inits: the networks it begins with; () for random weights.
        extra_data: more images that it is trained on, "npz:FILE", and their digest.
        former: what version 0.1.0 called it.
    """

    name: str
    method: str
    dataset: str
    architecture: str
    recipe: str
    seed: int
    settings: dict[str, Any] = field(default_factory=dict)
    inner: str | None = None
    outer: str | None = None
    teachers: tuple[PlannedNetwork, ...] = ()
    inits: tuple[PlannedNetwork, ...] = ()
    extra_data: ExtraData | None = None
    former: str = ""

    def __hash__(self) -> int:
        return hash(self.name)

    def obstacle(self) -> str | None:
        """Why this version of the program can't do it; None if it can."""
        from benchmark.recipes.recipe import RECIPES
        from benchmark.training import METHODS

        if not is_path(self.recipe) and self.recipe not in RECIPES:
            return f"the recipe {self.recipe} is not part of this version"
        if self.method not in METHODS:
            return f"the method {self.method} is not part of this version"
        try:
            self._bound()
        except BadInput as error:
            return str(error)
        return next((found for teacher in self.teachers if (found := teacher.obstacle())), None)

    def members(self) -> list[str]:
        """The names of the networks that become checkpoints, "" if there is only one.

        Raises:
            BadInput: the method, or one of its settings, is unknown.
        """
        return [member.name for member in self._bound().cohort.members if member.kept]

    def networks(self) -> list[PlannedNetwork]:
        """The networks that become checkpoints."""
        return [self.network(member) for member in self.members()]

    def network(self, member: str = "") -> PlannedNetwork:
        """The network of that name within the run; "" for the only one."""
        return PlannedNetwork(f"{self.name}-{member}" if member else self.name, self, member)

    def _bound(self) -> BoundMethod:
        from benchmark.methods.overrides import bind_method
        from benchmark.recipes.recipe import is_recipe_key

        settings = {key: value for key, value in self.settings.items() if not is_recipe_key(key)}
        return bind_method(self.method, settings, f"method {self.method}", self.inner, self.outer)


@dataclass(frozen=True)
class PlannedNetwork:
    """One network.

    Attributes:
        name: of its checkpoint, or the source of a published network, such as "robustbench:NAME".
        training: how it comes about; None for one that is there already.
        member: which network of the training.
        source: where it is, if it is there already and its name does not say it.
        digest: of one that is there already, if it was looked at.
        waits: why it is not known yet how it comes about; "" if it is.
    """

    name: str
    training: TrainingRun | None = None
    member: str = ""
    source: str = ""
    digest: str = ""
    waits: str = ""

    @property
    def family(self) -> str:
        """What it is part of: the run that it comes out of, or itself."""
        return self.training.name if self.training else self.name

    @property
    def former(self) -> str:
        """What version 0.1.0 called it."""
        if self.training is None:
            return self.name
        return f"{self.training.former}-{self.member}" if self.member else self.training.former

    def obstacle(self) -> str | None:
        """Why this version of the program can't make it; None if it can."""
        if self.training is None:
            return self.waits or None
        found = self.training.obstacle()
        if found is None and self.member not in self.training.members():
            return f"the method {self.training.method} has no network {self.member!r}"
        return found

    def lineage(self) -> Iterator[PlannedNetwork]:
        """This network and all that it learns from, teachers first."""
        for teacher in self.training.teachers if self.training else ():
            yield from teacher.lineage()
        yield self

    def describe(self, architecture: str) -> str:
        """What the label of a row leaves unsaid, in a panel of `architecture`: another one, and the teachers."""
        if self.training is None:
            return self.name
        parts = [self.training.architecture] if self.training.architecture != architecture else []
        teachers = [
            f"{teacher.name} ({teacher.training.architecture})" if teacher.training else teacher.name
            for teacher in self.training.teachers
        ]
        return ", ".join(parts + ([f"learns from {' and '.join(teachers)}"] if teachers else []))


def training_run(
    method: str,
    *,
    dataset: str,
    architecture: str,
    recipe: str,
    seed: int,
    settings: dict[str, Any],
    inner: str | None = None,
    outer: str | None = None,
    radii: Radii = UNSAID,
    teachers: Sequence[PlannedNetwork] = (),
    inits: Sequence[PlannedNetwork] = (),
    extra_data: ExtraData | None = None,
) -> TrainingRun:
    """The run of these arguments of `benchmark.train`, under its usual name; `radii` as the caller said them."""
    asked: dict[str, Any] = {
        "method": method,
        "dataset": dataset,
        "architecture": architecture,
        "recipe": recipe,
        "seed": seed,
        "settings": settings,
        "inner": inner,
        "outer": outer,
    }
    also: dict[str, Any] = {
        "inits": [each.name for each in inits],
        "extra_data": extra_data.name if extra_data else None,
    }
    name = run_name(**asked, radii=radii, teachers=[teacher.name for teacher in teachers], **also)
    former = Asked(**asked, radii=radii, teachers=[teacher.former for teacher in teachers], **also).former_name
    return TrainingRun(
        name, **asked, teachers=tuple(teachers), inits=tuple(inits), extra_data=extra_data, former=former
    )
