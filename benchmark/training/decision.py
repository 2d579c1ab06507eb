"""What a run follows: its recipe and its method, with everything decided that the caller left open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmark.data import Dataset
from benchmark.errors import BadInput
from benchmark.held_out_names import split_holdout
from benchmark.methods.method import BoundMethod
from benchmark.methods.overrides import bind_method, usual_settings
from benchmark.methods.table import METHODS
from benchmark.models import ARCHITECTURES
from benchmark.radii import too_large, too_long
from benchmark.recipes.recipe import Recipe, is_recipe_key, load_recipe
from benchmark.scales import UNSAID, Named, Radii
from benchmark.training.dry_run import dry_run
from benchmark.training.optimizer import TAKEN_BY, check_optimizer


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
    dry_run(bound, f"method {method}", resolved.label_smoothing)
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
