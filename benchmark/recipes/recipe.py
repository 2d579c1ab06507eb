"""Recipes: how long, how fast, with which radii. A YAML file, one per purpose, with overrides per method and network.

about: ...                      what it is for, shown by `bench list recipes`
lr: 0.1                         any field of `Recipe`
threats: {digits: {linf: ...}}  a row of radii per dataset scale; numbers or fractions, 8/255
steps_like: cifar10             whose steps radii of the caller's take, turned to them, where no scale is named
extends: paper                  another recipe, of which this one says only what it does otherwise
methods: [mat, "mat-*"]         which methods it is for, as shell patterns; left out means all
source: paper, section 4.1      where the values come from that stand here: a paper, a file of code, or "ours"
overrides:                      applied in order, later ones win
  - methods: [mat, "mat-*"]     also: architectures, datasets, scales; shell patterns; left out means all
    source: code, train.py      where the values of this one come from
    set: {lr: 0.01, alpha: 0.6} fields of the recipe or hyper-parameters of the method
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
)

from benchmark.documents import Schema, explain, files_by_name, is_path, path_of, read_document
from benchmark.errors import BadInput, several, unknown
from benchmark.limits import EPOCHS
from benchmark.parameters import NotNegative, Positive, plain
from benchmark.recipes import schedules
from benchmark.recipes.dotted import assign
from benchmark.recipes.origins import Origins
from benchmark.recipes.radius import Radius
from benchmark.recipes.schedule_kinds import KINDS, Constant, Schedule, Share
from benchmark.recipes.threat_rows import check_given, give
from benchmark.recipes.truths import no_truth
from benchmark.recipes.validation import Validation
from benchmark.scales import Radii, as_radii

BelowOne = Annotated[float, Field(ge=0, lt=1)]


class Recipe(BaseModel):
    """What a training run needs to know besides its method, for one method, network and dataset.

    Attributes:
        optimizer, lr, momentum, nesterov, betas, weight_decay: as torch.optim has them; AdamW takes `betas` and
            neither momentum nor nesterov.
        ema: how much of the averaged weights stays in each step, such as 0.999, see `benchmark.training.averaging`;
            the averaged ones are then validated and filed. None for the weights as they are.
        label_smoothing: ε; the cross-entropies with the labels in the outer loss take (1 − ε)·label + ε/K. The inner
            maximisation never does.
        extra_share: the part of each batch that is drawn from the extra data, if there are any.
        init_head: whether the last layer of the network that training begins with is kept or begins anew.
        schedule: what multiplies `lr`, evaluated before each step.
        epochs, batch_size: the last batch of an epoch may be smaller, a batch of one image is left out.
        augmentation: see `benchmark.training.augmentation`.
        precision: "auto", "fp32", "tf32" or "bf16"; what `--precision` says goes first.
        clip: largest norm of a network's gradient; None for no limit.
        weight_decay_of: what decays: "all" parameters, or the "weights" alone, which are no bias and of no norm.
        lr_exempt: a constant rate for what is exempt; None for the common one.
        normalisation: whether images are shifted and divided by the moments of the training "data" before they enter
            a network, or not ("none").
        validation: how the checkpoint is selected.
        threats: by norm, the radii of this dataset's scale.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    optimizer: Literal["sgd", "rmsprop", "adamw"] = "sgd"
    lr: Positive
    momentum: BelowOne = 0.9
    nesterov: bool = False
    betas: tuple[BelowOne, BelowOne] = (0.9, 0.999)
    weight_decay: NotNegative = 0.0
    ema: Share | None = None
    label_smoothing: BelowOne = 0.0
    extra_share: Share | None = None
    init_head: Literal["kept", "new"] = "kept"
    schedule: Schedule = Constant()
    epochs: Annotated[int, Field(ge=1, le=EPOCHS)]
    batch_size: Annotated[int, Field(ge=2)] = 128
    augmentation: Literal["none", "shift", "crop-flip", "reflect-crop-flip"] = "none"
    precision: Literal["auto", "fp32", "tf32", "bf16"] = "auto"
    clip: Positive | None = None
    weight_decay_of: Literal["all", "weights"] = "all"
    lr_exempt: Positive | None = None
    normalisation: Literal["data", "none"] = "data"
    validation: Validation = Validation()
    threats: Mapping[Annotated[str, Field(pattern="^(linf|l2|l1)$")], Radius]

    _no_truth = field_validator(
        *("lr", "momentum", "betas", "weight_decay", "ema", "label_smoothing", "extra_share"),
        *("epochs", "batch_size", "clip", "lr_exempt"),
        mode="before",
    )(no_truth)

    @model_serializer(mode="wrap")
    def _said(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the `YOUNGER` fields that change nothing."""
        fields = type(self).model_fields
        is_said = {name: name not in YOUNGER or getattr(self, name) != fields[name].default for name in fields}
        return {name: value for name, value in handler(self).items() if is_said[name]}

    def lr_at(self, t: float) -> float:
        """The learning rate when `t` epochs lie behind."""
        settings = self.schedule.model_dump()
        function: Callable[..., float] = getattr(schedules, settings.pop("name").replace("-", "_"))
        return self.lr * function(t, self.epochs, **settings)


#: Who chose a value that nobody is named for.
OURS = "ours"
#: Fields that networks were trained without before there were any. Where they change nothing they go unsaid, so that
#: a run from before is still the same run.
YOUNGER = (
    "betas",
    "ema",
    "label_smoothing",
    "extra_share",
    "init_head",
    "weight_decay_of",
    "lr_exempt",
    "normalisation",
)


def younger_defaults() -> dict[str, Any]:
    """What a recipe means that says nothing of the `YOUNGER` fields, as plain values."""
    return {name: plain(Recipe.model_fields[name].default) for name in YOUNGER}


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
    source: str = ""
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
    extends: str | None = None
    methods: Patterns = EVERY
    source: str = OURS
    threats: dict[str, dict[str, Any]] = Field(default_factory=dict)
    steps_like: str | None = None
    overrides: list[Override] = Field(default_factory=list)
    _where: Callable[..., str] | None = PrivateAttr(default=None)

    def is_for(self, method: str) -> bool:
        """Whether it has something to say of the method of that name."""
        return any(fnmatch(method, pattern) for pattern in self.methods)

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
        if not self.is_for(method):
            raise BadInput(
                f"{where} says nothing of the method {method}; it is for {', '.join(self.methods)}, "
                "so choose another, e.g. --recipe paper"
            )
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
                        assign(values, key, value)
                        origins.changed(key, "overrides", position, "set", key)
                    else:
                        hyper[key] = value
        give(values["threats"], radii, self.threats.get(self.steps_like or "", {}))
        for key, value in settings.items():
            assign(values, key, value)
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
    return _load(name, ())


def _load(name: str | Path, within: tuple[Path, ...]) -> RecipeFile:
    path = path_of(name, RECIPES)
    document = read_document(path, RecipeFile)
    own, where = document.content, document.where
    own._where = where
    if own.extends is None:
        if "extends" in own.model_fields_set:
            raise BadInput(f"{where('extends')}: extends names no recipe; name one, or leave it out")
        if "threats" not in own.model_fields_set:
            raise BadInput(f"{where()}: the key 'threats' is missing")
        return own
    if path.resolve() in within:
        raise BadInput(f"{where('extends')}: {own.extends} extends this recipe in turn; leave one of them out")
    if is_path(own.extends):  # beside this one, unless it says where
        base: str | Path = path.parent / own.extends
    elif own.extends in RECIPES:
        base = own.extends
    else:
        raise unknown("recipe", own.extends, RECIPES.names(), where("extends"))
    return extended(_load(base, (*within, path.resolve())), own)


def extended(base: RecipeFile, own: RecipeFile) -> RecipeFile:
    """What `base` says, and behind it what `own` says otherwise; mistakes are told with the file they stand in."""
    said: dict[str, Any] = {**(base.model_extra or {}), **(own.model_extra or {})}
    for key in ("methods", "steps_like"):
        said[key] = getattr(own if key in own.model_fields_set else base, key)
    lead = [Override(source=own.source, set=dict(own.model_extra))] if own.model_extra else []
    found = RecipeFile(
        **said,
        about=own.about,
        source=base.source,
        threats={**base.threats, **own.threats},
        overrides=[*base.overrides, *lead, *own.overrides],
    )
    before, behind = len(base.overrides), len(base.overrides) + len(lead)

    def where(*path: Hashable) -> str:
        theirs, ours = base._where or _nowhere, own._where or _nowhere
        if path[:1] == ("overrides",) and len(path) > 1 and isinstance(path[1], int):
            if path[1] < before:
                return theirs(*path)
            return ours("overrides", path[1] - behind, *path[2:]) if path[1] >= behind else ours(*path[3:])
        is_own = path[:2] == ("threats", *path[1:2]) and path[1:2] and path[1] in own.threats
        return ours(*path) if is_own or (path and path[0] in (own.model_extra or {})) else theirs(*path)

    found._where = where
    return found


def _nowhere(*path: Hashable) -> str:
    return "the recipe"


def _all_errors(error: ValidationError, origins: Origins) -> str:
    return several(explain(origins.of(item["loc"]), item, _fields()) for item in error.errors(include_url=False))


def _fields() -> Iterable[str]:
    nested = (Recipe, Radius, Validation, *KINDS)
    return {name for part in nested for name in part.model_fields}


#: Every recipe by name: the path of its file.
RECIPES = files_by_name("recipe", Path(__file__).parent)
