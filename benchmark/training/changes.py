"""What a run does otherwise than its recipe and its method do by themselves: what its `--set` has to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from benchmark.errors import BadInput
from benchmark.held_out_names import split_holdout
from benchmark.methods.overrides import bind_method
from benchmark.recipes.recipe import Recipe, RecipeFile, load_recipe, younger_defaults
from benchmark.scales import radii_again
from benchmark.storage import canonical_json
from benchmark.training.decision import usual


def changes(card: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the run that a checkpoint's `card` tells of which differ from those of the recipe it names.

    Compared is with the recipe, and with the method's defaults, as this version has them; where it has no such recipe
    or method, all settings of the method are told. Inner values stand under dotted names.
    """
    recipe = {name: value for name, value in card["recipe"].items() if name not in ("name", "precision")}
    recipe = {**younger_defaults(), **recipe}
    extra = card.get("extra", {})
    settings = extra.get("settings", {})
    replaced = extra.get("inner"), extra.get("outer")

    radii = radii_again(card.get("scale", ""), extra.get("radii"), card["dataset"])

    def resolve(method: str) -> tuple[Recipe, dict[str, Any]]:
        where = card["architecture"], split_holdout(card["dataset"])[0], radii
        return _recipe(card["recipe"]["name"]).resolve(method, *where, {}, "recipe")

    try:
        as_usual, hyper = usual(card["method"], resolve, *replaced)
        bound = bind_method(card["method"], hyper, "method", *replaced)
    except BadInput:
        return dict(settings)
    found = dict(_differences(recipe, {**younger_defaults(), **as_usual.model_dump(mode="json")}))
    return found | dict(_differences(settings, bound.settings))


@lru_cache(maxsize=16)
def _recipe(name: str) -> RecipeFile:
    return load_recipe(name)


def _differences(found: Mapping[str, Any], usual: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """What `found` says otherwise than `usual`; inner values by dotted names."""
    for name, value in found.items():
        other = usual.get(name)
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            yield from _differences(value, other, f"{prefix}{name}.")
        elif canonical_json(value) != canonical_json(other):
            yield f"{prefix}{name}", value
