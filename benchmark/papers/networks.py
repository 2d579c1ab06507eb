"""From a row of a table to the network it asks for: what to train, and what its checkpoint is called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmark.documents import is_path
from benchmark.errors import BadInput
from benchmark.papers.schema import Paper, split_run
from benchmark.papers.stage import Stage
from benchmark.run_names import run_name


@dataclass(frozen=True)
class Training:
    """One run of `benchmark.train`.

    Attributes:
        name: of the run; where the method has several networks, theirs are appended.
        method, dataset, architecture, recipe, settings, inner, outer, seed: its arguments.
        teachers: the networks it learns from.
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
    teachers: tuple[Network, ...] = ()

    def __hash__(self) -> int:
        return hash(self.name)

    def obstacle(self) -> str | None:
        """Why this version of the program can't do it; None if it can."""
        from benchmark.methods.overrides import bind_method
        from benchmark.recipes.recipe import is_recipe_key
        from benchmark.training import METHODS, recipe_names

        if self.recipe not in recipe_names() and not is_path(self.recipe):
            return f"the recipe {self.recipe} is not part of this version"
        if self.method not in METHODS:
            return f"the method {self.method} is not part of this version"
        settings = {key: value for key, value in self.settings.items() if not is_recipe_key(key)}
        try:
            bind_method(self.method, settings, f"method {self.method}", self.inner, self.outer)
        except BadInput as error:
            return str(error)
        return next((found for teacher in self.teachers if (found := teacher.obstacle())), None)

    def members(self) -> list[str]:
        """The names of the networks that become checkpoints, "" if there is only one."""
        from benchmark.training import METHODS

        bound = METHODS.get(self.method).bind({}, f"method {self.method}")
        return [member.name for member in bound.cohort.members if member.kept]


@dataclass(frozen=True)
class Network:
    """One network.

    Attributes:
        name: of its checkpoint, or the source of a published network, such as "robustbench:NAME".
        training: how it comes about; None for a published one.
        member: which network of the training.
    """

    name: str
    training: Training | None = None
    member: str = ""

    def obstacle(self) -> str | None:
        """Why this version of the program can't make it; None if it can."""
        if self.training is None:
            return None
        found = self.training.obstacle()
        if found is None and self.member not in self.training.members():
            return f"the method {self.training.method} has no network {self.member!r}"
        return found

    def lineage(self) -> Iterator[Network]:
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


def find_network(
    paper: Paper, reference: str, stage: Stage, architecture: str, seed: int, member: str = ""
) -> Network | None:
    """The network that `reference` ("run" or "run/network") stands for; None where the run exists elsewhere only.

    Args:
        paper: whose run it is.
        stage: where it is trained.
        architecture: of the panel, for runs that have none of their own.
        seed: of the training and of those of its teachers.
        member: which network of the run, if `reference` does not say it.
    """
    key, named = split_run(reference)
    run, member = paper.runs[key], named or member
    if stage.scale in run.sources:
        return Network(run.sources[stage.scale])
    if run.method is None:
        return None
    teachers = tuple(find_network(paper, teacher, stage, architecture, seed) for teacher in run.teachers)
    if None in teachers:
        return None
    asked: dict[str, Any] = {
        "method": run.method,
        "dataset": stage.dataset,
        "architecture": run.architecture.get(stage.scale, architecture),
        "recipe": run.recipe.get(stage.scale, stage.recipe),
        "seed": seed,
        "settings": {**run.settings, **run.scales.get(stage.scale, {})},
        "inner": run.inner,
        "outer": run.outer,
    }
    name = run_name(**asked, radii=stage.radii, teachers=[teacher.name for teacher in teachers if teacher])
    training = Training(name, **asked, teachers=teachers)  # type: ignore[arg-type]
    return Network(f"{training.name}-{member}" if member else training.name, training, member)
