"""Recipes: how long, how fast, with which radii. A YAML file, one per purpose, with overrides per method and network.

about: ...                      what it is for, shown by `bench list recipes`
lr: 0.1                         any field of `Recipe`
threats: {digits: {linf: ...}}  a row of radii per dataset scale; numbers or fractions, 8/255
steps_like: cifar10             whose steps radii of the caller's take, turned to them, where no scale is named
overrides:                      applied in order, later ones win
  - methods: [mat, "mat-*"]     also: architectures, datasets, scales; shell patterns; left out means all
    set: {lr: 0.01, alpha: 0.6} fields of the recipe or hyper-parameters of the method
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic_core import PydanticCustomError

from benchmark.documents import Schema, explain, files_by_name, path_of, read_document
from benchmark.errors import BadInput, several, unknown
from benchmark.limits import EPOCHS
from benchmark.parameters import NotNegative, Positive
from benchmark.radii import read_number
from benchmark.recipes import schedules
from benchmark.recipes.origins import Origins
from benchmark.recipes.threat_rows import check_given, give
from benchmark.scales import Radii, as_radii

Epochs = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Factor = Annotated[float, Field(gt=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _gap(value: Any) -> Any:
    value = read_number(value)
    if value == "step" or (isinstance(value, int | float) and 0 <= value < 0.5):
        return value
    raise PydanticCustomError("gap", "input should be step, or a number from 0 to less than 0.5")


Gap = Annotated[float | Literal["step"], BeforeValidator(_gap)]


class Radius(_Strict):
    """One row of a threat model: the ball and how training climbs in it.

    Attributes:
        epsilon, step_size: in the norm's unit, pixels in [0, 1]; may be written as a fraction, 8/255.
        steps: gradient steps.
        k, gap: which coordinates an l1 step moves, see `benchmark.attacks.ascent.Move`.
    """

    epsilon: Annotated[Positive, BeforeValidator(read_number)]
    step_size: Annotated[Positive, BeforeValidator(read_number)]
    steps: Annotated[int, Field(ge=1)]
    k: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (1, 1)
    gap: Gap = 0.0


class Constant(_Strict):
    name: Literal["constant"] = "constant"


class Multistep(_Strict):
    name: Literal["multistep"]
    milestones: tuple[Epochs, ...]
    factor: Factor = 0.1


class Exponential(_Strict):
    name: Literal["exponential"]
    factor: Factor
    every: Epochs


class Cosine(_Strict):
    name: Literal["cosine"]
    span: Epochs | None = None


class OneCycle(_Strict):
    name: Literal["one-cycle"]
    warmup: Share = 0.3


class PiecewiseLinear(_Strict):
    name: Literal["piecewise-linear"]
    knots: Annotated[tuple[tuple[float, NotNegative], ...], Field(min_length=2)]


#: `schedule: cosine` stands for `schedule: {name: cosine}`.
Schedule = Annotated[
    Constant | Multistep | Exponential | Cosine | OneCycle | PiecewiseLinear,
    Field(discriminator="name"),
    BeforeValidator(lambda value: {"name": value} if isinstance(value, str) else value),
]


class Validation(_Strict):
    """How the checkpoint is selected: PGD on the first `images` held-out images, every `every` epochs and at the end.

    A step has length 2.5 ε / steps.
    """

    images: Annotated[int, Field(ge=1)] = 1000
    steps: Annotated[int, Field(ge=1)] = 10
    every: Epochs = 1


class Recipe(_Strict):
    """What a training run needs to know besides its method, for one method, network and dataset.

    Attributes:
        optimizer, lr, momentum, nesterov, weight_decay: as torch.optim has them.
        schedule: what multiplies `lr`, evaluated before each step.
        epochs, batch_size: the last batch of an epoch may be smaller, a batch of one image is left out.
        augmentation: see `benchmark.training.augmentation`.
        precision: "auto", "fp32" or "bf16"; what `--precision` says goes first.
        clip: largest norm of a network's gradient; None for no limit.
        validation: how the checkpoint is selected.
        threats: by norm, the radii of this dataset's scale.
    """

    optimizer: Literal["sgd", "rmsprop"] = "sgd"
    lr: Positive
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    nesterov: bool = False
    weight_decay: NotNegative = 0.0
    schedule: Schedule = Constant()
    epochs: Annotated[int, Field(ge=1, le=EPOCHS)]
    batch_size: Annotated[int, Field(ge=2)] = 128
    augmentation: Literal["none", "shift", "crop-flip", "reflect-crop-flip"] = "none"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    clip: Positive | None = None
    validation: Validation = Validation()
    threats: Mapping[Annotated[str, Field(pattern="^(linf|l2|l1)$")], Radius]

    def lr_at(self, t: float) -> float:
        """The learning rate when `t` epochs lie behind."""
        settings = self.schedule.model_dump()
        function: Callable[..., float] = getattr(schedules, settings.pop("name").replace("-", "_"))
        return self.lr * function(t, self.epochs, **settings)


#: Shell patterns; a list in the file.
Patterns = Annotated[tuple[str, ...], Field(strict=False)]
EVERY = ("*",)


class Override(Schema):
    """Settings for the runs whose method, network, dataset and scale match.

    What says a radius should say for which scale, since it is right for no other.
    """

    methods: Patterns = EVERY
    architectures: Patterns = EVERY
    datasets: Patterns = EVERY
    scales: Patterns = EVERY
    set: dict[str, Any]

    def matches(self, method: str, architecture: str, dataset: str, scale: str) -> bool:
        asked = (
            (self.methods, method),
            (self.architectures, architecture),
            (self.datasets, dataset),
            (self.scales, scale),
        )
        return all(any(fnmatch(name, pattern) for pattern in patterns) for patterns, name in asked)


class RecipeFile(Schema):
    """A recipe as it is written down: common fields, rows of radii per scale, overrides."""

    model_config = ConfigDict(extra="allow")

    about: str = ""
    threats: dict[str, dict[str, Any]]
    steps_like: str | None = None
    overrides: list[Override] = Field(default_factory=list)
    _where: Callable[..., str] | None = PrivateAttr(default=None)

    def places(self, method: str, architecture: str, dataset: str, scale: str) -> dict[str, str]:
        """Where the overrides give the method of a run its hyper-parameters: "recipe.yaml:9" by their names."""
        where = self._where or (lambda *path: "the recipe")
        return {
            key: where("overrides", position, "set", key)
            for position, override in enumerate(self.overrides)
            if override.matches(method, architecture, dataset, scale)
            for key in override.set
            if not is_recipe_key(key)
        }

    def resolve(
        self,
        method: str,
        architecture: str,
        dataset: str,
        scale: str | Radii,
        settings: Mapping[str, Any],
        where: str,
    ) -> tuple[Recipe, dict[str, Any]]:
        """The recipe of one run, and the hyper-parameters that its overrides give the method.

        Args:
            scale: whose row of radii to take, or all that is said about radii; norms without one are left out.
            settings: values by name, dots leading inwards ("threats.linf.epsilon"); only the recipe's.
            where: what to call the file in an error.

        Raises:
            BadInput: keys that don't exist, values that don't fit (all of them at once), no scale of a name that the
                caller said, radii that contradict each other.
        """
        radii = as_radii(scale)
        if radii.named and radii.scale not in self.threats:
            raise unknown("dataset scale", radii.scale, self.threats, f"{where}: threats")
        row = self.threats.get(radii.scale, {})
        values = copy.deepcopy(self.model_extra or {}) | {"threats": copy.deepcopy(row)}
        hyper: dict[str, Any] = {}
        origins = Origins(self._where or (lambda *path: where), copy.deepcopy(values), radii.scale)
        for position, override in enumerate(self.overrides):
            if override.matches(method, architecture, dataset, radii.scale):
                for key, value in override.set.items():
                    if is_recipe_key(key):
                        _assign(values, key, value)
                        origins.changed(key, "overrides", position, "set", key)
                    else:
                        hyper[key] = value
        give(values["threats"], radii, self.threats.get(self.steps_like or "", {}))
        for key, value in settings.items():
            _assign(values, key, value)
            origins.changed(key)
        check_given(values["threats"], radii, where)
        threats = values["threats"]
        if isinstance(threats, dict):  # what else a setting made of it is refused below
            said = {norm for norm, threat in threats.items() if not isinstance(threat, dict) or "epsilon" in threat}
            values["threats"] = {norm: threat for norm, threat in threats.items() if norm in row or norm in said}
        try:
            return Recipe.model_validate(values), hyper
        except ValidationError as error:
            raise BadInput(_all_errors(error, origins)) from error


def is_recipe_key(key: str) -> bool:
    """Whether `key` (up to its first dot) is a field of a recipe rather than a method's hyper-parameter."""
    return key.split(".")[0] in Recipe.model_fields


def recipe_names() -> list[str]:
    """The recipes that can be named: those of this package and of others."""
    return RECIPES.names()


def load_recipe(name: str | Path) -> RecipeFile:
    """The recipe called `name`, or the one in the YAML file of that path, see `documents.path_of`.

    Raises:
        BadInput: no such recipe, or not a recipe; the line of each mistake is named.
    """
    document = read_document(path_of(name, RECIPES), RecipeFile)
    document.content._where = document.where
    return document.content


def _assign(values: dict[str, Any], key: str, value: Any) -> None:
    """Set the value at a dotted key; a mapping is merged into the one that is there, unless it has another name."""
    *path, last = key.split(".")
    for part in path:
        inner = values.setdefault(part, {})
        if not isinstance(inner, dict):  # the short form of a schedule
            inner = values[part] = {"name": inner}
        values = inner
    old = values.get(last)
    if isinstance(old, dict) and isinstance(value, dict) and old.get("name") == value.get("name", old.get("name")):
        for part, item in value.items():
            _assign(old, part, item)
    else:
        values[last] = copy.deepcopy(value)


def _all_errors(error: ValidationError, origins: Origins) -> str:
    return several(explain(origins.of(item["loc"]), item, _fields()) for item in error.errors(include_url=False))


def _fields() -> Iterable[str]:
    nested = (Recipe, Radius, Validation, Multistep, Exponential, Cosine, OneCycle, PiecewiseLinear)
    return {name for part in nested for name in part.model_fields}


#: Every recipe by name: the path of its file.
RECIPES = files_by_name("recipe", Path(__file__).parent)
