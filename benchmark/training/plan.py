"""Everything about a run that can be wrong is decided, checked and named here, before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from benchmark.data import Dataset, load
from benchmark.data.extra import ExtraImages, load_extra
from benchmark.data.held_out import split_holdout
from benchmark.documents import in_words, parse_yaml
from benchmark.errors import BadInput
from benchmark.hardware import resolve_device, resolve_precision
from benchmark.methods.method import BoundMethod
from benchmark.methods.overrides import bind_method, usual_settings
from benchmark.methods.table import METHODS
from benchmark.models import ARCHITECTURES, Checkpoint, Given
from benchmark.models.architectures import canonical
from benchmark.own import files
from benchmark.radii import too_large, too_long
from benchmark.recipes.recipe import Recipe, is_recipe_key, load_recipe
from benchmark.run_names import Asked, checked_name, file_stem
from benchmark.scales import UNSAID, Epsilon, Named, Radii, read_radii
from benchmark.storage import digest
from benchmark.training.augmentation import number_of_extra
from benchmark.training.division import divided
from benchmark.training.dry_run import rehearse
from benchmark.training.identity import facts, images_digest, make_identity
from benchmark.training.initial import InitialNetwork, fitted, for_members, load_initial
from benchmark.training.optimizer import TAKEN_BY, check_optimizer
from benchmark.training.teachers import Teacher, load_teachers

#: The share of extra data in each batch where nobody says another: that of Rebuffi et al. 2021 and Wang et al. 2023.
EXTRA_SHARE = 0.7


@dataclass(frozen=True)
class Plan:
    """One training run, complete.

    Attributes:
        name: of the run, in any letters; its networks are called this, followed by their own name.
        method: the name of the method; `bound`, the method with all hyper-parameters decided.
        dataset, architecture, recipe, teachers, seed: what to train on, what, how, with whose help.
        device, precision: where and in which arithmetic.
        inner, outer: names of the method or objective whose attack, and of the method or loss whose outer loss takes
            the place of the method's own, if any.
        recipe_name: where the recipe came from: its name or file.
        radii: what was said about radii; the recipe has them.
        initial: for each network of the cohort what it begins with; () for random weights.
        inits: the networks that were given to begin with.
        extra_data: images that each batch is filled up with; None for none.
        former: what version 0.1.0 called the run, where nobody chose its name.
    """

    name: str
    method: str
    bound: BoundMethod
    dataset: Dataset
    architecture: str
    recipe: Recipe
    recipe_name: str
    teachers: tuple[Teacher, ...]
    seed: int
    device: torch.device
    precision: str
    inner: str | None = None
    outer: str | None = None
    radii: Radii = UNSAID
    former: str | None = None
    initial: tuple[InitialNetwork, ...] = ()
    inits: tuple[Checkpoint, ...] = ()
    extra_data: ExtraImages | None = None

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What decides the resulting weights, as plain values (the device does so only by rounding)."""
        return make_identity(
            self.method,
            self.bound,
            self.recipe,
            self.architecture,
            data=images_digest(self.dataset),
            teachers=[teacher.digest for teacher in self.teachers],
            seed=self.seed,
            precision=self.precision,
            inner=self.inner,
            outer=self.outer,
            init=[network.digest for network in self.inits],
            extra_data=self.extra_data.digest if self.extra_data else None,
        )

    def initial_of(self, n: int) -> InitialNetwork | None:
        """What the network at place `n` of the cohort begins with; None for random weights."""
        return self.initial[n] if self.initial else None

    def normalization(self, n: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation per channel of its first layer: those of the weights, or else of the data."""
        initial = self.initial_of(n)
        return (initial.mean, initial.std) if initial else self.moments

    @property
    def moments(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """What images are shifted and divided by, channel by channel, before they enter a network."""
        if self.recipe.normalisation == "data":
            return self.dataset.mean, self.dataset.std
        channels = self.dataset.shape[0]
        return (0.0,) * channels, (1.0,) * channels

    @property
    def facts(self) -> dict[str, Any]:
        """The identity by single values, in the words of a network's card."""
        return facts({**self.identity, "dataset": self.dataset.name, "inner": self.inner})

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the identity."""
        return digest(self.identity)

    @property
    def stem(self) -> str:
        """What the files of the run are called: its name as far as any file system takes it."""
        return file_stem(self.name)

    def named(self) -> list[str | None]:
        """What of the run may be of a file of one's own, by its name."""
        settings = [str(value) for value in self.bound.settings.values()]
        return [self.method, self.architecture, self.inner, self.outer, self.dataset.name, *settings]

    def checkpoint_names(self) -> list[str]:
        """The names of the networks that are kept, in the order of the cohort."""
        return [f"{self.name}-{m.name}" if m.name else self.name for m in self.bound.cohort.members if m.kept]

    def file_names(self) -> list[str]:
        """The names of their files."""
        return [f"{file_stem(name)}.pt" for name in self.checkpoint_names()]


def make_plan(
    method: str,
    *,
    dataset: str | Dataset,
    arch: str | None,
    recipe: str | Path,
    set: Mapping[str, Any] | Sequence[str] | None,
    teacher: Sequence[Given] | Given = (),
    inner: str | None = None,
    outer: str | None = None,
    seed: int,
    device: str,
    precision: str,
    scale: str | None = None,
    epsilon: Epsilon | None = None,
    download: bool = False,
    data_dir: str | Path | None = None,
    name: str | None,
    trust_remote_code: bool = False,
    init: Sequence[Given] | Given = (),
    extra_data: str | Path | None = None,
) -> Plan:
    """The run that the arguments of `benchmark.train` describe.

    Raises:
        BadInput: whatever is wrong with them.
    """
    METHODS.get(method)
    check_seed(seed)
    recipe = in_words(recipe)
    settings = parse_settings(set)
    radii = read_radii(scale, epsilon)
    data = load(dataset, data_dir=data_dir, download=download)
    if not data.can_train:
        raise BadInput(f"{data.name} has no training images, only some to evaluate on; train on other data")
    arch = canonical(arch) if arch else None
    inits = load_initial(init, data, arch, download=download, trust_remote_code=trust_remote_code)
    architecture = arch or (inits[0].architecture if inits else usual_architecture(data))
    resolved, bound = decide(method, data, architecture, recipe, settings, inner, outer, radii)
    data = divided(data, resolved.validation)
    if resolved.init_head == "new" and not inits:
        raise BadInput("init_head=new is the last layer of a network that --init names; name one, or leave it out")
    resolved = with_extra_share(resolved, extra_data is not None)
    extra = None if extra_data is None else load_extra(extra_data, data)
    begun = [fitted(network, data, resolved.init_head == "new") for network in inits]
    initial = for_members(begun, [member.kept for member in bound.cohort.members], method)
    chosen = resolve_device(device)
    teachers = load_teachers(
        method, bound.cohort.teachers, teacher, data, download=download, trust_remote_code=trust_remote_code
    )
    named = [each.name for each in teachers]
    called = [files.shown(each) for each in (method, architecture)]
    parts = [files.shown(each) if each else each for each in (inner, outer)]
    asked = Asked(called[0], data.name, called[1], recipe, settings, radii, parts[0], parts[1], seed, named)
    asked = replace(asked, inits=[network.name for network in inits], extra_data=extra.name if extra else None)
    return Plan(
        name=asked.name if name is None else checked_name(name),
        method=registered_name(method),
        bound=bound,
        dataset=data,
        architecture=architecture,
        recipe=resolved,
        recipe_name=recipe,
        teachers=teachers,
        seed=seed,
        device=chosen,
        precision=resolve_precision(precision if precision != "auto" else resolved.precision, chosen),
        inner=inner,
        outer=outer,
        radii=radii.of(data),
        former=asked.former_name if name is None and not (inits or extra) else None,
        initial=initial,
        inits=inits,
        extra_data=extra,
    )


def with_extra_share(recipe: Recipe, has_extra: bool) -> Recipe:
    """The recipe with the share of the extra data in each batch: `EXTRA_SHARE` if it says none.

    Raises:
        BadInput: it says one and there are no such data, or the share of a batch is no image.
    """
    if not has_extra:
        if recipe.extra_share is not None:
            raise BadInput(
                f"extra_share={recipe.extra_share:g} is the share of extra data in each batch, and there are none; "
                "name them, --extra-data npz:FILE, or say --set extra_share=null"
            )
        return recipe
    share = EXTRA_SHARE if recipe.extra_share is None else recipe.extra_share
    if not number_of_extra(recipe.batch_size, share):
        raise BadInput(f"extra_share={share:g} of a batch of {recipe.batch_size} is less than one image")
    return recipe.model_copy(update={"extra_share": share})


def check_seed(seed: int) -> None:
    """Raise `BadInput` unless `seed` is one, in the words of `benchmark.evaluate`."""
    if not 0 <= seed < 2**63:
        raise BadInput(f"seed must be a number from 0 to 2^63 - 1, not {seed}")


def decide(
    method: str,
    dataset: Named,
    architecture: str,
    recipe: str,
    settings: Mapping[str, Any],
    inner: str | None = None,
    outer: str | None = None,
    radii: Radii = UNSAID,
) -> tuple[Recipe, BoundMethod]:
    """What a run follows, with everything decided that `settings` leave open; `radii` as the caller said them.

    Raises:
        BadInput: an unknown name, a setting that is unknown or out of range, a norm without a radius, a radius that
            holds every image.
    """
    ARCHITECTURES.get(architecture)
    of_recipe = {key: value for key, value in settings.items() if is_recipe_key(key)}
    of_method = {key: value for key, value in settings.items() if not is_recipe_key(key)}
    where, file, radii = f"recipe {recipe}", load_recipe(recipe), radii.of(dataset)
    published, _ = split_holdout(dataset.name)

    def resolve(name: str) -> tuple[Recipe, dict[str, Any]]:
        return file.resolve(registered_name(name), architecture, published, radii, of_recipe, where)

    resolved, defaults = usual(method, resolve, inner, outer)
    try:
        bound = bind_method(method, {**defaults, **of_method}, f"method {method}", inner, outer)
    except BadInput as error:
        bind_method(method, of_method, f"method {method}", inner, outer)  # else it is the recipe that is wrong
        said = file.places(registered_name(method), architecture, published, radii.scale)
        blamed = [place for key, place in said.items() if key not in of_method and key in str(error)]
        raise BadInput(f"{' and '.join(dict.fromkeys(blamed)) or where}: {error}") from error
    missing = sorted(_norms(bound) - set(resolved.threats))
    if missing:
        raise radii.missing(missing, file.threats, where)
    _check_sizes(resolved, dataset.shape, where)
    if "optimizer" in of_recipe or of_recipe.keys() & TAKEN_BY:
        without = {key: value for key, value in of_recipe.items() if key not in ("optimizer", *TAKEN_BY)}
        usual_one = file.resolve(registered_name(method), architecture, published, radii, without, where)[0]
        check_optimizer(resolved, of_recipe, usual_one.optimizer)
    rehearse(bound, f"method {method}", resolved.label_smoothing)
    return resolved, bound


def usual(
    method: str, resolve: Callable[[str], tuple[Recipe, dict[str, Any]]], inner: str | None, outer: str | None
) -> tuple[Recipe, dict[str, Any]]:
    """What a recipe gives to a run without further settings, as it resolves for a method's name.

    Raises:
        BadInput: an unknown name, or what `resolve` raises.
    """
    recipe, own = resolve(method)
    return recipe, usual_settings(METHODS.get(method), own, inner, outer, lambda donor: resolve(donor)[1])


def usual_architecture(dataset: Dataset) -> str:
    """The network for a dataset where none is asked for: small-cnn for small grey images, else resnet18."""
    return "small-cnn" if dataset.shape[0] == 1 and dataset.shape[1] <= 32 else "resnet18"


def parse_settings(set: Mapping[str, Any] | Sequence[str] | None) -> dict[str, Any]:
    """Settings by name, from a mapping or from "key=value" strings whose values are read as YAML.

    `norms=linf,l1` is a list: a comma outside of brackets separates items.

    Raises:
        BadInput: a string without a key or a "=".
    """
    if isinstance(set, Mapping):
        return dict(set)
    settings = {}
    for item in set or ():
        key, equals, text = item.partition("=")
        if not key.strip() or not equals:
            raise BadInput(f"--set {item!r}: write it as key=value, e.g. epochs=10 or alpha=0.3")
        value = _value(text)
        settings[key.strip()] = [_value(part) for part in value.split(",")] if _is_list(value) else value
    return settings


def _value(text: str) -> Any:
    """The plain value that `text` spells in YAML; what is no YAML is itself."""
    try:
        return parse_yaml(text, "--set")[0]
    except BadInput:
        return text


def _is_list(value: Any) -> bool:
    return isinstance(value, str) and "," in value


def registered_name(method: str) -> str:
    """The name that `method`, which may be an alias, is registered under."""
    return METHODS.name_of(method)


def _norms(bound: BoundMethod) -> set[str]:
    """The norms in which a run needs a radius: those that it attacks in, and those in which it measures networks."""
    own = {member.norm for member in bound.cohort.members if member.norm}
    is_shared = any(not member.norm for member in bound.cohort.members)
    return own | (set(bound.inner.norms) if is_shared or bound.inner.objective else set())


def _check_sizes(recipe: Recipe, shape: tuple[int, ...], where: str) -> None:
    problems = {f"{norm}.epsilon": too_large(norm, row.epsilon, shape) for norm, row in recipe.threats.items()}
    problems |= {f"{norm}.step_size": too_long(norm, row.step_size, shape) for norm, row in recipe.threats.items()}
    if any(problems.values()):
        found = (f"threats.{place}: {problem}" for place, problem in problems.items() if problem)
        raise BadInput(f"{where}: {'; '.join(found)}")
