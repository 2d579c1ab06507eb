"""Settings that networks were trained without before there were any: where they change nothing they go unsaid.

Those of a recipe itself are in `benchmark.recipes.recipe.YOUNGER`.

So a run from before is still the same run, by its digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: By name, the value with which all is as it was before; in a recipe's validation, in each norm's row of radii,
#: and among the hyper-parameters of a method.
VALIDATION = {"step": None, "start": "uniform"}
RADIUS = {"saturated": "move", "projection": "intersection", "restarts": 0}
SETTINGS = {"restart": "uniform", "passes": 1, "extra_passes": []}


def recipe_as_said(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe as plain values, for an identity. Which images are held out is in the digest of the data."""
    validation = _without(recipe["validation"], VALIDATION)
    validation.pop("held_out", None)
    threats = {norm: _without(row, RADIUS) for norm, row in recipe["threats"].items()}
    return {**recipe, "validation": validation, "threats": threats}


def settings_as_said(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The hyper-parameters of a method as plain values, for an identity."""
    found = _without(settings, SETTINGS)
    if found.get("specialist_start") == found.get("start"):
        found.pop("specialist_start", None)
    if found.get("robust") == "at":  # RAMP's loss, which β is no part of then
        found = {name: value for name, value in found.items() if name not in ("robust", "beta")}
    return found


def _without(values: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in usual or value != usual[name]}
