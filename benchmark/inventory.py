"""What there is to choose from, and what is known about a file that training or evaluation made."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.damage import Damaged
from benchmark.errors import BadInput, unknown

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
    kinds: dict[str, Callable[[], list[Row]]] = {
        "methods": _methods,
        "objectives": _objectives,
        "losses": _losses,
        "attacks": _attacks,
        "suites": _suites,
        "recipes": _recipes,
        "datasets": _datasets,
        "architectures": _architectures,
        "sources": _sources,
        "papers": _papers,
        "experiments": _experiments,
    }
    if kind not in kinds:
        raise unknown("kind", kind, kinds)
    return kinds[kind]()


def show(source: str | Path, *, download: bool = False, trust: bool = False) -> Row:
    """What a file says about itself: a checkpoint's card, a ledger record, or an evaluation's manifest.

    Args:
        source: the file, or a network from elsewhere as `benchmark.load_model` takes it.
        download, trust: as for `benchmark.load_model`.

    Raises:
        BadInput: the file is absent, damaged, or none of these.
    """
    path = Path(source)
    if path.suffix == ".json":
        return _evaluation(path)
    return _record(path) if path.parent.parent.name == "records" else _network(str(source), download, trust)


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
    from benchmark.evaluation.suite import SUITES, load_suite, suite_presets, suite_scales

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


def _network(source: str, download: bool, trust: bool) -> Row:
    from benchmark.evaluation.target import card
    from benchmark.models import load_model

    return card(load_model(source, download=download, trust=trust))


def _record(path: Path) -> Row:
    from benchmark.ledger.record import read_record

    try:
        record = read_record(path)
    except FileNotFoundError as error:
        raise BadInput(f"there is no record {path}; a report names the records behind each of its numbers") from error
    except Damaged as error:
        raise BadInput(f"{error}; evaluate again to make it anew") from error
    per_image = {name: getattr(record, name).tolist() for name in ("clean_errors", "evaluated", "broken")}
    distances = [distance if math.isfinite(distance) else None for distance in record.distance.tolist()]
    return {"record": record.digest, **record.key, **record.info, **per_image, "distance": distances}


def _evaluation(path: Path) -> Row:
    from benchmark.ledger.ledger import read_manifest

    try:
        return read_manifest(path)
    except FileNotFoundError as error:
        raise BadInput(f"can't read {path}: there is no such file") from error
    except Damaged as error:
        raise BadInput(f"{error}; evaluations lie in the folder evaluations/ of the results") from error
