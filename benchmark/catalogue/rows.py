"""What there is to choose from: a row for each thing of a kind, as `bench list` prints them."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from benchmark.errors import unknown

if TYPE_CHECKING:
    from benchmark.methods.method import BoundMethod
    from benchmark.registry import Registry

#: One listed thing: its "name", and what else a reader wants to know about things of its kind.
Row = dict[str, Any]


def catalogue(kind: str) -> list[Row]:
    """All things of one `kind`, as `bench list` names them; plug-ins that can't be loaded are left out and logged.

    Raises:
        BadInput: there is no such kind.
    """
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    return KINDS[kind]()


def names(kind: str) -> set[str]:
    """All names and aliases of a kind, without a look at what they stand for."""
    if kind == "recipes":
        from benchmark.recipes.recipe import recipe_names

        return set(recipe_names())
    module, attribute = _REGISTRIES[kind]
    registry: Registry[Any] = getattr(importlib.import_module(f"benchmark.{module}"), attribute)
    own = registry.names()
    return {*own, *(alias for name in own for alias in registry.aliases(name))}


#: Where the things of a kind are registered.
_REGISTRIES = {
    "methods": ("methods.table", "METHODS"),
    "attacks": ("attacks", "ATTACKS"),
    "suites": ("suites.files", "SUITES"),
    "datasets": ("data", "DATASETS"),
    "architectures": ("models", "ARCHITECTURES"),
    "objectives": ("methods.objectives", "OBJECTIVES"),
    "losses": ("methods.outer", "OUTERS"),
    "sources": ("models", "SOURCES"),
    "papers": ("papers", "PAPERS"),
    "experiments": ("experiments.experiment", "EXPERIMENTS"),
}


def _methods() -> list[Row]:
    from benchmark.methods.formulas import formula_of
    from benchmark.methods.inner import STRATEGIES
    from benchmark.methods.table import METHODS

    rows = []
    for name, method in METHODS:
        bound = method.bind({}, f"method {name}")
        members, inner = bound.cohort.members, bound.inner
        attacks = {m.name: attack for m in members if (attack := bound.attack(m)) and not m.norm}
        several = bool(attacks) and len(inner.norms) > 1
        rows.append(
            {
                "name": name,
                "aliases": METHODS.aliases(name),
                "title": method.title,
                "networks": [member.name or name for member in members],
                "teachers": list(bound.cohort.teachers),
                "norms": list(inner.norms) if attacks else [],
                "strategy": f"{inner.strategy}: {STRATEGIES[inner.strategy]}" if several else "",
                "inner": _by_network(attacks, "climbs") or "none",
                "start": _by_network(attacks, "start"),
                "ascent": "APGD" if attacks and inner.ascent == "apgd" else "",
                "outer": formula_of(bound.outer),
                "weights": _weights(bound),
                "paper": method.paper,
                "equation": method.equation,
                "code": method.code,
            }
        )
    return rows


def _by_network(attacks: Mapping[str, Mapping[str, Any]], part: str) -> str:
    """One part of how networks are attacked: once if they are attacked alike, else for each by name."""
    found = {name: str(attack[part]) for name, attack in attacks.items()}
    alike = len(set(found.values())) == 1
    return next(iter(found.values())) if alike else "; ".join(f"{name}: {text}" for name, text in found.items())


def _weights(bound: BoundMethod) -> str:
    """What is done to the weights beside descending."""
    if bound.merge:
        return f"merged with a natural copy after each epoch, β {bound.settings['merge']:g}"
    if not bound.awp.awp:
        return ""
    begin = f", from {bound.awp.awp_warmup:.1%} of the training on" if bound.awp.awp_warmup else ""
    return f"perturbed adversarially, γ {bound.awp.awp:g}{begin}"


def _objectives() -> list[Row]:
    from benchmark.methods.objectives import OBJECTIVES

    return _formulas(OBJECTIVES)


def _losses() -> list[Row]:
    from benchmark.methods.outer import OUTERS

    return _formulas(OUTERS)


def _formulas(registry: Registry[Any]) -> list[Row]:
    from benchmark.methods.formulas import formula_of
    from benchmark.parameters import parameters, plain

    def row(name: str) -> Row:
        part = registry.get(name)
        values = {key: plain(value) for key, value in parameters(part).items()}
        return {"name": name, "formula": formula_of(part), "parameters": values}

    return list(registry.each(row))


def _attacks() -> list[Row]:
    from benchmark.attacks import ATTACKS

    return [
        {
            "name": name,
            "kind": attack.kind,
            "norms": list(attack.norms),
            "source": attack.source,
            "gradient_free": attack.gradient_free,
            "paper": attack.paper,
            "description": _first_line(attack),
        }
        for name, attack in ATTACKS
    ]


def _suites() -> list[Row]:
    from benchmark.evaluation.suite import load_suite
    from benchmark.suites.files import SUITES, suite_presets, suite_scales

    def row(name: str) -> Row:
        presets, scales = suite_presets(name), suite_scales(name)
        suite = load_suite(name, scale=scales[0])
        return {
            "name": name,
            "description": suite.description,
            "presets": presets,
            "scales": scales,
            "attacks": [item.label for item in suite.items],
        }

    return list(SUITES.each(row))


def _recipes() -> list[Row]:
    from benchmark.recipes.recipe import load_recipe, recipe_names

    files = {name: load_recipe(name) for name in recipe_names()}
    return [{"name": name, "description": file.about, "scales": list(file.threats)} for name, file in files.items()]


def _datasets() -> list[Row]:
    from benchmark.data import DATASETS

    return [{"name": name, "description": _first_line(loader)} for name, loader in DATASETS]


def _architectures() -> list[Row]:
    import torch

    from benchmark.models import ARCHITECTURES

    def row(name: str) -> Row:
        with torch.device("meta"):
            network = ARCHITECTURES.get(name)(num_classes=10, shape=(3, 32, 32))
        parameters = sum(parameter.numel() for parameter in network.parameters())
        return {"name": name, "parameters": parameters, "description": "counted for 10 classes of 3×32×32 images"}

    return list(ARCHITECTURES.each(row))


def _sources() -> list[Row]:
    from benchmark.models import SOURCES

    return [{"name": name, "description": _first_line(source)} for name, source in SOURCES]


def _papers() -> list[Row]:
    from benchmark.papers import PAPERS, load_paper

    def row(name: str) -> Row:
        found = load_paper(name)
        return {"name": name, "title": found.title, "exhibits": list(found.exhibits), "paper": found.source}

    return list(PAPERS.each(row))


def _experiments() -> list[Row]:
    from benchmark.experiments.experiment import EXPERIMENTS, load_experiment

    def row(name: str) -> Row:
        found = load_experiment(name)
        return {"name": name, "title": found.title, "methods": list(found.method), "paper": found.source}

    return list(EXPERIMENTS.each(row))


def _first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]


#: In the order in which a name is looked up that is one of several kinds.
KINDS: dict[str, Callable[[], list[Row]]] = {
    "methods": _methods,
    "attacks": _attacks,
    "suites": _suites,
    "recipes": _recipes,
    "datasets": _datasets,
    "architectures": _architectures,
    "objectives": _objectives,
    "losses": _losses,
    "sources": _sources,
    "papers": _papers,
    "experiments": _experiments,
}
