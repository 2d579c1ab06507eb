"""Settings that a run has anyway: with and without them it is the same run, which is made once, under one name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.documents import is_path
from benchmark.errors import BadInput
from benchmark.scales import UNSAID, Radii
from benchmark.storage import digest

if TYPE_CHECKING:
    from benchmark.recipes.recipe import RecipeFile


def without_defaults(
    settings: Mapping[str, Any],
    *,
    method: str,
    dataset: str,
    architecture: str,
    recipe: str,
    inner: str | None = None,
    outer: str | None = None,
    radii: Radii = UNSAID,
) -> dict[str, Any]:
    """`settings` without those that the recipe or the method decide alike; the other arguments are those of the run.

    Where that can't be told, all are kept: on data whose scale only its images say, the recipe may mean others.
    """
    if not settings:
        return {}
    from benchmark.held_out_names import split_holdout
    from benchmark.methods.overrides import bind_method
    from benchmark.planning.runs import Images
    from benchmark.recipes.recipe import is_recipe_key
    from benchmark.training.decision import registered_name, usual

    published, _ = split_holdout(dataset)

    def decided(chosen: Mapping[str, Any]) -> str:
        of_recipe = {key: value for key, value in chosen.items() if is_recipe_key(key)}
        of_method = {key: value for key, value in chosen.items() if key not in of_recipe}
        asked = radii.of(Images(published, published, (3, 32, 32)))

        def resolve(name: str) -> Any:
            return file.resolve(registered_name(name), architecture, published, asked, of_recipe, recipe)

        resolved, defaults = usual(method, resolve, inner, outer)
        bound = bind_method(method, {**defaults, **of_method}, method, inner, outer)
        return digest([resolved.model_dump(mode="json"), bound.settings])

    kept = dict(settings)
    try:
        file = _file(recipe, Path(recipe).stat().st_mtime_ns if is_path(recipe) else 0)
        if published not in file.threats and not radii.scale:
            return kept
        whole = decided(kept)
        for key in settings:
            others = {name: value for name, value in kept.items() if name != key}
            if decided(others) == whole:
                kept = others
    except (BadInput, OSError):  # which is told where the run is decided
        return dict(settings)
    return kept


@lru_cache(maxsize=8)
def _file(recipe: str, written: int) -> RecipeFile:
    """The recipe's file as it was `written`; reading it takes longer than all else here."""
    from benchmark.recipes.recipe import load_recipe

    return load_recipe(recipe)
