"""Cards: all that is known about one method, attack, suite or recipe, with its options and what it costs."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmark.catalogue.rows import Row
from benchmark.parameters import allowed, parameters, plain

if TYPE_CHECKING:
    from benchmark.methods.method import BoundMethod, Method


#: Where a docstring begins to tell of attributes.
ATTRIBUTES = "\n\nAttributes:\n"


def method_card(row: Row) -> Row:
    """A method: formulas, options of its parts, where paper and code differ, what a training step costs."""
    from benchmark.catalogue.costs import cost_in_words
    from benchmark.methods.differences import DIFFERENCES
    from benchmark.methods.table import METHODS
    from benchmark.methods.train_passes import in_words

    method = METHODS.get(row["name"])
    bound = method.bind({}, row["name"])
    remarks = [_text(part) for part in (bound.inner.objective, method.outer) if part]
    return {
        **row,
        "cost": cost_in_words(bound),
        "remarks": " ".join(filter(None, remarks)),
        "differences": DIFFERENCES.get(row["name"], ""),
        "passes": in_words(row["name"]),
        "options": list(_options(method, bound)),
    }


def attack_card(row: Row) -> Row:
    """An attack: what it does, its parameters, roughly how many passes it takes."""
    from benchmark.attacks import ATTACKS
    from benchmark.evaluation.cost import passes_of_attack

    attack = ATTACKS.get(row["name"])
    text, *_ = (inspect.getdoc(attack) or "").partition(ATTRIBUTES)
    about: dict[str, str] = {}
    for part in reversed(attack.__mro__):  # what several attacks share is told where they have it from
        about |= _attributes(inspect.cleandoc(vars(part).get("__doc__") or "").partition(ATTRIBUTES)[2])
    options = [
        {
            "name": field.name,
            "default": plain(field.default),
            "allowed": allowed(attack, field.name),
            "about": about.get(field.name, ""),
        }
        for field in dataclasses.fields(attack)
    ]
    passes = float(f"{passes_of_attack(attack()):.2g}")
    return {
        **row,
        "description": re.sub(r"\s+", " ", text),
        "version": attack.version,
        "restarts can help": bool(attack().random),
        "cost": f"about {passes:,.0f} pass{'es' * (passes != 1)} for an image that withstands it; a gradient counts "
        "as one, a pass without as half"
        if passes >= 1
        else "no pass but that of the verdict",
        "options": options,
    }


def suite_card(row: Row) -> Row:
    """A suite: its attacks, its radii for each scale, where they come from, what it costs."""
    from benchmark.evaluation.cost import passes_of
    from benchmark.evaluation.suite import load_suite
    from benchmark.reporting.text import in_points

    scales = row["scales"] or [""]  # one that states all of its radii itself has no rows
    first = load_suite(row["name"], scale=scales[0])
    presets = [load_suite(row["name"], preset, scales[0]) for preset in row["presets"]]
    return {
        **row,
        "version": first.version,
        "margin": None if first.margin is None else in_points(first.margin),
        "cost": "; ".join(
            f"{suite.preset}: about {passes_of(suite):,.0f} passes for each of {suite.images:,} images"
            for suite in presets
        ),
        "sources": list(first.sources),
        "differences": list(first.differences),
        "radii": [{"scale": scale, "threats": _threats(row["name"], scale)} for scale in scales],
        "attacks": [
            {
                "label": item.label,
                "attack": item.attack.name,
                "norm": item.threat.norm,
                "restarts": item.restarts,
                "parameters": ", ".join(f"{k} {v}" for k, v in dataclasses.asdict(item.attack).items()),
            }
            for item in first.items
        ],
    }


def _threats(suite: str, scale: str) -> str:
    """The threats of a suite at a scale; where its row lacks some, the row and what is left to whoever asks."""
    from benchmark.evaluation.suite import load_suite
    from benchmark.suites.files import norms_without_radius, read_suite_file
    from benchmark.threats import Threat

    if not (lacking := norms_without_radius(suite, scale)):
        return ", ".join(map(str, load_suite(suite, scale=scale).threats))
    row = read_suite_file(suite).content.epsilons.get(scale, {})
    stated = ", ".join(str(Threat(norm, radius)) for norm, radius in row.items())
    return f"{stated}; {', '.join(lacking)} by --epsilon"


def recipe_card(row: Row) -> Row:
    """A recipe: its settings, its radii for each scale, and for which runs it sets something else."""
    from benchmark.recipes.recipe import load_recipe

    file = load_recipe(row["name"])
    return {
        **row,
        "settings": file.model_extra or {},
        "radii": [
            {"scale": scale, "norm": norm, **values}
            for scale, norms in file.threats.items()
            for norm, values in norms.items()
        ],
        "overrides": [
            {
                "methods": ", ".join(override.methods),
                "architectures": ", ".join(override.architectures),
                "datasets": ", ".join(override.datasets),
                "source": override.source or file.source,
                "set": ", ".join(f"{key}={plain(value)}" for key, value in override.set.items()),
            }
            for override in file.overrides
        ],
    }


def _options(method: Method, bound: BoundMethod) -> Iterator[Row]:
    parts: dict[str, Callable[..., Any] | None] = {
        "cohort": method.cohort,
        "attack": method.inner if bound.inner.objective else None,
        "objective": bound.inner.objective,
        "loss": method.outer,
        "statistics": method.passes,
        "weights": method.awp if bound.inner.objective else None,
        "merging": method.merge,
    }
    for part, function in parts.items():
        for name, value in parameters(function).items() if function else ():
            if name != "objective":
                yield {"name": name, "of the": part, "default": plain(value), "allowed": allowed(function, name)}  # type: ignore[arg-type]


def _text(function: Callable[..., Any]) -> str:
    while isinstance(function, partial):
        function = function.func
    return re.sub(r"\s+", " ", inspect.getdoc(function) or "").strip()


def _attributes(told: str) -> Iterator[tuple[str, str]]:
    """What the section of attributes of a docstring says about each."""
    for entry in re.split(r"\n(?=    \w)", "\n" + told):
        names, colon, text = entry.strip().partition(":")
        if colon:
            yield from ((name.strip(), re.sub(r"\s+", " ", text).strip()) for name in names.split(","))
