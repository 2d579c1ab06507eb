"""What decides the weights that a run leads to, and what two runs do differently, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.data import Dataset
from benchmark.errors import short
from benchmark.methods.method import BoundMethod, Method
from benchmark.methods.objectives import OBJECTIVES
from benchmark.methods.outer import OUTERS
from benchmark.methods.table import METHODS
from benchmark.models import ARCHITECTURES
from benchmark.models.reach import Reach
from benchmark.own import files
from benchmark.own.constants import constants_digest, unbound
from benchmark.recipes.recipe import Recipe, younger_defaults
from benchmark.registry import Registry
from benchmark.storage import digest, flat
from benchmark.tensors import tensor_digest
from benchmark.training.younger import recipe_as_said, settings_as_said

#: Raised whenever the same plan would give other weights; finished runs of an older version are then run again.
VERSION = 2

#: How many differences are told; who changed the method need not read of every number that follows from it.
TOLD = 4

#: Parts of an identity that are told by name alone: their values are digests.
_DIGESTS = {
    "data": "other training images",
    "teachers": "other teachers",
    "init": "other initial weights",
    "extra_data": "other extra data",
    "plug_ins": "other code of plug-ins",
    "version": "another version of this program",
}


def make_identity(
    method: str,
    bound: BoundMethod,
    recipe: Recipe,
    architecture: str,
    *,
    data: str,
    teachers: Sequence[str],
    seed: int,
    precision: str,
    inner: str | None,
    outer: str | None,
    init: Sequence[str] = (),
    extra_data: str | None = None,
) -> dict[str, Any]:
    """What decides the weights that a run leads to; all data and networks by their digests, the rest as in `Plan`."""
    found = {
        "version": VERSION,
        "method": files.shown(method),
        "inner": [bound.attack(member) for member in bound.cohort.members] if inner else None,
        "outer": files.shown(outer) if outer else outer,
        "settings": settings_as_said(bound.settings),
        "recipe": recipe_as_said(recipe.model_dump(mode="json")),
        "architecture": files.shown(architecture),
        "data": data,
        "teachers": [*teachers],
        "seed": seed,
        "precision": precision,
    }
    plug_ins = _plug_ins(method, architecture, inner, outer)
    # What is not there goes unsaid: a run from before there could be any is still the same run.
    rare = {"plug_ins": plug_ins, "init": [*init], "extra_data": extra_data}
    return found | {key: value for key, value in rare.items() if value}


def length(identity: Mapping[str, Any]) -> int:
    """How many epochs the run has."""
    recipe = identity.get("recipe")
    epochs = recipe.get("epochs") if isinstance(recipe, Mapping) else None
    return epochs if isinstance(epochs, int) else 0


def of_any_length(identity: Mapping[str, Any], epochs: int | None = None) -> dict[str, Any]:
    """The identity without its number of epochs, or with another one."""
    recipe = identity.get("recipe")
    return {**identity, "recipe": {**recipe, "epochs": epochs} if isinstance(recipe, Mapping) else recipe}


def images_digest(dataset: Dataset) -> str:
    """SHA-256 (hex) of what is trained on and selected by."""
    train, held_out = dataset.train, dataset.validation
    return tensor_digest({"train": train.images, "labels": train.labels, "validation": held_out.images})


def _plug_ins(method: str, architecture: str, inner: str | None, outer: str | None) -> dict[str, str]:
    """By name, the code of what others have a part in: it may change under its name."""
    used: list[tuple[Registry[Any], str | None]] = [(METHODS, name) for name in (method, inner, outer)]
    used += [(ARCHITECTURES, architecture), (OBJECTIVES, inner), (OUTERS, outer)]
    return {
        f"{registry.kind} {files.shown(name)}": _code(registry, name)
        for registry, name in used
        if name is not None
        and (registry.is_plug_in(name) or registry.is_put(name) or (files.is_spec(name) and name in registry))
    }


def _code(registry: Registry[Any], name: str) -> str:
    """The digest of the code of another's thing, and of all that it computes with."""
    thing = registry.get(name)
    whole = Reach(thing).digest()
    if registry.is_put(name):
        parts = [thing.outer, *map(unbound, (thing.inner, thing.cohort))] if isinstance(thing, Method) else [thing]
        return digest([whole, *map(constants_digest, parts)])
    return digest([whole, files.code_of(name)]) if files.is_spec(name) else whole


def facts(identity: Mapping[str, Any]) -> dict[str, Any]:
    """An identity by single values, "epochs", "threats.linf.epsilon" or "alpha", the most telling ones first."""
    found: dict[str, Any] = {"init": [], "extra_data": None}
    found |= {key: value for key, value in identity.items() if key not in ("recipe", "settings")}
    recipe = {key: value for key, value in (identity.get("recipe") or {}).items() if key != "precision"}
    if recipe:
        recipe = younger_defaults() | recipe
    return found | dict(flat(recipe)) | dict(flat(identity.get("settings") or {}))


def card_facts(card: Mapping[str, Any]) -> dict[str, Any]:
    """As `facts`, as far as the card of a network tells them."""
    extra = card.get("extra") or {}
    recipe = {key: value for key, value in (card.get("recipe") or {}).items() if key != "name"}
    told = {key: card.get(key) for key in ("method", "dataset", "architecture", "seed")}
    told |= {key: extra[key] for key in ("precision", "inner", "outer") if key in extra}
    taught = [said.get("digest") for said in extra.get("lineage") or ()]
    told["init"] = [said.get("digest") for said in extra.get("inits") or ()]
    told["extra_data"] = (extra.get("extra_data") or {}).get("digest")
    return facts({**told, "teachers": taught, "recipe": recipe, "settings": extra.get("settings") or {}})


def differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    """What the facts of one run say otherwise than those of another, of what both say: "epochs 1, not 20"."""
    return [_difference(key, theirs[key], value) for key, value in ours.items() if theirs.get(key, value) != value]


def _difference(key: str, theirs: Any, ours: Any) -> str:
    if key in _DIGESTS:
        return _DIGESTS[key]
    was, now = (files.shown(value) if isinstance(value, str) else value for value in (theirs, ours))
    if was == now:  # of one's own file: all that differs is the digest of its code
        return f"{key}: another version of {now.rpartition(':')[0]}, or of what it imports"
    return f"{key} {short(was)}, not {short(now)}"


def in_words(found: list[str]) -> str:
    """The first of some differences."""
    told = "; ".join(found[:TOLD]) or "other training images, or another version of this program"
    return told + (f"; and {len(found) - TOLD} more" if len(found) > TOLD else "")
