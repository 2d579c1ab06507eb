"""The commands that make a network and its results again, from what the ledger says about them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from benchmark.errors import BadInput
from benchmark.evaluation.suite import SUITES, fitting
from benchmark.ledger import Evaluation
from benchmark.methods.overrides import bind_method
from benchmark.methods.table import METHODS
from benchmark.recipes.recipe import Recipe, RecipeFile, load_recipe
from benchmark.scales import Radii, radii_said
from benchmark.storage import canonical_json
from benchmark.training.names import file_stem, run_name
from benchmark.training.plan import usual


def training_command(card: Mapping[str, Any]) -> str | None:
    """The `bench train` that leads to this network; None for one that was not trained here.

    What differs from the named recipe and the method's defaults, as this version has them, is said by --set.
    """
    if card["method"] not in METHODS or not card.get("recipe", {}).get("name"):
        return None
    extra = card.get("extra", {})
    words = ["bench", "train", "--method", card["method"], "--dataset", card["dataset"]]
    words += ["--arch", card["architecture"], "--recipe", card["recipe"]["name"]]
    words += ["--seed", str(card["seed"])] if card.get("seed") is not None else []
    words += _radii(card.get("scale", ""), extra.get("radii"), card["dataset"]).options()
    for name in ("inner", "outer"):
        words += [f"--{name}", extra[name]] if extra.get(name) else []
    for teacher in extra.get("teachers", ()):
        words += ["--teacher", teacher if ":" in teacher else _file(teacher)]
    foreign = [teacher.partition(":")[0] for teacher in extra.get("teachers", ()) if ":" in teacher]
    words += ["--trust"] if "python" in foreign else []
    words += ["--download"] if set(foreign) - {"python"} else []
    if extra.get("precision"):
        words += ["--precision", extra["precision"]]
    changed = dict(_changes(card))
    words += _name(card, changed)
    changes = [f"{name}={_value(value)}" for name, value in changed.items()]
    return shlex.join([*words, *(["--set", *changes] if changes else [])])


def evaluation_command(evaluation: Evaluation) -> str:
    """The `bench evaluate` that leads to these results."""
    return _evaluate(evaluation, evaluation.suite["name"], evaluation.suite["preset"], evaluation.mode)


def curves_command(evaluation: Evaluation) -> str:
    """The `bench evaluate` that measures the security curves of the same network on the same images."""
    return _evaluate(evaluation, "security-curves", "quick", "full")


def _evaluate(evaluation: Evaluation, suite: str, preset: str, mode: str) -> str:
    card = evaluation.model
    source = card["name"] if card["method"] == "external" else _file(card["name"])
    words = ["bench", "evaluate", source, "--suite", suite, "--preset", preset]
    words += ["--n", str(evaluation.dataset["images"]), "--mode", mode, "--seed", str(evaluation.seed)]
    words += ["--precision", evaluation.precision]
    named = card.get("stands_for", ())
    if named and set(named) != set(card.get("classes", ())):  # it does not say itself; the page does
        words += ["--classes", "classes.txt"]
    if card.get("dataset") != evaluation.dataset["name"]:
        words += ["--dataset", evaluation.dataset["name"]]
    said = evaluation.suite.get("scale", ""), evaluation.suite.get("radii"), evaluation.dataset["name"]
    radii = _radii(*said)
    words += (fitting(radii, suite) if suite in SUITES else radii).options()
    return shlex.join(words)


def _file(name: str) -> str:
    """Where `bench train` leaves the network called `name`."""
    return f"zoo/{file_stem(name)}.pt"


def _name(card: Mapping[str, Any], changed: Mapping[str, Any]) -> list[str]:
    """What to call the run so that its networks have the same names again; nothing where they have them anyway."""
    extra = card.get("extra", {})
    usual = run_name(
        card["method"],
        dataset=card["dataset"],
        architecture=card["architecture"],
        recipe=card["recipe"]["name"],
        settings=changed,
        inner=extra.get("inner"),
        outer=extra.get("outer"),
        seed=card["seed"],
        teachers=extra.get("teachers", ()),
    )
    name = card["name"].removesuffix(f"-{card['network']}" if card.get("network") else "")
    return [] if name == usual else ["--name", name]


def _changes(card: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    recipe = {name: value for name, value in card["recipe"].items() if name not in ("name", "precision")}
    settings = card.get("extra", {}).get("settings", {})
    extra = card.get("extra", {})
    replaced = extra.get("inner"), extra.get("outer")

    def resolve(method: str) -> tuple[Recipe, dict[str, Any]]:
        radii = _radii(card.get("scale", ""), extra.get("radii"), card["dataset"])
        where = card["architecture"], card["dataset"], radii
        return _recipe(card["recipe"]["name"]).resolve(method, *where, {}, "recipe")

    try:
        as_usual, hyper = usual(card["method"], resolve, *replaced)
        bound = bind_method(card["method"], hyper, "method", *replaced)
    except BadInput:
        yield from settings.items()
        return
    yield from _differences(recipe, as_usual.model_dump(mode="json"))
    yield from _differences(settings, bound.settings)


def _radii(scale: str, said: Any, dataset: str) -> Radii:
    """The radii to ask for again; pictures from a path have none of their own, so that theirs have to be named."""
    radii = radii_said(scale, said)
    return replace(radii, named=radii.named or (":" in dataset and bool(scale)))


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


def _value(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value)
