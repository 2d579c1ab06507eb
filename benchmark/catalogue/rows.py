"""What there is to choose from: a row for each thing of a kind, as `bench list` prints them."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from benchmark.arguments import checked_arguments
from benchmark.errors import unknown

if TYPE_CHECKING:
    from benchmark.methods.method import BoundMethod
    from benchmark.registry import Registry

#: One listed thing: its "name", and what else a reader wants to know about things of its kind.
Row = dict[str, Any]


@checked_arguments
def catalogue(kind: str) -> list[Row]:
    """All things of one `kind`, as `bench list` names them; plug-ins that can't be loaded are left out and logged.

    Args:
        kind: "methods", "attacks", "suites", "recipes", "datasets", "architectures", "papers", "experiments",
            "losses", "objectives" or "sources".

    Returns:
        A row of plain values for each, its name under "name".

    Raises:
        BadInput: there is no such kind.
    """
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    return KINDS[kind]()


def names(kind: str) -> set[str]:
    """All names and aliases of a kind, without a look at what they stand for."""
    registry = registry_of(kind)
    own = registry.names()
    return {*own, *(alias for name in own for alias in registry.aliases(name))}


def registry_of(kind: str) -> Registry[Any]:
    """The registry of a kind."""
    module, attribute = _REGISTRIES[kind]
    registry: Registry[Any] = getattr(importlib.import_module(f"benchmark.{module}"), attribute)
    return registry


#: Where the things of a kind are registered.
_REGISTRIES = {
    "methods": ("methods.table", "METHODS"),
    "attacks": ("attacks", "ATTACKS"),
    "suites": ("suites.files", "SUITES"),
    "recipes": ("recipes.recipe", "RECIPES"),
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
    from benchmark.suites.files import SUITES

    return list(SUITES.each(_suite))


def _suite(suite: str) -> Row:
    from benchmark.evaluation.suite import load_suite
    from benchmark.suites.files import suite_presets, suite_scales

    presets, scales = suite_presets(suite), suite_scales(suite)
    bound = load_suite(suite, scale=next(iter(scales), ""))
    return {
        "name": suite,
        "description": bound.description,
        "presets": presets,
        "scales": scales,
        "attacks": [item.label for item in bound.items],
    }


def _recipes() -> list[Row]:
    from benchmark.recipes.recipe import RECIPES

    return list(RECIPES.each(_recipe))


def _recipe(recipe: str) -> Row:
    from benchmark.recipes.recipe import load_recipe

    file = load_recipe(recipe)
    return {"name": recipe, "description": file.about, "scales": list(file.threats)}


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
    from benchmark.papers import PAPERS

    return list(PAPERS.each(_paper))


def _paper(paper: str) -> Row:
    from benchmark.papers import load_paper

    found = load_paper(paper)
    return {"name": paper, "title": found.title, "exhibits": list(found.exhibits), "paper": found.source}


def _experiments() -> list[Row]:
    from benchmark.experiments.experiment import EXPERIMENTS

    return list(EXPERIMENTS.each(_experiment))


def _experiment(experiment: str) -> Row:
    from benchmark.experiments.experiment import load_experiment

    found = load_experiment(experiment)
    return {"name": experiment, "title": found.title, "methods": list(found.method), "paper": found.source}


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

#: Of things that are YAML files, the row of one by its name or path, and the key that tells such a file from others.
FILES: dict[str, tuple[Callable[[str], Row], str]] = {
    "suites": (_suite, "attacks"),
    "recipes": (_recipe, "threats"),
    "papers": (_paper, "exhibits"),
    "experiments": (_experiment, "method"),
}
