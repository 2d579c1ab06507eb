"""What a run is called: its method, and whatever is not as usual; that is for people, its digest is what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.radii import format_radius
from benchmark.scales import UNSAID, Radii
from benchmark.storage import canonical_json, digest, safe_name

#: What goes unsaid.
USUAL_DATASET, USUAL_RECIPE = "digits", "quick"
_SMALL_AND_GREY = ("digits", "mnist", "fashion-mnist")


def run_name(
    method: str,
    *,
    dataset: str,
    architecture: str,
    recipe: str,
    settings: Mapping[str, Any],
    radii: Radii = UNSAID,
    inner: str | None = None,
    outer: str | None = None,
    seed: int = 0,
    teachers: Sequence[str] = (),
) -> str:
    """The name of a run: "cifar10-trades-gpu-30-beta-3-seed-1", "ard-from-trades".

    Args:
        method, dataset, architecture, recipe, settings, inner, outer, seed: as `benchmark.train` takes them.
        radii: what is said about them.
        teachers: their names.
    """
    kind, colon, _ = dataset.partition(":")
    parts = [] if dataset == USUAL_DATASET else [f"{kind}-{digest(dataset)[:8]}" if colon else kind]
    parts.append(method)
    parts += [] if architecture == _usual_architecture(kind) else [architecture]
    parts += [f"inner-{inner}"] if inner else []
    parts += [f"outer-{outer}"] if outer else []
    parts += [] if recipe == USUAL_RECIPE else [Path(recipe).stem if recipe.endswith((".yaml", ".yml")) else recipe]
    parts += [f"scale-{radii.scale}"] if radii.named else []
    parts += [f"epsilon-{norm}-{format_radius(norm, radius)}".replace("/", "-") for norm, radius in radii.own]
    parts += [f"{key}-{_spelt(value)}" for key, value in sorted(settings.items())]
    parts += [f"seed-{seed}"] if seed else []
    parts += [f"from-{'-and-'.join(teachers)}"] if teachers else []
    return safe_name("-".join(parts))


def name_beside(name: str, run: str) -> str:
    """Another name for the run with that digest, where something else is called `name` already."""
    return f"{safe_name(name, 80 - 9)}-{run[:8]}"


def _spelt(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value)


def _usual_architecture(kind: str) -> str:
    return "small-cnn" if kind in _SMALL_AND_GREY else "resnet18"
